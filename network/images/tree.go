package main

import (
	"io/fs"
	"os"
	"path/filepath"
)

// tree is the content of an image. Its files have the modes that they have in the image, whatever
// the umask, and those of programs that are copied.
type tree struct {
	root string
}

// newTree returns an empty tree in the folder root below another folder, which is emptied.
func newTree(folder string) (*tree, error) {
	if err := os.RemoveAll(folder); err != nil {
		return nil, err
	}
	t := &tree{filepath.Join(folder, "root")}
	return t, os.MkdirAll(t.root, 0o755)
}

// common adds the folders that programs and compose files expect: one for temporary files, and a home, which compose
// files of test-network use as the working directory.
func (t *tree) common() error {
	if err := t.folder("/tmp", 0o777|fs.ModeSticky); err != nil {
		return err
	}
	return t.folder("/root", 0o755)
}

// folder adds a folder. One that any user may write to has the mode 0777: the user of a container is not known here.
func (t *tree) folder(path string, mode fs.FileMode) error {
	full := filepath.Join(t.root, path)
	if err := os.MkdirAll(full, 0o755); err != nil {
		return err
	}
	return os.Chmod(full, mode)
}

// text adds a file.
func (t *tree) text(path string, content []byte, mode fs.FileMode) error {
	full := filepath.Join(t.root, path)
	if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(full, content, mode); err != nil {
		return err
	}
	return os.Chmod(full, mode)
}

// copy adds a copy of the host's file; links are followed.
func (t *tree) copy(path, from string, mode fs.FileMode) error {
	content, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return t.text(path, content, mode)
}

// link adds a symbolic link.
func (t *tree) link(path, to string) error {
	full := filepath.Join(t.root, path)
	if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
		return err
	}
	return os.Symlink(to, full)
}
