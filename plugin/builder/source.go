package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"

	"github.com/fabric-kafka/orderer/plugin/builder/options"
)

// source is one version of Fabric to compile against: the module that go.mod requires, or a release's tree
// that the user names.
type source struct {
	version string // with a digest of the tree if it differs from the origin
	commit  string // Fabric's, of a tree
	origin  string // where its files are; never written to
	tree    string // what is compiled: a copy, since Go does not overlay files of the module cache; or a link to the tree
	work    string // for generated files
	root    string // of our module
	files   moduleFiles
	release *release
	options options.Set
}

// mainFile is the file that fills the orderer's map of consenters.
const mainFile = "orderer/common/server/main.go"

func newSource(version, origin, work, root string) *source {
	folder := filepath.Join(work, "fabric", version)
	s := &source{version: version, origin: origin, tree: filepath.Join(folder, "tree"), work: folder, root: root}
	s.files = s.forBuilds()
	return s
}

// tags returns the build tags that select our files for this Fabric.
func (s *source) tags() []string {
	if s.release == nil {
		return nil
	}
	return s.release.line.tags
}

// line returns the name of the line of a tree, and nothing for the module.
func (s *source) line() string {
	if s.release == nil {
		return ""
	}
	return s.release.line.name
}

// prepare creates what is compiled: the copy of a module, or the link to a tree, its module file, and the link to our
// module.
func (s *source) prepare() error {
	if err := os.MkdirAll(s.work, 0o755); err != nil {
		return err
	}
	if err := pointTo(s.module(), s.root); err != nil {
		return err
	}
	if s.release == nil {
		return s.materialize()
	}
	return s.link()
}

// materialize copies the tree once, and points a copy of our go.mod at it. The copy gets its name when it is
// complete. A copy that has been changed since is compiled as it is, and its version shows that.
func (s *source) materialize() error {
	if _, err := os.Stat(s.tree); errors.Is(err, fs.ErrNotExist) {
		if err := s.copyTree(); err != nil {
			return err
		}
	}
	want, err := digestOfTree(s.origin)
	if err != nil {
		return err
	}
	got, err := digestOfTree(s.tree)
	if err != nil {
		return err
	}
	if got != want {
		s.version += "+changed." + got
	}
	return s.writeModFile()
}

func (s *source) copyTree() error {
	if err := os.MkdirAll(s.work, 0o755); err != nil {
		return err
	}
	partial := filepath.Join(s.work, "partial") // one build at a time uses the folder
	if err := os.RemoveAll(partial); err != nil {
		return err
	}
	if err := copyFiles(s.origin, partial); err != nil {
		return err
	}
	return os.Rename(partial, s.tree)
}

// copyFiles copies a folder; its owner can write to the copy.
func copyFiles(from, to string) error {
	return walkSource(from, func(name string, d fs.DirEntry) error {
		target := filepath.Join(to, name)
		if d.IsDir() {
			return os.MkdirAll(target, 0o755)
		}
		text, err := os.ReadFile(filepath.Join(from, name))
		if err != nil {
			return err
		}
		return os.WriteFile(target, text, 0o644)
	})
}

// walkSource calls f for everything in a folder that is copied, by its name in the folder.
// What no command needs (documentation, vendored modules) is left out.
func walkSource(folder string, f func(name string, d fs.DirEntry) error) error {
	return filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(folder, path)
		if err != nil {
			return err
		}
		if d.IsDir() && (name == "docs" || name == "vendor" || name == ".git") {
			return filepath.SkipDir
		}
		return f(name, d)
	})
}

// writeModFile writes our go.mod with Fabric replaced by the copy, and go.sum beside it.
func (s *source) writeModFile() error {
	mod, err := os.ReadFile(filepath.Join(s.root, "go.mod"))
	if err != nil {
		return err
	}
	text := fmt.Sprintf("%s\nreplace %s => %s\n", mod, fabricModule, strconv.Quote(s.files.replacement))
	if err := writeIfChanged(s.modFile(), []byte(text)); err != nil {
		return err
	}
	sum, err := os.ReadFile(filepath.Join(s.root, "go.sum"))
	if err != nil {
		return err
	}
	return writeIfChanged(s.sumFile(), sum)
}

// patch writes the patched main and the files that options change beside the tree, and the overlay that names them.
func (s *source) patch() error {
	original := filepath.Join(s.tree, mainFile)
	text, err := os.ReadFile(original)
	if err != nil {
		return err
	}
	patched, err := patchMain(original, text)
	if err != nil {
		return err
	}
	file := filepath.Join(s.work, "main.go")
	if err := writeIfChanged(file, patched); err != nil {
		return err
	}
	replace, err := s.changed()
	if err != nil {
		return err
	}
	replace[original] = file
	return writeOverlay(s.overlayFile(), replace)
}

// changed writes the files that the options change beside the tree, and returns what each of them replaces.
func (s *source) changed() (map[string]string, error) {
	files, err := s.options.Change(s.tree, s.version)
	if err != nil {
		return nil, err
	}
	replace := map[string]string{}
	for name, text := range files {
		file := filepath.Join(s.work, "options", name)
		if err := writeIfChanged(file, text); err != nil {
			return nil, err
		}
		replace[filepath.Join(s.tree, name)] = file
	}
	return replace, nil
}

// writeOverlay writes a file for go's -overlay.
func writeOverlay(file string, replace map[string]string) error {
	overlay, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return err
	}
	return writeIfChanged(file, overlay)
}

// writeIfChanged writes a file unless it has that text already: go rebuilds what depends on a newer file.
func writeIfChanged(file string, text []byte) error {
	if old, err := os.ReadFile(file); err == nil && string(old) == string(text) {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	return os.WriteFile(file, text, 0o644)
}
