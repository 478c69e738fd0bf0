// Command layout checks what CONTRIBUTING.md promises of the packages, and with any finding exits with 1;
// `make lint` runs it.
//
//		go -C .tools run ./layout -root ..
//
//	  - Every package that ships has a depguard rule in .golangci.yml that lists what it may import of ours,
//	    and no rule lists an import that nobody makes.
//	  - The diagram in CONTRIBUTING.md is the one of these imports; with -write it is written there.
//	  - No package that ships has more than 2,000 lines, without tests and generated code.
//	  - No interface of chain/session has more than 6 methods.
//
// Imports are read from the files, as go list does, but for every operating system and build tag at once.
// That no file has more than 400 lines is revive's to check.
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
)

func main() {
	root := flag.String("root", "..", "root folder of the project")
	write := flag.Bool("write", false, "write the diagram into CONTRIBUTING.md")
	flag.Parse()
	found, err := run(*root, *write)
	if err != nil {
		fmt.Fprintln(os.Stderr, "layout:", err)
		os.Exit(2)
	}
	for _, f := range found {
		fmt.Println(f)
	}
	if len(found) > 0 {
		os.Exit(1)
	}
}

// run returns the findings in the project at root, after it has written the diagram if asked to.
func run(root string, write bool) ([]string, error) {
	tree := os.DirFS(root)
	packages, err := load(tree)
	if err != nil {
		return nil, err
	}
	ships, err := packages.shipped(products)
	if err != nil {
		return nil, err
	}
	rules, err := readRules(tree)
	if err != nil {
		return nil, err
	}
	if write {
		text, err := os.ReadFile(filepath.Join(root, document))
		if err == nil {
			text, err = withDiagram(text, ships.diagram())
		}
		if err == nil {
			err = os.WriteFile(filepath.Join(root, document), text, 0o644)
		}
		if err != nil {
			return nil, err
		}
	}
	drawn, err := checkDiagram(tree, ships.diagram())
	return slices.Concat(checkImports(packages, ships, rules), drawn, checkSizes(ships), checkInterfaces(packages)), err
}
