package main

import (
	"testing"
	"testing/fstest"
)

func found(t *testing.T, files map[string]string, pending ...string) []string {
	t.Helper()
	root := fstest.MapFS{}
	for name, text := range files {
		root[name] = &fstest.MapFile{Data: []byte(text)}
	}
	list, err := check(root, pending)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, f := range list {
		out = append(out, f.String())
	}
	return out
}

func TestFindsWords(t *testing.T) {
	for name, tt := range map[string]struct {
		file, text string
		want       string // how the finding begins, "" for none
	}{
		"a comment":             {"chain/a.go", "package a\n\n// ok says whether it is.\n", `chain/a.go:3: "says whether"`},
		"over two lines":        {"chain/a.go", "package a\n\n// The topic goes\n// on.\n", `chain/a.go:3: "goes on"`},
		"a string":              {"chain/a.go", "package a\n\nvar s = \"made anew\"\n", `chain/a.go:3: "anew"`},
		"an identifier":         {"chain/a.go", "package a\n\nconst connectPatience = 1\n", `chain/a.go:3: "Patience"`},
		"a document":            {"network/README.md", "It is told.\n", `network/README.md:1: "told"`},
		"a foreign reference":   {"chain/a.go", "package a // reliability.md C1\n", `chain/a.go:1: "reliability.md"`},
		"the Makefile":          {"Makefile", "# Made anew\n", `Makefile:1: "anew"`},
		"part of another word":  {"chain/a.go", "package a // renewed, foretold\n", ""},
		"a transcript":          {"chain/machine/testdata/a.txt", "# Made anew\n", `chain/machine/testdata/a.txt:1: "anew"`},
		"a run that is kept":    {"integration/sim/testdata/a.txt", "# Made anew\n", `integration/sim/testdata/a.txt:1: "anew"`},
		"a test's input":        {"chain/testdata/a.txt", "anew\n", ""},
		"a fuzz corpus":         {"chain/machine/testdata/fuzz/FuzzStep/a.txt", "anew\n", ""},
		"generated code":        {"chain/a.pb.go", "package a // anew\n", ""},
		"the changelog":         {"CHANGELOG.md", "anew\n", ""},
		"what is built":         {".build/a.md", "anew\n", ""},
		"a phrase once, not in": {"chain/a.go", "package a // and so on\n", ""},
	} {
		t.Run(name, func(t *testing.T) {
			got := found(t, map[string]string{tt.file: tt.text})
			switch {
			case tt.want == "" && len(got) > 0:
				t.Fatalf("found %q", got)
			case tt.want != "" && (len(got) != 1 || len(got[0]) < len(tt.want) || got[0][:len(tt.want)] != tt.want):
				t.Fatalf("found %q, want one that begins with %q", got, tt.want)
			}
		})
	}
}

func TestPendingFolders(t *testing.T) {
	unclean := map[string]string{"chain/a.go": "package a // anew\n", "network/a.go": "package a\n"}
	if got := found(t, unclean, "chain/"); len(got) != 0 {
		t.Errorf("a pending folder is checked: %q", got)
	}
	if got := found(t, unclean, "chain/", "network/"); len(got) != 1 || got[0][:8] != "network/" {
		t.Errorf("a clean folder that is pending: found %q", got)
	}
}

func TestGlossary(t *testing.T) {
	code := "package log\n\ntype Log struct{}\n\nconst Limit = 1\n\nfunc (Log) Append() {}\n"
	head := "| word | meaning | defined in |\n|---|---|---|\n"
	for name, tt := range map[string]struct {
		glossary string
		findings int
	}{
		"a type":          {head + "| log | records | `log.Log` |\n", 0},
		"a method":        {head + "| append | add | `log.Append` |\n", 0},
		"a constant":      {head + "| limit | most | `log.Limit` |\n", 0},
		"nothing":         {head + "| log | records | `log.Gone` |\n", 1},
		"another package": {head + "| log | records | `chain.Log` |\n", 1},
		"no third column": {head + "| log | records |\n", 1},
	} {
		t.Run(name, func(t *testing.T) {
			root := fstest.MapFS{"chain/log/log.go": {Data: []byte(code)}, glossaryFile: {Data: []byte(tt.glossary)}}
			found, err := checkGlossary(root)
			if err != nil || len(found) != tt.findings {
				t.Errorf("found %v, %v; want %d findings", found, err, tt.findings)
			}
		})
	}
	if _, err := checkGlossary(fstest.MapFS{glossaryFile: {Data: []byte("# Glossary\n")}}); err == nil {
		t.Error("a glossary without a row passes")
	}
}
