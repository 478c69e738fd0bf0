package options

import (
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/pflag"

	"github.com/fabric-kafka/orderer/chain/checktest"
)

// module is the folder of the Fabric module that go.mod requires.
func module(t *testing.T) string {
	t.Helper()
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/hyperledger/fabric").Output()
	checktest.Must(t, err)
	return strings.TrimSpace(string(out))
}

// parsed returns the options of these flags.
func parsed(t *testing.T, flags ...string) (s Set) {
	t.Helper()
	set := pflag.NewFlagSet("", pflag.ContinueOnError)
	s.AddFlags(set)
	checktest.Must(t, set.Parse(flags))
	return s
}

func allFlags() (flags []string) {
	for _, o := range all {
		flags = append(flags, "--"+o.name)
	}
	return flags
}

// Every edit that a file needs is made: what it replaces is gone, and what is appended is called.
func TestOptionsChangeTheirFile(t *testing.T) {
	for _, tree := range append([]string{module(t)}, filepath.SplitList(os.Getenv("FABRIC_TREES"))...) {
		for _, o := range all {
			before, err := os.ReadFile(filepath.Join(tree, o.file))
			checktest.Must(t, err)
			text, err := o.change(tree)
			checktest.Must(t, err)
			if _, err := parser.ParseFile(token.NewFileSet(), o.name, text, 0); err != nil {
				t.Errorf("%s of %s: %v", o.name, tree, err)
			}
			made := 0
			for _, e := range o.edits {
				if n := strings.Count(string(before), e[0]); n > 1 {
					t.Errorf("%s of %s: %q occurs %d times", o.name, tree, e[0], n)
				} else if n == 1 {
					made++
				}
			}
			if want := map[string]int{"memo-verify": 1, "memo-expiry": 1, "lean-ledger": 4}[o.name]; made != want {
				t.Errorf("%s of %s: %d edits, want %d", o.name, tree, made, want)
			}
		}
	}
}

func TestOptionsRefuseFilesThatTheyDoNotKnow(t *testing.T) {
	from := module(t)
	for _, o := range all {
		for _, file := range []string{o.file, o.dependency} {
			if file == "" {
				continue
			}
			tree := t.TempDir()
			for _, name := range []string{o.file, o.dependency} {
				if name == "" {
					continue
				}
				text, err := os.ReadFile(filepath.Join(from, name))
				checktest.Must(t, err)
				if name == file {
					text = append(text, '\n')
				}
				checktest.Must(t, os.MkdirAll(filepath.Dir(filepath.Join(tree, name)), 0o755))
				checktest.Must(t, os.WriteFile(filepath.Join(tree, name), text, 0o644))
			}
			_, err := parsed(t, "--"+o.name).Change(tree, "v9")
			if err == nil || !strings.Contains(err.Error(), "--"+o.name+" with Fabric v9: "+file) || !strings.Contains(err.Error(), "build without it") {
				t.Errorf("%s: a changed %s: %v", o.name, file, err)
			}
		}
	}
}

func TestOptionsOfFlags(t *testing.T) {
	from := module(t)
	for _, c := range []struct {
		flags []string
		want  []string
	}{
		{nil, nil},
		{[]string{"--memo-verify=false"}, nil},
		{[]string{"--lean-ledger", "--memo-verify", "--memo-verify=true"}, []string{"memo-verify", "lean-ledger"}},
		{allFlags(), []string{"memo-verify", "memo-expiry", "lean-ledger"}},
	} {
		s := parsed(t, c.flags...)
		if got := s.Names(); !slices.Equal(got, c.want) {
			t.Errorf("%q are named %q, want %q", c.flags, got, c.want)
		}
		changed, err := s.Change(from, "v9")
		checktest.Must(t, err)
		if len(changed) != len(c.want) {
			t.Errorf("%q change %d files", c.flags, len(changed))
		}
	}
}
