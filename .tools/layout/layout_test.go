package main

import (
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

const lists = `
linters:
  settings:
    depguard:
      rules:
        a:
          files: ["${config-path}/a/**", "!$test"]
          allow: [github.com/fabric-kafka/orderer/b$, example.com/other]
          deny: [{pkg: github.com/fabric-kafka/orderer}]
        b:
          files: ["${config-path}/b/*.go"]
          list-mode: strict
          allow: [$gostd]
        open:
          files: ["${config-path}/**"]
          deny: [{pkg: github.com/fabric-kafka/orderer/c}]
`

// importing returns a Go file that imports packages of ours.
func importing(packages ...string) string {
	text := "package p\n"
	for _, p := range packages {
		text += fmt.Sprintf("import _ %q\n", module+"/"+p)
	}
	return text
}

// project returns a project without a finding: a ships and imports b.
func project() map[string]string {
	return map[string]string{
		linterFile:    lists,
		"a/a.go":      importing("b"),
		"a/a_test.go": importing("a/atest"),
		"b/b.go":      "package b\n",
		"c/c.go":      importing("a", "b"), // does not ship
	}
}

func tree(files map[string]string) fs.FS {
	root := fstest.MapFS{}
	for name, text := range files {
		root[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return root
}

// shipped returns the packages of a project that ship with a.
func shipped(t *testing.T, files map[string]string) packages {
	t.Helper()
	all, err := load(tree(files))
	if err != nil {
		t.Fatal(err)
	}
	ships, err := all.shipped([]string{"a"})
	if err != nil {
		t.Fatal(err)
	}
	return ships
}

// finds fails the test unless there is one finding, with this text; none if it is empty.
func finds(t *testing.T, found []string, want string) {
	t.Helper()
	if want == "" && len(found) == 0 || want != "" && len(found) == 1 && strings.Contains(found[0], want) {
		return
	}
	t.Errorf("found %q, want %q", found, want)
}

func TestImports(t *testing.T) {
	for name, tt := range map[string]struct {
		file, text string // instead of the project's
		want       string
	}{
		"as listed":            {"a/a.go", importing("b"), ""},
		"not listed":           {"b/b.go", importing("c"), "b/b.go: imports c, which rule b"},
		"below a listed one":   {"a/a2.go", importing("b/inner"), "a/a2.go: imports b/inner, which rule a"},
		"a test's, not listed": {"b/b_test.go", importing("c"), "b/b_test.go: imports c"},
		"a test's, left out":   {"a/a_test.go", importing("c"), ""},
		"not needed":           {"a/a.go", importing(), "rule a allows b$, which none of its files imports"},
		"without a rule":       {linterFile, strings.Replace(lists, "/b/*.go", "/b/none/*.go", 1), "what b may import of ours: write one (b.go)"},
		"with an open rule":    {linterFile, strings.Replace(lists, "list-mode: strict", "list-mode: lax", 1), "what b may import of ours: write one (b.go)"},
		"of any build":         {"b/b_plan9.go", "//go:build other\n\n" + importing("c"), "b/b_plan9.go: imports c"},
		"of testdata":          {"b/testdata/b.go", importing("c"), ""},
	} {
		t.Run(name, func(t *testing.T) {
			files := project()
			files[tt.file] = tt.text
			all, err := load(tree(files))
			if err != nil {
				t.Fatal(err)
			}
			rules, err := readRules(tree(files))
			if err != nil {
				t.Fatal(err)
			}
			finds(t, checkImports(all, packages{"a": all["a"], "b": all["b"]}, rules), tt.want)
		})
	}
}

func TestShipped(t *testing.T) {
	files := project()
	files["b/b.go"] = importing("d")
	files["d/d.go"] = "package d\n"
	if ships := shipped(t, files); len(ships) != 3 || ships["d"] == nil {
		t.Errorf("got %v, want a, b and d", ships.sorted())
	}
	all, err := load(tree(files))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := all.shipped([]string{"a", "gone"}); err == nil {
		t.Error("a product that is not there ships")
	}
}

func TestDiagram(t *testing.T) {
	files := project()
	files["a/a.go"] = importing("b", "long/name", "d")
	files["b/b.go"] = importing("d")
	files["d/d.go"] = "package d\n"
	files["long/name/n.go"] = "package name\n"
	ships := shipped(t, files)
	const want = "    a         -> b, long/name\n" +
		"    b         -> d\n" +
		"    d         -> nothing of ours\n" +
		"    long/name -> nothing of ours\n"
	if got := ships.diagram(); got != want {
		t.Fatalf("got\n%s\nwant\n%s", got, want)
	}
	text := "# Title\n\n" + begin + "old\n" + end + "\nMore.\n"
	drawn, err := withDiagram([]byte(text), want)
	if err != nil || string(drawn) != "# Title\n\n"+begin+"\n"+want+"\n"+end+"\nMore.\n" {
		t.Fatalf("%v, wrote\n%s", err, drawn)
	}
	for name, tt := range map[string]struct{ text, want string }{
		"the same": {string(drawn), ""},
		"stale":    {strings.Replace(string(drawn), "-> d", "-> e", 1), "the diagram of the imports is stale"},
	} {
		t.Run(name, func(t *testing.T) {
			found, err := checkDiagram(tree(map[string]string{document: tt.text}), want)
			if err != nil {
				t.Fatal(err)
			}
			finds(t, found, tt.want)
		})
	}
	if _, err := checkDiagram(tree(map[string]string{document: "# Title\n"}), want); err == nil {
		t.Error("a document without a place for the diagram passes")
	}
}

func TestSizes(t *testing.T) {
	code := func(lines int) string { return "package p\n" + strings.Repeat("\n", lines-1) }
	for name, tt := range map[string]struct {
		files map[string]string
		want  string
	}{
		"at the limit":    {map[string]string{"a/a.go": code(1000), "a/b.go": code(1000)}, ""},
		"above the limit": {map[string]string{"a/a.go": code(1000), "a/b.go": code(1001)}, "a: the package has 2001 lines"},
		"of a test":       {map[string]string{"a/a.go": code(1000), "a/b_test.go": code(1001)}, ""},
		"generated":       {map[string]string{"a/a.go": code(1000), "a/b.go": "// Code generated by x. DO NOT EDIT.\n" + code(1001)}, ""},
		"not shipped":     {map[string]string{"a/a.go": code(1), "e/e.go": code(2001)}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			ships := shipped(t, tt.files)
			finds(t, checkSizes(ships), tt.want)
		})
	}
}

func TestInterfaces(t *testing.T) {
	declared := func(name string, methods int) string {
		text := "type " + name + " interface {\n"
		for n := range methods {
			text += fmt.Sprintf("\tM%s%d()\n", name, n)
		}
		return text + "}\n"
	}
	for name, tt := range map[string]struct{ file, text, want string }{
		"at the limit":    {"chain/session/s.go", declared("Ledger", 6), ""},
		"above the limit": {"chain/session/s.go", declared("Ledger", 7), "the interface Ledger has 7 methods"},
		"two at a limit":  {"chain/session/s.go", declared("Ledger", 6) + declared("Topic", 6), ""},
		"in a function":   {"chain/session/s.go", "func f() {\n" + declared("Ledger", 7) + "}\n", "the interface Ledger has 7 methods"},
		"another package": {"chain/log/l.go", declared("Log", 7), ""},
	} {
		t.Run(name, func(t *testing.T) {
			all, err := load(tree(map[string]string{tt.file: "package p\n\n" + tt.text}))
			if err != nil {
				t.Fatal(err)
			}
			finds(t, checkInterfaces(all), tt.want)
		})
	}
}

// Everything is checked in a project on disk, and a diagram that was written is not stale.
func TestRun(t *testing.T) {
	files := map[string]string{
		document:                           begin + end,
		linterFile:                         strings.ReplaceAll(lists, "/a/**", "/{plugin,network,chain}/**"),
		"plugin/p.go":                      importing("c"),
		"plugin/builder/b.go":              importing("b"),
		"network/admin/osnkafka/o.go":      "package main\n" + strings.Repeat("\n", 2000),
		"chain/session/s.go":               "package session\n\ntype I interface{ A(); B(); C(); D(); E(); F(); G() }\n",
		"b/b.go":                           "package b\n",
		"c/c.go":                           "package c\n",
		".tools/other.go":                  "not Go",
		"plugin/builder/testdata/other.go": "not Go",
	}
	dir := t.TempDir()
	if err := os.CopyFS(dir, tree(files)); err != nil {
		t.Fatal(err)
	}
	wants := []string{"plugin/p.go: imports c", "what c may import", "diagram of the imports is stale", "osnkafka: the package has 2001", "interface I has 7"}
	for _, write := range []bool{false, true} {
		if write {
			wants = slices.DeleteFunc(wants, func(w string) bool { return strings.Contains(w, "stale") })
		}
		found, err := run(dir, write)
		if err != nil || len(found) != len(wants) {
			t.Fatalf("%v, found %q, want %q", err, found, wants)
		}
		for _, want := range wants {
			if !slices.ContainsFunc(found, func(f string) bool { return strings.Contains(f, want) }) {
				t.Errorf("found %q, want %q", found, want)
			}
		}
	}
}
