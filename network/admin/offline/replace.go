package offline

import (
	"os"
	"path/filepath"
)

// replaceFile writes a file that is either the old or the whole new one. What is no regular
// file, such as a device or a pipe, is written to.
func replaceFile(file string, text []byte) error {
	if at, err := os.Stat(file); err == nil && !at.Mode().IsRegular() {
		return os.WriteFile(file, text, 0o644)
	}
	if to, err := filepath.EvalSymlinks(file); err == nil {
		file = to // the link stays
	}
	partial := file + ".partial"
	err := os.WriteFile(partial, text, 0o644)
	if err == nil {
		err = os.Rename(partial, file)
	}
	if err != nil {
		_ = os.Remove(partial) // it may not exist
	}
	return err
}
