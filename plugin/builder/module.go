package main

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// What go is given as Fabric's replacement in go.mod is in the binary. A build therefore runs in a link to our
// module, beside the tree that it compiles: the path from one to the other is the same wherever the checkout and the
// folder of --work are. go takes a path in go.mod as it is written, and so from the link, not from where that leads.
const (
	moduleLink = "module"
	besideLink = "../tree"
)

// moduleFiles are the module file of a compilation and what belongs to it.
type moduleFiles struct {
	name        string // without its suffix
	replacement string // of Fabric
}

// forBuilds are for a compilation in [source.module].
func (s *source) forBuilds() moduleFiles { return moduleFiles{"go", besideLink} }

// forCheckout are for commands that users run in their checkout.
func (s *source) forCheckout() moduleFiles { return moduleFiles{"checkout", s.tree} }

func (s *source) modFile() string     { return filepath.Join(s.work, s.files.name+".mod") }
func (s *source) sumFile() string     { return filepath.Join(s.work, s.files.name+".sum") }
func (s *source) overlayFile() string { return filepath.Join(s.work, "overlay.json") }

// resolvedFile holds the sum of the module files that go has completed.
func (s *source) resolvedFile() string { return filepath.Join(s.work, s.files.name+".resolved") }

// module is the folder that a compilation runs in.
func (s *source) module() string { return filepath.Join(s.work, moduleLink) }

// pointTo makes a link lead to a folder. One that leads elsewhere is replaced.
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
