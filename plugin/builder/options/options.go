// Package options has the changes to Fabric's files that a build can ask for.
package options

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
// known: what the change would do to any other is unknown.
type option struct {
	name            string // of its flag; also that of the file beside this one that is appended
	usage           string
	file            string   // of Fabric
	known           []string // SHA-256 of the file, in every release from 2.5.0 to 3.1.5 and in the module
	dependency      string   // another file of Fabric that the change relies on; empty if there is none
	dependencyKnown []string // SHA-256 of that file
	imports         []string // that the appended code needs
	edits           [][2]string
}

// all are the changes that can be asked for.
var all = []option{
	{
		name: "memo-verify", usage: "verify each signature once, not once for each policy that it is checked against",
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
		file:            "common/ledger/blkstorage/block_serialization.go",
		known:           []string{"a3ad4e8c5d4f3f0d6b4fd1d251db339cbdd4527acc0ff925298c2250870124fd", "e15a75c98808b8f628994f672c52267cdac9c44534238e8f495440af05c67a44"},
		dependency:      "common/ledger/blockledger/fileledger/factory.go", // names what is indexed
		dependencyKnown: []string{"ec30a5447d167e7192ce54c96e640140ae3638d83e37affab504b36fa4ab4389", "1c26618ba4d347a4f63bda1df2bf9a863afd159ba6060fff54dcaa82d0f37f8e"},
		edits: [][2]string{
			{"buf := proto.NewBuffer(nil)", "buf := proto.NewBuffer(make([]byte, 0, sizeOf(block)))"}, // 2.5
			{"var buf []byte\n\tinfo :=", "buf := make([]byte, 0, sizeOf(block))\n\tinfo :="},         // 3.x
			{"protoutil.GetOrComputeTxIDFromEnvelope(txEnvelopeBytes)", "withoutTxID(txEnvelopeBytes)"},
			{"protoutil.GetOrComputeTxIDFromEnvelope(txEnvBytes)", "withoutTxID(txEnvBytes)"},
			{"\t\"github.com/hyperledger/fabric/protoutil\"\n", ""},
		},
	},
}

//go:embed *.go.txt
var appended embed.FS

// Set is the options of one build. It is the value of their flags.
type Set []option

// AddFlags adds a flag for each option.
func (s *Set) AddFlags(flags *pflag.FlagSet) {
	for _, o := range all {
		flags.BoolFunc(o.name, o.usage, func(text string) error {
			wanted, err := strconv.ParseBool(text)
			if wanted {
				*s = append(*s, o)
			}
			return err
		})
	}
}

// Names returns the names of the options, each once.
func (s Set) Names() (names []string) {
	for _, o := range all {
		if slices.ContainsFunc(s, func(other option) bool { return other.name == o.name }) {
			names = append(names, o.name)
		}
	}
	return names
}

// Change returns the files that the options change, by their names below a folder with the sources of Fabric. Nothing is
// written. version names those sources in errors.
func (s Set) Change(tree, version string) (map[string][]byte, error) {
	changed := map[string][]byte{}
	for _, o := range s {
		text, err := o.change(tree)
		if err != nil {
			return nil, fmt.Errorf("--%s with Fabric %s: %w", o.name, version, err)
		}
		changed[o.file] = text
	}
	return changed, nil
}

// change returns the option's file with its change.
func (o option) change(tree string) ([]byte, error) {
	text, err := read(tree, o.file, o.known)
	if err != nil {
		return nil, err
	}
	if o.dependency != "" {
		if _, err := read(tree, o.dependency, o.dependencyKnown); err != nil {
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
	more, err := appended.ReadFile(o.name + ".go.txt")
	if err != nil {
		return nil, err
	}
	return format.Source(slices.Concat(text, []byte("\n"), more))
}

// read returns a file of Fabric, if its content is known.
func read(tree, name string, known []string) ([]byte, error) {
	text, err := os.ReadFile(filepath.Join(tree, name))
	if err != nil {
		return nil, err
	}
	if sum := fmt.Sprintf("%x", sha256.Sum256(text)); !slices.Contains(known, sum) {
		return nil, fmt.Errorf("%s has the SHA-256 %s, and not that of a release from 2.5.0 to 2.5.16 or 3.0.0 to 3.1.5, for which the option was written; build without it", name, sum)
	}
	return text, nil
}
