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
	"slices"
	"strings"
	"testing"
	"time"

	"gopkg.in/yaml.v2"

	"github.com/fabric-kafka/orderer/chain/checktest"
)

// archived lays out a tree with binaries of these names, and returns the archive.
func archived(t *testing.T, names ...string) []byte {
	t.Helper()
	root := checkout(t, t.TempDir())
	dir := fabricTree(t, "2.5.16", protos2)
	for _, name := range samples {
		put(t, filepath.Join(dir, "sampleconfig", name), "# "+name+"\nGeneral: {}\n\nConsensus:\n    # raft's\n    WALDir: /wal\n")
	}
	put(t, filepath.Join(root, filepath.FromSlash(settingsFile)), "# Ours.\nConsensus:\n    Kafka:\n        # A name.\n        ClientID: me\n")
	s := treeOf(t, root, dir)
	bin := t.TempDir()
	for i, name := range names {
		file := filepath.Join(bin, name)
		put(t, file, "binary "+name)
		checktest.Must(t, os.Chtimes(file, time.Now(), time.Now().Add(-time.Duration(i)*time.Hour)))
	}
	out := filepath.Join(t.TempDir(), "new", "release.tar.gz")
	checktest.Must(t, newProject(t).archiveIn(root, s, out, bin, names))
	text := []byte(read(t, out))
	if sum := read(t, out+".sha256"); sum != fmt.Sprintf("%x  release.tar.gz\n", sha256.Sum256(text)) {
		t.Errorf("the checksum is %q", sum)
	}
	return text
}

// archiveIn is archive for a project in root.
func (p *project) archiveIn(root string, s *source, file, bin string, names []string) error {
	p.root = root
	return p.archive(s, file, bin, names)
}

func TestArchive(t *testing.T) {
	zip, err := gzip.NewReader(bytes.NewReader(archived(t, "peer", "orderer")))
	checktest.Must(t, err)
	in := tar.NewReader(zip)
	files := map[string]string{}
	var order []string
	for {
		h, err := in.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		checktest.Must(t, err)
		text, err := io.ReadAll(in)
		checktest.Must(t, err)
		files[h.Name], order = string(text), append(order, h.Name)
		if want := map[bool]int64{true: 0o755, false: 0o644}[strings.HasPrefix(h.Name, "bin/")]; h.Mode != want {
			t.Errorf("%s has the mode %o", h.Name, h.Mode)
		}
	}
	want := []string{"bin/orderer", "bin/peer", "config/configtx.yaml", "config/core.yaml", "config/orderer.yaml"}
	if !slices.Equal(order, want) {
		t.Errorf("the archive has %q, want %q", order, want)
	}
	var config struct {
		Consensus map[string]any `yaml:"Consensus"`
	}
	checktest.Must(t, yaml.Unmarshal([]byte(files["config/orderer.yaml"]), &config))
	if config.Consensus["WALDir"] != "/wal" || config.Consensus["Kafka"] == nil {
		t.Errorf("orderer.yaml has the section Consensus %v", config.Consensus)
	}
	for _, comment := range []string{"# raft's", "# A name."} {
		if !strings.Contains(files["config/orderer.yaml"], comment) {
			t.Errorf("orderer.yaml lost the comment %q", comment)
		}
	}
}

// The archive contains neither folder names nor modification times.
func TestArchiveIsReproducible(t *testing.T) {
	if !bytes.Equal(archived(t, "orderer", "peer"), archived(t, "peer", "orderer")) {
		t.Error("two archives of the same sources differ")
	}
}

func TestWritesSamplesOfWhatIsBuilt(t *testing.T) {
	root := checkout(t, t.TempDir())
	dir := fabricTree(t, "3.1.5", protos3)
	for _, name := range samples {
		put(t, filepath.Join(dir, "sampleconfig", name), "Consensus:\n    WALDir: /wal\n")
	}
	put(t, filepath.Join(root, filepath.FromSlash(settingsFile)), "Consensus:\n    Kafka: {}\n")
	s := treeOf(t, root, dir)
	for with, want := range map[string][]string{
		"":                 {"orderer.yaml"},
		"osnadmin":         {"orderer.yaml"},
		"peer,configtxgen": {"configtx.yaml", "core.yaml", "orderer.yaml"},
	} {
		out := t.TempDir()
		p := newProject(t)
		p.root = root
		checktest.Must(t, p.writeSamples(s, out, strings.Split(with, ",")))
		found, err := filepath.Glob(filepath.Join(out, sampleFolder, "*"))
		checktest.Must(t, err)
		for i, f := range found {
			found[i] = filepath.Base(f)
		}
		if !slices.Equal(found, want) {
			t.Errorf("--with %s: wrote %q, want %q", with, found, want)
		}
		if got := read(t, filepath.Join(out, sampleFolder, "orderer.yaml")); !strings.Contains(got, "Kafka:") {
			t.Errorf("orderer.yaml lacks our section:\n%s", got)
		}
	}
}

func TestSettingsNeedASection(t *testing.T) {
	if _, err := withSettings([]byte("General: {}\n"), []byte("Consensus:\n    Kafka: {}\n")); err == nil {
		t.Error("accepted an orderer.yaml without the section Consensus")
	}
}

// Releases indent their orderer.yaml by two or by four spaces, and all keys of a section must be indented alike.
func TestSettingsHaveTheIndentationOfTheFile(t *testing.T) {
	ours, err := os.ReadFile("../../consenter/settings/kafka.yaml")
	checktest.Must(t, err)
	for _, sample := range []string{
		"General: {}\nConsensus:\n\n  # where\n  WALDir: /wal\n  SnapDir: /snap\nAdmin: {}\n",
		"Consensus:\n    WALDir: /wal\n    SnapDir: /snap\n",
		"Consensus:\n      # deeper\n      WALDir: /wal\n      SnapDir: /snap\n",
		"Consensus:\n", "Consensus:\nAdmin: {}\n",
	} {
		text, err := withSettings([]byte(sample), ours)
		checktest.Must(t, err)
		var file struct {
			Consensus map[string]any `yaml:"Consensus"`
		}
		if err := yaml.UnmarshalStrict(text, &struct {
			Consensus *map[string]any `yaml:"Consensus"`
			General   any             `yaml:"General"`
			Admin     any             `yaml:"Admin"`
		}{Consensus: &file.Consensus}); err != nil {
			t.Errorf("%q: %v", sample, err)
			continue
		}
		kafka, _ := file.Consensus["Kafka"].(map[any]any)
		if len(kafka) < 10 || strings.Contains(sample, "WALDir") != (file.Consensus["WALDir"] == "/wal" && file.Consensus["SnapDir"] == "/snap") {
			t.Errorf("%q: the section is %v", sample, file.Consensus)
		}
	}
}
