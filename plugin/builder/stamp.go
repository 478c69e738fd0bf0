package main

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// stamped returns our commit for a package that is compiled, with a digest of its sources if they are not committed.
func (p *project) stamped(pkg string) (string, error) {
	files, err := p.compiled(pkg)
	if err != nil {
		return "", err
	}
	digest, err := digestOf(p.root, files)
	if err != nil {
		return "", err
	}
	commit, err := p.committed(p.root)
	if err != nil {
		return "unknown+" + digest, nil // no git, or not our repository
	}
	status := append([]string{"status", "--porcelain", "--ignored", "--untracked-files=all", "--"}, files...)
	if changes, err := p.output(p.root, "git", status...); err != nil || changes != "" {
		return commit + "+changed." + digest, nil
	}
	return commit, nil
}

// committed returns the commit that a folder is a checkout of, if it is the top of one.
func (p *project) committed(dir string) (string, error) {
	top, err := p.output(dir, "git", "rev-parse", "--show-toplevel")
	if err != nil {
		return "", err
	}
	same, err := sameFolder(top, dir)
	if err != nil {
		return "", err
	}
	if !same {
		return "", errors.New("the repository is not the module's")
	}
	return p.output(dir, "git", "rev-parse", "--short", "HEAD")
}

func sameFolder(a, b string) (bool, error) {
	one, err := os.Stat(a)
	if err != nil {
		return false, err
	}
	other, err := os.Stat(b)
	if err != nil {
		return false, err
	}
	return os.SameFile(one, other), nil
}

// compiled returns the files of our module that are compiled with a package, with
// go.mod and go.sum, relative to its folder.
func (p *project) compiled(pkg string) ([]string, error) {
	out, err := p.output(p.root, "go", "list", "-deps", "-json=Dir,Module,GoFiles,CgoFiles,CFiles,HFiles,SFiles,EmbedFiles", pkg)
	if err != nil {
		return nil, err
	}
	files := []string{"go.mod", "go.sum"}
	for decoder := json.NewDecoder(strings.NewReader(out)); ; {
		var pkg struct {
			Dir    string
			Module *struct{ Path string }

			GoFiles, CgoFiles, CFiles, HFiles, SFiles, EmbedFiles []string
		}
		if err := decoder.Decode(&pkg); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return nil, err
		}
		if pkg.Module == nil || pkg.Module.Path != ourModule {
			continue
		}
		dir, err := filepath.Rel(p.root, pkg.Dir)
		if err != nil {
			return nil, err
		}
		for _, name := range slices.Concat(pkg.GoFiles, pkg.CgoFiles, pkg.CFiles, pkg.HFiles, pkg.SFiles, pkg.EmbedFiles) {
			files = append(files, filepath.Join(dir, name))
		}
	}
	slices.Sort(files)
	return files, nil
}

// digestOf returns a short digest of files in a folder: of their names and contents.
func digestOf(folder string, files []string) (string, error) {
	sum := sha256.New()
	for _, name := range files {
		text, err := os.ReadFile(filepath.Join(folder, name))
		if err != nil {
			return "", err
		}
		fmt.Fprintf(sum, "%q %d\n", name, len(text))
		sum.Write(text)
	}
	return fmt.Sprintf("%x", sum.Sum(nil)[:6]), nil
}

// digestOfTree returns the digest of all files of Fabric that are copied.
func digestOfTree(folder string) (string, error) {
	var files []string
	err := walkSource(folder, func(name string, d fs.DirEntry) error {
		if !d.IsDir() {
			files = append(files, name)
		}
		return nil
	})
	if err != nil {
		return "", err
	}
	return digestOf(folder, files)
}
