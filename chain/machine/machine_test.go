package machine

import (
	"fmt"
	"go/parser"
	"go/token"
	"path/filepath"
	"strings"
	"testing"
)

// TestImportsStandardLibraryOnly: whatever else came in could bring a clock, a
// logger or another orderer's opinion with it.
func TestImportsStandardLibraryOnly(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	read := 0
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		read++
		for _, path := range imports(t, file) {
			// Only paths of the standard library have no dot in their first element.
			if first, _, _ := strings.Cut(path, "/"); strings.Contains(first, ".") {
				t.Errorf("%s imports %q", file, path)
			}
			// A pure function needs none of these either.
			switch path {
			case "time", "os", "sync", "log", "net", "context", "math/rand", "math/rand/v2":
				t.Errorf("%s imports %q", file, path)
			}
		}
	}
	if read == 0 {
		t.Error("no files")
	}
}

func imports(t *testing.T, file string) []string {
	f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
	if err != nil {
		t.Fatal(err)
	}
	var paths []string
	for _, spec := range f.Imports {
		paths = append(paths, strings.Trim(spec.Path.Value, `"`))
	}
	return paths
}

func TestNewRefusesUnknownRules(t *testing.T) {
	defer func() {
		if r := fmt.Sprint(recover()); !strings.Contains(r, "rule set") || !strings.Contains(r, "offset 41") || !strings.Contains(r, "block 7") {
			t.Errorf("panic %q, want rule set, offset and block", r)
		}
	}()
	New(Start{Next: 7, Metadata: Metadata{Offset: 41, RuleSet: 3}})
}

func TestKnown(t *testing.T) {
	for set, want := range map[RuleSet]bool{Undescribed: true, Strict: true, Compatible: true, 3: false, -1: false} {
		if got := Known(set); got != want {
			t.Errorf("Known(%s) = %t", set, got)
		}
	}
}

// BenchmarkStep measures the cost of one record in a stream of normal envelopes, with
// blocks of 500.
func BenchmarkStep(b *testing.B) {
	s := fresh(strictTopic)
	s.Metadata.RuleSet = Strict
	s.Limits = Limits{MaxMessageCount: 500, PreferredMaxBytes: 2 << 20, AbsoluteMaxBytes: 10 << 20}
	m := New(s)
	e := Envelope{Bytes: make([]byte, 2048), Size: 2000, Channel: "ours", Type: typeEndorserTransaction}
	b.ReportAllocs()
	for at := Offset(0); b.Loop(); at++ {
		m.Step(Regular{Offset: at, Class: Normal, ConfigSeq: s.Seq, Envelope: e})
	}
}
