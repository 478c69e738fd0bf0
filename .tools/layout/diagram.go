package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
)

// document has the diagram between the lines begin and end.
const (
	document = "CONTRIBUTING.md"
	begin    = "<!-- The imports of the packages that ship; written by: go -C .tools run ./layout -write -->\n"
	end      = "<!-- end of the imports -->\n"
)

// diagram returns a line for each package: what it imports, without what another of its imports also brings in.
// A package imports what is below it only.
func (p packages) diagram() string {
	names := p.sorted()
	width := 0
	for _, n := range names {
		width = max(width, len(n))
	}
	var text strings.Builder
	for _, n := range names {
		direct := p.direct(n)
		if len(direct) == 0 {
			direct = []string{"nothing of ours"}
		}
		fmt.Fprintf(&text, "    %-*s -> %s\n", width, n, strings.Join(direct, ", "))
	}
	return text.String()
}

// sorted returns the packages, each before those that it imports, otherwise by name.
func (p packages) sorted() (names []string) {
	left := slices.Sorted(maps.Keys(p))
	for len(left) > 0 {
		at := slices.IndexFunc(left, func(name string) bool {
			return !slices.ContainsFunc(left, func(other string) bool { return slices.Contains(p.imports(other), name) })
		})
		if at < 0 {
			panic("packages import each other: " + strings.Join(left, ", ")) // Go does not compile them
		}
		names, left = append(names, left[at]), slices.Delete(left, at, at+1)
	}
	return names
}

// direct returns what a package imports, without what another of its imports reaches.
func (p packages) direct(of string) []string {
	imports := p.imports(of)
	return slices.DeleteFunc(slices.Clone(imports), func(name string) bool {
		return slices.ContainsFunc(imports, func(other string) bool { return other != name && p.reaches(other, name) })
	})
}

func (p packages) reaches(from, to string) bool {
	imports := p.imports(from)
	return slices.Contains(imports, to) || slices.ContainsFunc(imports, func(next string) bool { return p.reaches(next, to) })
}

// withDiagram returns the text of the document with this diagram.
func withDiagram(text []byte, diagram string) ([]byte, error) {
	before, rest, opens := bytes.Cut(text, []byte(begin))
	_, after, closes := bytes.Cut(rest, []byte(end))
	if !opens || !closes {
		return nil, errors.New(document + " has no place for the diagram: the lines that begin and end it are in .tools/layout/diagram.go")
	}
	return slices.Concat(before, []byte(begin+"\n"+diagram+"\n"+end), after), nil
}

// checkDiagram returns a finding if the document has another diagram.
func checkDiagram(root fs.FS, diagram string) ([]string, error) {
	text, err := fs.ReadFile(root, document)
	if err != nil {
		return nil, err
	}
	fresh, err := withDiagram(text, diagram)
	if err == nil && !bytes.Equal(fresh, text) {
		return []string{document + ": the diagram of the imports is stale: run go -C .tools run ./layout -write"}, nil
	}
	return nil, err
}
