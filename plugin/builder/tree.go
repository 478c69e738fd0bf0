package main

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/mod/modfile"
)

// treeSource returns the Fabric in a tree that the user names. Nothing is written to the tree.
func (p *project) treeSource(dir, work string) (*source, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	r, err := readRelease(dir)
	if err != nil {
		return nil, err
	}
	s := newSource(r.version, dir, work, p.root)
	s.release = r
	if s.commit, err = p.commitOf(dir); err != nil {
		return nil, err
	}
	return s, nil
}

// link makes the folder that is compiled a link to the tree, and writes the module file for it.
func (s *source) link() error {
	if err := pointTo(s.tree, s.origin); err != nil {
		return err
	}
	mod, err := s.mergedMod()
	if err != nil {
		return err
	}
	sum, err := s.mergedSum()
	if err != nil {
		return err
	}
	key := fmt.Sprintf("%x\n", sha256.Sum256(slices.Concat(mod, sum)))
	if done, err := os.ReadFile(s.resolvedFile()); err == nil && string(done) == key {
		return nil
	}
	if err := os.Remove(s.resolvedFile()); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	s.release.unresolved = key
	if err := writeIfChanged(s.modFile(), mod); err != nil {
		return err
	}
	return writeIfChanged(s.sumFile(), sum)
}

// mergedMod returns our go.mod for a build against the tree.
func (s *source) mergedMod() ([]byte, error) {
	file := filepath.Join(s.root, "go.mod")
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	mod, err := modfile.Parse(file, text, nil)
	if err != nil {
		return nil, err
	}
	if err := mod.AddGoStmt(s.release.goVersion(mod.Go.Version)); err != nil {
		return nil, err
	}
	if err := mod.AddReplace(fabricModule, "", s.files.replacement, ""); err != nil {
		return nil, err
	}
	for _, r := range s.release.replacements() {
		if err := mod.AddReplace(r.Old.Path, r.Old.Version, r.New.Path, r.New.Version); err != nil {
			return nil, err
		}
	}
	return mod.Format()
}

// mergedSum returns the lines of both go.sum: the sums of the same module are the same in both.
func (s *source) mergedSum() ([]byte, error) {
	var lines []string
	for _, dir := range []string{s.root, s.origin} {
		text, err := os.ReadFile(filepath.Join(dir, "go.sum"))
		if err != nil {
			return nil, err
		}
		lines = append(lines, strings.Split(strings.TrimSpace(string(text)), "\n")...)
	}
	slices.Sort(lines)
	return []byte(strings.Join(slices.Compact(lines), "\n") + "\n"), nil
}

// resolve lets go complete the module file with the versions that the orderer needs, once.
func (p *project) resolve(s *source) error {
	if s.release == nil || s.release.unresolved == "" {
		return nil
	}
	args := []string{"list", "-deps", "-mod=mod", "-modfile", s.modFile(), "-overlay", s.overlayFile()}
	if tags := s.tags(); len(tags) > 0 {
		args = append(args, "-tags", strings.Join(tags, ","))
	}
	if _, err := p.output(s.module(), "go", append(args, fabricModule+"/cmd/orderer")...); err != nil {
		return fmt.Errorf("%w (is the module proxy reachable? see go env GOPROXY)", err)
	}
	return os.WriteFile(s.resolvedFile(), []byte(s.release.unresolved), 0o644)
}
