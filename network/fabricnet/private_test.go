package fabricnet

import (
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

// Whatever the modes of the source of crypto material, other users cannot read a key of the
// network.
func TestKeysArePrivate(t *testing.T) {
	from := t.TempDir()
	for file, mode := range map[string]os.FileMode{"a/msp/keystore/priv_sk": 0o444, "a/tls/server.key": 0o644, "a/tls/ca.crt": 0o666, "b/client.key": 0o755} {
		if err := writeFile(filepath.Join(from, file), []byte(file), mode); err != nil {
			t.Fatal(err)
		}
	}
	n := &Network{options: Options{Crypto: from}, dir: t.TempDir()}
	if err := n.makeCrypto(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := private(t, n.path("crypto")); got != 4 {
		t.Errorf("%d files are copied", got)
	}
	if text, err := os.ReadFile(n.path("crypto", "a", "tls", "server.key")); err != nil || string(text) != "a/tls/server.key" {
		t.Errorf("%q, %v", text, err)
	}
	if err := keepPrivate(from); err != nil {
		t.Fatal(err)
	}
	if got := private(t, from); got != 4 {
		t.Errorf("%d files are left", got)
	}
}

// private counts the files below a folder, and checks that other users have no access to them
// or their folders.
func private(t *testing.T, dir string) (files int) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err == nil && info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has mode %v", path, info.Mode())
		}
		if !d.IsDir() {
			files++
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}
