package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"
)

// finding is a word in a line of a file.
type finding struct {
	file    string
	line    int
	word    string
	instead string
}

func (f finding) String() string {
	return fmt.Sprintf("%s:%d: %q: write %s", f.file, f.line, f.word, f.instead)
}

// check returns the findings in all files below root that people read, without those in pending
// folders. A pending folder without a finding is itself a finding.
func check(root fs.FS, pending []string) ([]finding, error) {
	var found []finding
	unclean := map[string]bool{}
	err := walk(root, read, func(name string, text []byte) error {
		here := lines(name, text)
		if i := slices.IndexFunc(pending, func(folder string) bool { return strings.HasPrefix(name, folder) }); i >= 0 {
			unclean[pending[i]] = unclean[pending[i]] || len(here) > 0
			return nil
		}
		found = append(found, here...)
		return nil
	})
	if err != nil {
		return nil, err
	}
	for _, folder := range pending {
		if !unclean[folder] {
			found = append(found, finding{file: folder, line: 1, word: "pending", instead: "nothing: the folder is clean, remove it from pending in .tools/words/list.go"})
		}
	}
	return found, nil
}

// walk calls visit with each file below root that is wanted, without folders that are skipped.
func walk(root fs.FS, wanted func(name string) bool, visit func(name string, text []byte) error) error {
	return fs.WalkDir(root, ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && skipped(name):
			return fs.SkipDir
		case d.IsDir() || !wanted(name):
			return nil
		}
		text, err := fs.ReadFile(root, name)
		if err != nil {
			return err
		}
		return visit(name, text)
	})
}

// transcripts are the folders of test data that open with prose: the rule or the bug that each file shows.
var transcripts = []string{"chain/machine/testdata", "integration/sim/testdata"}

// skipped reports whether a folder is not the project's own text.
func skipped(dir string) bool {
	base := path.Base(dir)
	return base == "testdata" && !slices.Contains(transcripts, dir) || base == "words" || base == "golden" ||
		(strings.HasPrefix(base, ".") && !slices.Contains([]string{".", ".tools", ".ci"}, base))
}

// read reports whether people read a file: the changelog keeps the words of its time.
func read(name string) bool {
	if name == "CHANGELOG.md" || name == "LICENSE" || strings.HasSuffix(name, ".pb.go") {
		return false
	}
	if dir, ext := path.Dir(name), path.Ext(name); ext == ".txt" {
		return slices.Contains(transcripts, dir)
	}
	return path.Base(name) == "Makefile" || slices.Contains([]string{".go", ".md", ".yaml", ".yml", ".proto", ".json"}, path.Ext(name))
}

// lines returns the findings in a text, line by line: a phrase that is broken over two lines is found at
// the first.
func lines(name string, text []byte) []finding {
	var found []finding
	var last string
	scan := bufio.NewScanner(bytes.NewReader(text))
	scan.Buffer(nil, 1<<20)
	for n := 1; scan.Scan(); n++ {
		line := plain(scan.Text())
		for _, r := range rules {
			if at := r.word.FindString(line); at != "" {
				found = append(found, finding{name, n, at, r.instead})
			} else if at := r.word.FindString(last + " " + line); at != "" && r.word.FindString(last) == "" {
				found = append(found, finding{name, n - 1, at, r.instead})
			}
		}
		last = line
	}
	return found
}

var (
	opening = regexp.MustCompile(`^[\s/*#>-]+`)
	hump    = regexp.MustCompile(`([a-z0-9])([A-Z])`)
)

// plain returns a line without the marks of a comment, its identifiers split into words.
func plain(line string) string {
	line = strings.TrimSpace(opening.ReplaceAllString(line, ""))
	return strings.ReplaceAll(hump.ReplaceAllString(line, "$1 $2"), "_", " ")
}
