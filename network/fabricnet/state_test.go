package fabricnet

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

// A process is in the state while it runs, and not after it is gone.
func TestStateAfterALaunch(t *testing.T) {
	r := newRig(t, filepath.Join(t.TempDir(), "net"), "sleeps")
	p := r.starts("orderer2")
	if s, err := r.read(); err != nil || s.Processes["orderer2"] != p {
		t.Errorf("after the launch, the state is %+v, %v", s, err)
	}
	if err := r.Kill("orderer2"); err != nil {
		t.Fatal(err)
	}
	if s, err := r.read(); err != nil || len(s.Processes) != 0 {
		t.Errorf("when it is gone, the state is %+v, %v", s, err)
	}
}

// A reader never sees a partly written state.
func TestStateIsReplaced(t *testing.T) {
	r := newRig(t, filepath.Join(t.TempDir(), "net"), "sleeps")
	for i := range 5000 {
		r.processes[ordererName(i)] = process{PID: i, Start: "1"}
	}
	if err := r.save(); err != nil {
		t.Fatal(err)
	}
	done := make(chan error)
	go func() {
		defer close(done)
		for range 20 {
			if err := r.save(); err != nil {
				done <- err
			}
		}
	}()
	for {
		select {
		case err, more := <-done:
			if err != nil {
				t.Error(err)
			}
			if !more {
				return
			}
		default:
			reader := &Network{dir: r.dir}
			if s, err := reader.read(); err != nil || len(s.Processes) != 5000 {
				t.Fatalf("read %d processes, %v", len(s.Processes), err)
			}
		}
	}
}

// If the state cannot be written, no process is started.
func TestNoLaunchWithoutAState(t *testing.T) {
	r := newRig(t, filepath.Join(t.TempDir(), "net"), "sleeps")
	err := r.change(func() error {
		if err := errors.Join(os.RemoveAll(r.path(stateFile)), os.Mkdir(r.path(stateFile), 0o755)); err != nil {
			return err
		}
		return r.launch("orderer1")
	})
	found, failure := marked(r.dir)
	if err == nil || failure != nil || len(found) > 0 {
		t.Errorf("%v: %+v runs, %v", err, found, failure)
	}
}

// A failed replacement of a file leaves nothing next to it.
func TestWriteJSONCleansUp(t *testing.T) {
	dir := t.TempDir()
	folder := filepath.Join(dir, "folder")
	if err := os.Mkdir(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := WriteJSON(folder, "text"); err == nil {
		t.Error("a folder is replaced")
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 1 {
		t.Errorf("left: %v, %v", left, err)
	}
}
