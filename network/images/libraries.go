package main

import (
	"debug/elf"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// needed returns the libraries that a program or library asks for, and its loader if it is a program.
func needed(file string) ([]string, error) {
	f, err := elf.Open(file)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	defer f.Close()
	names, err := f.ImportedLibraries()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	for _, p := range f.Progs {
		if p.Type != elf.PT_INTERP {
			continue
		}
		loader := make([]byte, p.Filesz)
		if _, err := p.ReadAt(loader, 0); err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		names = append(names, strings.TrimRight(string(loader), "\x00"))
	}
	return names, nil
}

// triplets are the names of the folders that Debian keeps an architecture's libraries in.
var triplets = map[string]string{"amd64": "x86_64-linux-gnu", "arm64": "aarch64-linux-gnu"}

// libraries copies what programs and libraries need, directly and through others, into a tree, at the paths that
// the loader searches.
type libraries struct {
	tree    *tree
	folders []string        // of the host
	own     map[string]bool // names of libraries that come with the programs
	copied  map[string]bool
}

// add copies what a file needs.
func (l *libraries) add(file string) error {
	names, err := needed(file)
	if err != nil {
		return err
	}
	for _, name := range names {
		if l.own[name] || l.copied[name] {
			continue
		}
		l.copied[name] = true
		found, err := l.find(name)
		if err != nil {
			return fmt.Errorf("%s needs %w", file, err)
		}
		if err := l.tree.copy(found, found, 0o755); err != nil {
			return err
		}
		if err := l.add(found); err != nil {
			return err
		}
	}
	return nil
}

// find returns the path of a library, or of a loader, whose name is a path.
func (l *libraries) find(name string) (string, error) {
	if filepath.IsAbs(name) {
		return name, nil
	}
	for _, folder := range l.folders {
		file := filepath.Join(folder, name)
		if _, err := os.Stat(file); err == nil {
			return file, nil
		} else if !errors.Is(err, fs.ErrNotExist) {
			return "", err
		}
	}
	return "", fmt.Errorf("%s, which is in none of %s", name, strings.Join(l.folders, ", "))
}
