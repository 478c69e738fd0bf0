package fabricnet

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A truncated state is either rejected or complete, and the folder is still recognized as a network's.
func TestStateCutAnywhere(t *testing.T) {
	r := newRig(t, filepath.Join(t.TempDir(), "net"), "sleeps")
	r.processes["orderer1"] = process{PID: 1 << 30, Start: "1"}
	if err := r.save(); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(r.path(stateFile))
	if err != nil {
		t.Fatal(err)
	}
	for _, cut := range append(cuts(text), []byte("{}"), []byte("null"), []byte("[]"), []byte("{\"options\":{},\"processes\":{}}")) {
		if err := os.WriteFile(r.path(stateFile), cut, 0o600); err != nil {
			t.Fatal(err)
		}
		n, err := Open(r.dir)
		if err == nil && (len(n.processes) != 1 || n.options.Bin != r.options.Bin) || err != nil && !strings.Contains(err.Error(), "network down --dir "+r.dir) {
			t.Fatalf("%q: %+v, %v", cut, n, err)
		}
		if !holdsNetwork(r.dir) {
			t.Fatalf("%q: no network", cut)
		}
	}
}

func cuts(text []byte) (all [][]byte) {
	for i := range text {
		all = append(all, text[:i])
	}
	return all
}

// Whatever is left of the state, down ends all processes and removes the folder, and up works again.
func TestDownWhateverTheStateIs(t *testing.T) {
	write := func(text string) func(r *rig) error {
		return func(r *rig) error { return os.WriteFile(r.path(stateFile), []byte(text), 0o600) }
	}
	for name, spoil := range map[string]func(r *rig) error{
		"whole":        func(*rig) error { return nil },
		"missing":      func(r *rig) error { return os.Remove(r.path(stateFile)) },
		"empty":        write(""),
		"half":         func(r *rig) error { return os.Truncate(r.path(stateFile), 300) },
		"not ours":     write(`{"version":4,"resources":[]}`),
		"no processes": func(r *rig) error { r.processes = nil; return r.save() },
		"no lock":      func(r *rig) error { return errors.Join(os.Remove(r.path(lockFile)), os.Truncate(r.path(stateFile), 9)) },
		"a folder": func(r *rig) error {
			return errors.Join(os.Remove(r.path(stateFile)), os.Mkdir(r.path(stateFile), 0o755))
		},
		"stale processes": func(r *rig) error { r.processes["orderer1"] = process{PID: os.Getpid(), Start: "1"}; return r.save() },
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, filepath.Join(t.TempDir(), "net"), "sleeps")
			p, q := r.starts("orderer1"), r.starts("orderer3")
			if err := spoil(r); err != nil {
				t.Fatal(err)
			}
			if err := Down(r.dir, io.Discard); err != nil || r.folder() {
				t.Errorf("down: %v", err)
			}
			r.gone("down", p, q)
			newRig(t, r.dir, "sleeps")
		})
	}
}

// Processes whose folder was removed are ended by down; until then up refuses the folder.
func TestDownOfARemovedFolder(t *testing.T) {
	r := newRig(t, filepath.Join(t.TempDir(), "net"), "sleeps")
	p := r.starts("orderer1")
	if err := os.RemoveAll(r.dir); err != nil {
		t.Fatal(err)
	}
	if _, err := claim(r.dir); err == nil || !strings.Contains(err.Error(), "orderer1") {
		t.Errorf("up: %v", err)
	}
	if err := os.RemoveAll(r.dir); err != nil {
		t.Fatal(err)
	}
	if err := Down(r.dir, io.Discard); err != nil {
		t.Error(err)
	}
	r.gone("down", p)
	if err := Down(r.dir, io.Discard); !errors.Is(err, ErrNone) {
		t.Errorf("a second down: %v", err)
	}
}

// A folder with an unsigned lock, left by a command that ended early, can be used by the next.
func TestUnsignedLock(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, lockFile), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	newRig(t, dir, "sleeps")
}

// A command that is killed between launching a process and saving its pid does not lose
// the process.
func TestCrashAfterALaunch(t *testing.T) {
	for name, args := range map[string][]string{"with the state before it": {"written"}, "without": nil} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, filepath.Join(t.TempDir(), "net"), "sleeps")
			c, _, err := r.command("orderer1")
			if err != nil {
				t.Fatal(err)
			}
			crash := command{name: c.name, log: filepath.Join(t.TempDir(), "log"), program: os.Args[0], dir: filepath.Dir(r.dir),
				args: append([]string{r.dir}, args...), env: []string{roleMark + "crashes"}}
			p, err := launch(crash)
			if err != nil {
				t.Fatal(err)
			}
			for p.alive() {
				time.Sleep(time.Millisecond)
			}
			r.lives("orderer1")
			again := r.reopened()
			found := again.processes["orderer1"]
			if !found.alive() || again.Descriptor().Orderers[0].PID != found.PID {
				t.Fatalf("the process is lost: %+v", again.processes)
			}
			if err := again.change(func() error { return again.launch("orderer1") }); err == nil || !strings.Contains(err.Error(), "is already running") {
				t.Errorf("started a second time: %v", err)
			}
			if err := r.Down(); err != nil || r.folder() {
				t.Errorf("down: %v", err)
			}
			r.gone("down", found)
		})
	}
}

// A process that cannot be ended is named and stays in the state, and the folder is kept; the others are ended.
func TestDownNamesWhatItCannotEnd(t *testing.T) {
	r := newRig(t, filepath.Join(t.TempDir(), "net"), "sleeps")
	p, q := r.starts("orderer1"), r.starts("orderer2")
	r.timeout = 50 * time.Millisecond
	r.signals = func(to process, s syscall.Signal) error {
		if to == p {
			return nil // the signal is lost
		}
		return to.send(s)
	}
	for what, end := range map[string]func() error{"halt": r.Halt, "down": r.Down, "kill": func() error { return r.Kill("orderer1") }} {
		err := end()
		if err == nil || !strings.Contains(err.Error(), "orderer1: process") || strings.Contains(err.Error(), "orderer2") {
			t.Errorf("%s: %v", what, err)
		}
		if back := r.reopened(); back.processes["orderer1"] != p || !r.folder() {
			t.Errorf("%s forgets it: %+v", what, back.processes)
		}
	}
	r.gone("halt", q)
	if err := os.Remove(r.path(stateFile)); err != nil {
		t.Fatal(err)
	}
	if err := r.Down(); err == nil || !strings.Contains(err.Error(), "orderer1: process") || !r.folder() {
		t.Errorf("down without a state: %v", err)
	}
	r.signals = nil
	if err := r.Down(); err != nil || r.folder() {
		t.Error(err)
	}
	r.gone("down", p)
}

// Folders that are not a network's are not changed.
func TestDownOfForeignFolders(t *testing.T) {
	for name, text := range map[string]string{stateFile: `{"version":4}`, descriptorFile: `{"name":"x"}`, lockFile: "123\n", "precious": ""} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := Down(dir, io.Discard); !errors.Is(err, ErrNone) {
			t.Errorf("down with %s: %v", name, err)
		}
		n, err := at(dir)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := n.Hold(); !errors.Is(err, ErrNone) {
			t.Errorf("hold with %s: %v", name, err)
		}
		if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 {
			t.Errorf("%s: %v, %v is left", name, entries, err)
		}
		if back, err := os.ReadFile(filepath.Join(dir, name)); err != nil || string(back) != text {
			t.Errorf("%s: %q, %v", name, back, err)
		}
	}
}
