package main

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// The path by which go.mod replaces Fabric is recorded in the binary. A build therefore runs in a link to our module,
// beside the tree that it compiles: the path from one to the other is the same wherever the checkout and the folder
// of --work are. Go resolves a path in go.mod as it is written, relative to the link, not to the link's target.
const (
	moduleLink = "module"
	besideLink = "../tree"
)

// moduleFiles are the module file of a build and the files that belong to it.
type moduleFiles struct {
	name        string // without its suffix
	replacement string // of Fabric
}

// forBuilds returns the files for a build in [source.module].
func (s *source) forBuilds() moduleFiles { return moduleFiles{"go", besideLink} }

// forCheckout returns the files for commands that users run in their checkout.
func (s *source) forCheckout() moduleFiles { return moduleFiles{"checkout", s.tree} }

func (s *source) modFile() string     { return filepath.Join(s.work, s.files.name+".mod") }
func (s *source) sumFile() string     { return filepath.Join(s.work, s.files.name+".sum") }
func (s *source) overlayFile() string { return filepath.Join(s.work, "overlay.json") }

// resolvedFile holds the sum of the module files that go has completed.
func (s *source) resolvedFile() string { return filepath.Join(s.work, s.files.name+".resolved") }

// module returns the folder that a build runs in.
func (s *source) module() string { return filepath.Join(s.work, moduleLink) }

// pointTo creates a link to a folder, or replaces one that points elsewhere.
func pointTo(link, folder string) error {
	if now, err := os.Readlink(link); err == nil && now == folder {
		return nil
	}
	next := link + ".next"
	if err := os.Remove(next); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := os.Symlink(folder, next); err != nil {
		return err
	}
	err := os.Rename(next, link)
	if err != nil {
		_ = os.Remove(next) // it exists
	}
	return err
}
