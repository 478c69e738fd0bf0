// Command words finds words that the project does not use, in its sources and documents, and prints what
// to write instead; with any, it exits with 1. `make lint` runs it.
//
//	go -C .tools run ./words -root ..
//
// It also checks that each word of GLOSSARY.md is defined where the glossary says.
//
// The list is in list.go. A folder in pending, there, is still to be edited: it is not checked, and has to
// be removed from the list once it is clean.
package main

import (
	"flag"
	"fmt"
	"os"
)

func main() {
	root := flag.String("root", "..", "root folder of the project")
	all := flag.Bool("all", false, "check the pending folders as well")
	flag.Parse()
	folders := pending
	if *all {
		folders = nil
	}
	found, err := check(os.DirFS(*root), folders)
	if err == nil {
		var undefined []finding
		undefined, err = checkGlossary(os.DirFS(*root))
		found = append(found, undefined...)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "words:", err)
		os.Exit(2)
	}
	for _, f := range found {
		fmt.Println(f)
	}
	if len(found) > 0 {
		fmt.Fprintf(os.Stderr, "words: %d to replace; the list is in .tools/words/list.go\n", len(found))
		os.Exit(1)
	}
}
