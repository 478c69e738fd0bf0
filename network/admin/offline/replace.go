package offline

import (
	"os"
	"path/filepath"

	"github.com/google/renameio/v2"
)

// replaceFile replaces a file as a whole or not at all. What is not a regular file, such as a
// device or a pipe, is written to.
func replaceFile(file string, text []byte) error {
	if at, err := os.Stat(file); err == nil && !at.Mode().IsRegular() {
		return os.WriteFile(file, text, 0o644)
	}
	if to, err := filepath.EvalSymlinks(file); err == nil {
		file = to // the link stays
	}
	return renameio.WriteFile(file, text, 0o644)
}
