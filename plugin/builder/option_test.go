package main

import (
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/pflag"

	"github.com/fabric-kafka/orderer/chain/checktest"
)

// ofModule returns the module that go.mod requires, with the options of these flags.
func ofModule(t *testing.T, flags ...string) *source {
	t.Helper()
	p := newProject(t)
	checktest.Must(t, p.locate())
	s, err := p.moduleSource(t.TempDir())
	checktest.Must(t, err)
	s.tree = s.origin // options only read it
	set := pflag.NewFlagSet("", pflag.ContinueOnError)
	s.options.addFlags(set)
	checktest.Must(t, set.Parse(flags))
	return s
}

func allOptions() (flags []string) {
	for _, o := range options {
		flags = append(flags, "--"+o.name)
	}
	return flags
}

// sources returns the module, and the trees that are given.
func sources(t *testing.T) []*source {
	all := []*source{ofModule(t)}
	for _, dir := range filepath.SplitList(os.Getenv("FABRIC_TREES")) {
		all = append(all, &source{version: filepath.Base(dir), tree: dir, work: t.TempDir()})
	}
	return all
}

// Every edit that a file needs is made: what it replaces is gone, and what is appended is called.
func TestOptionsChangeTheirFile(t *testing.T) {
	for _, s := range sources(t) {
		for _, o := range options {
			before, err := os.ReadFile(filepath.Join(s.tree, o.file))
			checktest.Must(t, err)
			text, err := o.change(s)
			checktest.Must(t, err)
			if _, err := parser.ParseFile(token.NewFileSet(), o.name, text, 0); err != nil {
				t.Errorf("%s of %s: %v", o.name, s.version, err)
			}
			made := 0
			for _, e := range o.edits {
				if n := strings.Count(string(before), e[0]); n > 1 {
					t.Errorf("%s of %s: %q occurs %d times", o.name, s.version, e[0], n)
				} else if n == 1 {
					made++
				}
			}
			if want := map[string]int{"memo-verify": 1, "memo-expiry": 1, "lean-ledger": 4}[o.name]; made != want {
				t.Errorf("%s of %s: %d edits, want %d", o.name, s.version, made, want)
			}
		}
	}
}

func TestOptionsRefuseFilesThatTheyDoNotKnow(t *testing.T) {
	for _, o := range options {
		for _, file := range []string{o.file, o.relied} {
			if file == "" {
				continue
			}
			s, tree := ofModule(t, "--"+o.name), t.TempDir()
			for _, name := range []string{o.file, o.relied} {
				if name == "" {
					continue
				}
				text, err := os.ReadFile(filepath.Join(s.tree, name))
				checktest.Must(t, err)
				if name == file {
					text = append(text, '\n')
				}
				put(t, filepath.Join(tree, name), string(text))
			}
			s.tree = tree
			_, err := s.options.apply(s)
			if err == nil || !strings.Contains(err.Error(), "--"+o.name+": "+file) || !strings.Contains(err.Error(), "build without it") {
				t.Errorf("%s: a changed %s: %v", o.name, file, err)
			}
		}
	}
}

func TestOptionsAreNamed(t *testing.T) {
	for _, c := range []struct {
		flags []string
		want  []string
	}{
		{nil, nil},
		{[]string{"--memo-verify=false"}, nil},
		{[]string{"--lean-ledger", "--memo-verify", "--memo-verify=true"}, []string{"memo-verify", "lean-ledger"}},
		{allOptions(), []string{"memo-verify", "memo-expiry", "lean-ledger"}},
	} {
		s := ofModule(t, c.flags...)
		if got := s.options.names(); !slices.Equal(got, c.want) {
			t.Errorf("%q are named %q, want %q", c.flags, got, c.want)
		}
		p := &project{version: "1.2.3", commit: "abc"}
		if got, want := p.origin(s), strings.Join(append([]string{s.version + " with fabric-kafka 1.2.3 (abc)"}, c.want...), ", "); got != want {
			t.Errorf("the version is %q, want %q", got, want)
		}
		replace, err := s.options.apply(s)
		checktest.Must(t, err)
		if len(replace) != len(c.want) {
			t.Errorf("%q replace %d files", c.flags, len(replace))
		}
	}
}
