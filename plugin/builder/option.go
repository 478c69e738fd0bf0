package main

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"fmt"
	"go/format"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/pflag"
)

// option replaces one file of Fabric in the orderer, for every consenter in it, Raft too. It is for files whose content is
// known: of another one it is not known what the change does.
type option struct {
	name     string // of its flag; also that of the file in options/ that is appended
	usage    string
	file     string   // of Fabric
	known    []string // SHA-256 of the file, in every release from 2.5.0 to 3.1.5 and in the module
	relied   string   // another file of Fabric that the change relies on; empty if there is none
	reliedOn []string // SHA-256 of that file
	imports  []string // that the appended code needs
	edits    [][2]string
}

// options are the changes that can be asked for.
var options = []option{
	{
		name: "memo-verify", usage: "verify each signature once, not once for each policy that it is checked by",
		file:    "msp/identities.go",
		known:   []string{"00934088252c183b5b91b66ed6ffa1e1be6bc9f3d6136d1c36dbe59e8b0cfbfc", "13d17bc48e630aeecd98cd80af402109592f93c2872ac2d774e1e55453307c47"},
		imports: []string{"crypto/sha256", "encoding/binary", "sync/atomic"},
		edits:   [][2]string{{"valid, err := id.msp.bccsp.Verify(id.pk, ", "valid, err := verifyOnce(id, "}},
	},
	{
		name: "memo-expiry", usage: "parse the certificate of a client once, not for each envelope",
		file: "common/crypto/expiration.go",
		known: []string{
			"9e08c4d317a0ad3d3a3d22a097cc94124e67b2f82bda6dc7e933d5f846fdfb7f", "9ba3dcdb69641622a617ccc85f9aa3b1e01ec8bd5161bdc90b82204833cd7251",
			"54d285c7250fa307d21424920907d76370da2d83d09e94eb17e71fa6dba437ee", "4e40a6e1e5174d789186e27f5e83887707f2cf832a80fe38b82e6cd4998baf0b",
		},
		imports: []string{"crypto/sha256", "encoding/binary", "sync/atomic"},
		edits:   [][2]string{{"func ExpiresAt(identityBytes", "func expiresAt(identityBytes"}},
	},
	{
		name: "lean-ledger", usage: "serialize blocks into a buffer of the right size, without the ids of transactions, which an orderer does not index",
		file:     "common/ledger/blkstorage/block_serialization.go",
		known:    []string{"a3ad4e8c5d4f3f0d6b4fd1d251db339cbdd4527acc0ff925298c2250870124fd", "e15a75c98808b8f628994f672c52267cdac9c44534238e8f495440af05c67a44"},
		relied:   "common/ledger/blockledger/fileledger/factory.go", // names what is indexed
		reliedOn: []string{"ec30a5447d167e7192ce54c96e640140ae3638d83e37affab504b36fa4ab4389", "1c26618ba4d347a4f63bda1df2bf9a863afd159ba6060fff54dcaa82d0f37f8e"},
		edits: [][2]string{
			{"buf := proto.NewBuffer(nil)", "buf := proto.NewBuffer(make([]byte, 0, sizeOf(block)))"}, // 2.5
			{"var buf []byte\n\tinfo :=", "buf := make([]byte, 0, sizeOf(block))\n\tinfo :="},         // 3.x
			{"protoutil.GetOrComputeTxIDFromEnvelope(txEnvelopeBytes)", "withoutTxID(txEnvelopeBytes)"},
			{"protoutil.GetOrComputeTxIDFromEnvelope(txEnvBytes)", "withoutTxID(txEnvBytes)"},
			{"\t\"github.com/hyperledger/fabric/protoutil\"\n", ""},
		},
	},
}

//go:embed options
var appended embed.FS

// chosen are the options of one build. It is the value of their flags.
type chosen []option

// addFlags adds a flag for each option.
func (c *chosen) addFlags(flags *pflag.FlagSet) {
	for _, o := range options {
		flags.BoolFunc(o.name, o.usage, func(text string) error {
			wanted, err := strconv.ParseBool(text)
			if wanted {
				*c = append(*c, o)
			}
			return err
		})
	}
}

// names returns the names of the options, each once.
func (c chosen) names() (all []string) {
	for _, o := range options {
		if slices.ContainsFunc(c, func(other option) bool { return other.name == o.name }) {
			all = append(all, o.name)
		}
	}
	return all
}

// apply writes the files of the options, changed, and returns what replaces what.
func (c chosen) apply(s *source) (map[string]string, error) {
	replace := map[string]string{}
	for _, o := range c {
		changed, err := o.change(s)
		if err != nil {
			return nil, err
		}
		file := filepath.Join(s.work, "options", o.name+".go")
		if err := writeIfChanged(file, changed); err != nil {
			return nil, err
		}
		replace[filepath.Join(s.tree, o.file)] = file
	}
	return replace, nil
}

// change returns the option's file with its change.
func (o option) change(s *source) ([]byte, error) {
	text, err := o.read(s, o.file, o.known)
	if err != nil {
		return nil, err
	}
	if o.relied != "" {
		if _, err := o.read(s, o.relied, o.reliedOn); err != nil {
			return nil, err
		}
	}
	for _, e := range o.edits {
		text = bytes.Replace(text, []byte(e[0]), []byte(e[1]), 1)
	}
	var imports strings.Builder
	for _, path := range o.imports {
		fmt.Fprintf(&imports, "\n\t%q", path)
	}
	text = bytes.Replace(text, []byte("import ("), []byte("import ("+imports.String()), 1)
	more, err := appended.ReadFile("options/" + o.name + ".go.txt")
	if err != nil {
		return nil, err
	}
	return format.Source(slices.Concat(text, []byte("\n"), more))
}

// read returns a file of Fabric, if its content is known.
func (o option) read(s *source, name string, known []string) ([]byte, error) {
	text, err := os.ReadFile(filepath.Join(s.tree, name))
	if err != nil {
		return nil, err
	}
	if sum := fmt.Sprintf("%x", sha256.Sum256(text)); !slices.Contains(known, sum) {
		return nil, fmt.Errorf("--%s: %s of Fabric %s has the SHA-256 %s, and not that of a release from 2.5.0 to 2.5.16 or 3.0.0 to 3.1.5, for which the option was written; build without it", o.name, name, s.version, sum)
	}
	return text, nil
}
