package fabricnet

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// files returns the content of all files below a folder, except the lock.
func files(t *testing.T, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.Name() == lockFile {
			return err
		}
		text := ""
		if !d.IsDir() {
			b, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			text = string(b)
		}
		all[path] = text
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// While `up` is running, a second one in the folder and every other change is refused before
// anything changes, with an error that names the first process.
func TestOneChangesANetwork(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "net")
	first := actor("claims", dir)
	p, end := bystander(t, first)
	holder := fmt.Sprintf("process %d (", p.PID)
	refused := func(what string, err error) {
		t.Helper()
		var busy *BusyError
		if !errors.As(err, &busy) || !strings.Contains(err.Error(), holder) {
			t.Errorf("%s: %v, want it to name %s", what, err, holder)
		}
	}
	_, err := claim(dir)
	refused("up", err)
	refused("down", Down(dir, io.Discard))
	n, err := at(dir)
	if err != nil {
		t.Fatal(err)
	}
	refused("stop", n.Stop("orderer1"))
	_, err = n.Hold()
	refused("hold", err)

	if err := errors.Join(end.Close(), first.Wait()); err != nil {
		t.Fatal(err)
	}
	r := newRig(t, dir, "sleeps")
	r.starts("orderer1")
	if err := Down(dir, io.Discard); err != nil || r.folder() {
		t.Errorf("down after the first has ended: %v", err)
	}
}

// `up` where a network is running is refused and changes nothing, whatever its state is.
func TestUpWhereANetworkRuns(t *testing.T) {
	for name, spoil := range map[string]func(file string) error{
		"whole":   func(string) error { return nil },
		"cut":     func(file string) error { return os.Truncate(file, 40) },
		"emptied": func(file string) error { return os.Truncate(file, 0) },
		"missing": os.Remove,
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, filepath.Join(t.TempDir(), "net"), "sleeps")
			p := r.starts("orderer2")
			if err := spoil(r.path(stateFile)); err != nil {
				t.Fatal(err)
			}
			before := files(t, r.dir)
			_, err := claim(r.dir)
			if err == nil || !strings.Contains(err.Error(), fmt.Sprintf("orderer2 (process %d)", p.PID)) {
				t.Errorf("up: %v", err)
			}
			if !maps.Equal(before, files(t, r.dir)) || !p.alive() {
				t.Error("something was changed")
			}
			if err := Down(r.dir, io.Discard); err != nil || r.folder() {
				t.Errorf("down: %v", err)
			}
			r.gone("down", p)
		})
	}
}

// Two commands that opened the network before either changed it do not lose each other's
// processes; while one holds the lock, as chaos does, the other is refused.
func TestCommandsSideBySide(t *testing.T) {
	a := newRig(t, filepath.Join(t.TempDir(), "net"), "sleeps")
	b := a.reopened()
	one, two := a.starts("orderer1"), b.starts("orderer2")
	release, err := a.Hold()
	if err != nil {
		t.Fatal(err)
	}
	three := a.starts("orderer3")
	var busy *BusyError
	if err := b.Stop("orderer1"); !errors.As(err, &busy) || !one.alive() {
		t.Errorf("stop while another command holds the network: %v", err)
	}
	release()
	if err := b.Stop("orderer3"); err != nil {
		t.Error(err)
	}
	b.gone("stop", three)
	if s, err := a.read(); err != nil || s.Processes["orderer1"] != one || s.Processes["orderer2"] != two || len(s.Processes) != 2 {
		t.Errorf("the file has %+v, %v", s, err)
	}
	d := a.reopened().Descriptor()
	if d.Orderers[0].PID != one.PID || d.Orderers[1].PID != two.PID || d.Orderers[2].PID != 0 {
		t.Errorf("the state has %+v", d.Orderers)
	}
	if err := a.Down(); err != nil {
		t.Error(err)
	}
	a.gone("down", one, two)
}

// The lock of a removed folder does not block its successor.
func TestLockOfARemovedFolder(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "net")
	old := newRig(t, dir, "sleeps")
	err := old.exclusively(func() error {
		if err := os.RemoveAll(dir); err != nil {
			return err
		}
		n, err := claim(dir)
		if err == nil {
			n.unlock()
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	if err := old.Stop("orderer1"); !errors.Is(err, ErrNone) || old.folder() {
		t.Errorf("stop in a folder that is gone: %v", err)
	}
}

// A child that is being started has the lock file too, until it runs its program.
func TestUnlockWithACopyOfTheFile(t *testing.T) {
	r := newRig(t, filepath.Join(t.TempDir(), "net"), "sleeps")
	for range 2 {
		var child int
		err := r.exclusively(func() (err error) {
			child, err = syscall.Dup(int(r.lock.Fd()))
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = syscall.Close(child) })
	}
}
