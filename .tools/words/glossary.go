package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"regexp"
	"strings"
)

const glossaryFile = "GLOSSARY.md"

var (
	glossaryRow = regexp.MustCompile("^\\| [^|]+ \\| [^|]+ \\| `([a-z]+)\\.([A-Za-z]+)` \\|$")
	tableRow    = regexp.MustCompile(`^\|`)
	tableHead   = regexp.MustCompile(`^\|(?:-+\||\s*word\s*\|)`)
)

// checkGlossary returns a finding for each row of the glossary that names no declaration of a package.
func checkGlossary(root fs.FS) ([]finding, error) {
	text, err := fs.ReadFile(root, glossaryFile)
	if err != nil {
		return nil, err
	}
	declared, err := declarations(root)
	if err != nil {
		return nil, err
	}
	var found []finding
	rows := 0
	for i, line := range strings.Split(string(text), "\n") {
		if !tableRow.MatchString(line) || tableHead.MatchString(line) {
			continue
		}
		rows++
		m := glossaryRow.FindStringSubmatch(line)
		switch {
		case m == nil:
			found = append(found, finding{glossaryFile, i + 1, line, "a row of word, meaning and `package.Name`"})
		case !declared[m[1]+"."+m[2]]:
			found = append(found, finding{glossaryFile, i + 1, m[1] + "." + m[2], "where the word is defined: that is declared nowhere"})
		}
	}
	if rows == 0 {
		return nil, fmt.Errorf("%s has no row", glossaryFile)
	}
	return found, nil
}

// declarations returns what the packages below root declare, as package.Name.
func declarations(root fs.FS) (map[string]bool, error) {
	declared := map[string]bool{}
	source := func(name string) bool { return path.Ext(name) == ".go" && !strings.HasSuffix(name, "_test.go") }
	err := walk(root, source, func(name string, text []byte) error {
		tree, err := parser.ParseFile(token.NewFileSet(), name, text, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		for _, n := range names(tree) {
			declared[tree.Name.Name+"."+n] = true
		}
		return nil
	})
	return declared, err
}

// names returns the names that a file declares, of methods as well.
func names(tree *ast.File) []string {
	var all []string
	for _, d := range tree.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			all = append(all, d.Name.Name)
		case *ast.GenDecl:
			for _, s := range d.Specs {
				switch s := s.(type) {
				case *ast.TypeSpec:
					all = append(all, s.Name.Name)
				case *ast.ValueSpec:
					for _, n := range s.Names {
						all = append(all, n.Name)
					}
				}
			}
		}
	}
	return all
}
