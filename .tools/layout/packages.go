package main

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"
)

// module is the path of the main module.
const module = "github.com/fabric-kafka/orderer"

// products are the packages that somebody runs: what an orderer is built with, the builder, and the
// operator's tool.
var products = []string{"plugin", "plugin/builder", "network/admin/osnkafka"}

// packages has the folders with Go files, by their paths below the root. External tests are in the
// package that they test.
type packages map[string][]*source

// source is a Go file.
type source struct {
	name    string // path below the root
	lines   int
	imports []string // packages of ours, as paths below the root
	tree    *ast.File
}

func (s *source) test() bool { return strings.HasSuffix(s.name, "_test.go") }

// load parses the Go files below root, without other modules and data of tests.
func load(root fs.FS) (packages, error) {
	all := packages{}
	err := fs.WalkDir(root, ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && name != "." && (strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata"):
			return fs.SkipDir
		case d.IsDir() || path.Ext(name) != ".go":
			return nil
		}
		text, err := fs.ReadFile(root, name)
		if err != nil {
			return err
		}
		s, err := parse(name, text)
		all[path.Dir(name)] = append(all[path.Dir(name)], s)
		return err
	})
	return all, err
}

func parse(name string, text []byte) (*source, error) {
	tree, err := parser.ParseFile(token.NewFileSet(), name, text, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	s := &source{name: name, lines: bytes.Count(text, []byte("\n")), tree: tree}
	for _, i := range tree.Imports {
		imported, err := strconv.Unquote(i.Path.Value)
		if err != nil {
			return nil, err
		}
		if ours, is := strings.CutPrefix(imported, module+"/"); is {
			s.imports = append(s.imports, ours)
		}
	}
	return s, nil
}

// imports returns what a package imports of ours, without its tests; sorted.
func (p packages) imports(of string) []string {
	all := map[string]bool{}
	for _, s := range p[of] {
		if !s.test() {
			for _, i := range s.imports {
				all[i] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(all))
}

// shipped returns the packages that are compiled into these products.
func (p packages) shipped(products []string) (packages, error) {
	ships := packages{}
	var missing error
	var add func(name string)
	add = func(name string) {
		if ships[name] != nil {
			return
		}
		if p[name] == nil {
			missing = fmt.Errorf("there is no package %s", name)
			return
		}
		ships[name] = p[name]
		for _, i := range p.imports(name) {
			add(i)
		}
	}
	for _, name := range products {
		add(name)
	}
	return ships, missing
}
