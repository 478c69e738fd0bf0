package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/google/renameio/v2"
)

// samples are the files of Fabric's sampleconfig that its release archives have in config/.
var samples = []string{"configtx.yaml", "core.yaml", "orderer.yaml"}

// settingsFile is the section that the plugin adds to orderer.yaml, at its defaults.
const settingsFile = "consenter/settings/kafka.yaml"

// archive lays out binaries and sample configuration as Fabric's release archives do. The same sources give
// the same bytes: nothing in it depends on when, where or by whom it was written.
func (p *project) archive(s *source, file, bin string, names []string) error {
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	var text bytes.Buffer
	zip := gzip.NewWriter(&text)
	out := tar.NewWriter(zip)
	slices.Sort(names)
	names = slices.Compact(names)
	for _, name := range names {
		binary, err := os.ReadFile(filepath.Join(bin, name))
		if err != nil {
			return err
		}
		if err := pack(out, "bin/"+name, 0o755, binary); err != nil {
			return err
		}
	}
	for _, name := range samples {
		sample, err := p.sample(s, name)
		if err != nil {
			return err
		}
		if err := pack(out, "config/"+name, 0o644, sample); err != nil {
			return err
		}
	}
	if err := errors.Join(out.Close(), zip.Close()); err != nil {
		return err
	}
	sum := fmt.Sprintf("%x  %s\n", sha256.Sum256(text.Bytes()), filepath.Base(file))
	return errors.Join(renameio.WriteFile(file, text.Bytes(), 0o644), renameio.WriteFile(file+".sha256", []byte(sum), 0o644))
}

func pack(out *tar.Writer, name string, mode int64, text []byte) error {
	h := &tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: mode, Size: int64(len(text)), ModTime: time.Unix(0, 0).UTC(), Format: tar.FormatUSTAR}
	if err := out.WriteHeader(h); err != nil {
		return err
	}
	_, err := io.Copy(out, bytes.NewReader(text))
	return err
}

// sampleFolder is beside the binaries, and named as in Fabric's sources: operators keep their own configuration
// elsewhere.
const sampleFolder = "sampleconfig"

// writeSamples puts the sample configuration of what was built beside the binaries: it is of the same release, and
// an orderer refuses keys that its release does not have.
func (p *project) writeSamples(s *source, out string, with []string) error {
	wanted := map[string]bool{"orderer.yaml": true, "core.yaml": slices.Contains(with, "peer"), "configtx.yaml": slices.Contains(with, "configtxgen")}
	if err := os.MkdirAll(filepath.Join(out, sampleFolder), 0o755); err != nil {
		return err
	}
	for _, name := range samples {
		if !wanted[name] {
			continue
		}
		text, err := p.sample(s, name)
		if err != nil {
			return err
		}
		if err := renameio.WriteFile(filepath.Join(out, sampleFolder, name), text, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// sample returns a file of the tree's sample configuration; orderer.yaml has our section in its own.
func (p *project) sample(s *source, name string) ([]byte, error) {
	text, err := os.ReadFile(filepath.Join(s.tree, "sampleconfig", name))
	if err != nil || name != "orderer.yaml" {
		return text, err
	}
	ours, err := os.ReadFile(filepath.Join(p.root, filepath.FromSlash(settingsFile)))
	if err != nil {
		return nil, err
	}
	return withSettings(text, ours)
}

var consensusSection = regexp.MustCompile(`(?m)^Consensus:[ \t]*(#.*)?\r?\n`)

// withSettings puts the keys of our section Consensus at the beginning of the one that orderer.yaml has. It is
// done on the text, to keep the comments of both.
func withSettings(sample, ours []byte) ([]byte, error) {
	at := consensusSection.FindIndex(sample)
	if at == nil {
		return nil, errors.New("the tree's sampleconfig/orderer.yaml has no section Consensus to add Consensus.Kafka to")
	}
	from := consensusSection.FindIndex(ours)
	if from == nil {
		return nil, fmt.Errorf("%s has no section Consensus", settingsFile)
	}
	section := strings.TrimRight(string(ours[from[1]:]), "\n") + "\n\n"
	if indent := firstKey.FindSubmatch(sample[at[1]:]); indent != nil {
		section = indented(section, string(indent[1]))
	}
	return slices.Concat(sample[:at[1]], []byte(section), sample[at[1]:]), nil
}

// firstKey matches a section up to its first key, after blank lines and comments, and captures the indentation.
var firstKey = regexp.MustCompile(`^(?:[ \t]*(?:#.*)?\r?\n)*([ ]+)[^ #\r\n]`)

// indented returns a section with the given indentation instead of ours: all keys of a section in YAML have the same
// one.
func indented(section, indent string) string {
	const own = "    "
	lines := strings.SplitAfter(section, "\n")
	for i, line := range lines {
		if rest, ok := strings.CutPrefix(line, own); ok {
			lines[i] = indent + rest
		}
	}
	return strings.Join(lines, "")
}
