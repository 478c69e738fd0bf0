// Package makefile holds tests of the project's Makefile.
package makefile

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// target is a fuzz target of that name.
func target(name string) string {
	return "package p\n\nimport \"testing\"\n\nfunc " + name + "(f *testing.F) { f.Fuzz(func(*testing.T, []byte) {}) }\n"
}

// fuzz runs `make fuzz` in a module of these files.
func fuzz(t *testing.T, files map[string]string) (out string, err error) {
	t.Helper()
	dir := t.TempDir()
	makefile, err := os.ReadFile("../../Makefile")
	if err != nil {
		t.Fatal(err)
	}
	write := func(file, text string) {
		file = filepath.Join(dir, file)
		if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o755), os.WriteFile(file, []byte(text), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	write("Makefile", string(makefile))
	write("go.mod", "module example.com/m\n\ngo 1.24\n")
	for _, folder := range []string{"chain", "consenter", "network", "plugin"} {
		write(filepath.Join(folder, "p.go"), "package p\n")
	}
	for file, text := range files {
		write(file, text)
	}
	c := exec.Command("make", "fuzz", "FUZZTIME=1x")
	c.Dir = dir
	c.Env = append(os.Environ(), "MAKEFLAGS=", "MAKELEVEL=", "GOFLAGS=", "GOWORK=off")
	text, err := c.CombinedOutput()
	return string(text), err
}

func TestFuzzRunsAll(t *testing.T) {
	out, err := fuzz(t, map[string]string{
		"chain/a_test.go": target("FuzzOne"), "chain/b_test.go": target("FuzzTwo"), "plugin/deep/a_test.go": target("FuzzOne"),
	})
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, want := range []string{"== chain FuzzOne", "== chain FuzzTwo", "== plugin/deep FuzzOne"} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is not in\n%s", want, out)
		}
	}
}

// Whatever keeps a target from being run fails make fuzz, whether other targets come before or after it.
func TestFuzzFails(t *testing.T) {
	for name, files := range map[string]map[string]string{
		"a package that does not compile": {"chain/a_test.go": target("FuzzOne"), "consenter/a_test.go": target("FuzzOne") + "var x int = nothing\n", "plugin/a_test.go": target("FuzzOne")},
		"the only one":                    {"chain/a_test.go": target("FuzzOne") + "var x int = nothing\n"},
		"a target that is excluded":       {"chain/a_test.go": target("FuzzOne"), "chain/b_test.go": "//go:build never\n\n" + target("FuzzTwo")},
		"a target that fails":             {"chain/a_test.go": strings.Replace(target("FuzzOne"), "f.Fuzz", "f.Fatal(1); f.Fuzz", 1), "plugin/a_test.go": target("FuzzOne")},
		"no target":                       {},
	} {
		t.Run(name, func(t *testing.T) {
			if out, err := fuzz(t, files); err == nil {
				t.Errorf("exits with 0:\n%s", out)
			}
		})
	}
}
