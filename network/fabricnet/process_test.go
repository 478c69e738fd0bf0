package fabricnet

import (
	"encoding/binary"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A process is identified by more than its pid.
func TestProcessLife(t *testing.T) {
	r := newRig(t, filepath.Join(t.TempDir(), "net"), "sleeps")
	p := r.starts("orderer1")
	if !p.alive() {
		t.Fatal("not alive")
	}
	for name, other := range map[string]process{
		"later process of the same number": {p.PID, p.Start + "0", p.Boot},
		"process of before a restart":      {p.PID, p.Start, "another boot"},
		"process that was being started":   {},
		"number alone":                     {PID: p.PID},
	} {
		if other.alive() {
			t.Errorf("takes a process for a %s", name)
		}
		if err := r.end(other, syscall.SIGKILL); err != nil || !p.alive() {
			t.Errorf("%s: ended a process that is not ours: %v", name, err)
		}
	}
	if legacy := (process{PID: p.PID, Start: p.Start}); !legacy.alive() {
		t.Error("the state of an earlier release has no boot")
	}
	if err := r.Kill("orderer1"); err != nil || p.alive() {
		t.Errorf("kill: %v", err)
	}
	if err := r.Kill("orderer1"); err != nil {
		t.Errorf("kill of one that does not run: %v", err)
	}
}

// Halt waits for each process, also for one that only ends on SIGKILL, a paused one, and
// children that outlive their parent.
func TestHaltEndsThemAll(t *testing.T) {
	for _, role := range []string{"stubborn", "parent"} {
		t.Run(role, func(t *testing.T) {
			r := newRig(t, filepath.Join(t.TempDir(), "net"), role)
			p := r.starts("orderer1")
			q := r.starts("orderer2")
			found, err := marked(r.dir)
			if err != nil || !slices.ContainsFunc(found, func(m mark) bool { return m.process == p && m.leads }) {
				t.Fatalf("marked: %+v, %v", found, err)
			}
			if err := r.Pause("orderer2"); err != nil {
				t.Fatal(err)
			}
			if role == "stubborn" {
				r.timeout = 100 * time.Millisecond
			} else if err := r.Kill("orderer1"); err != nil {
				t.Fatal(err)
			}
			if err := r.Halt(); err != nil {
				t.Error(err)
			}
			r.gone("halt", p, q)
			if found, err = marked(r.dir); err != nil || len(found) > 0 {
				t.Errorf("halt leaves %+v, %v", found, err)
			}
		})
	}
}

// A paused process is stopped like a running one.
func TestStopOfAPausedProcess(t *testing.T) {
	r := newRig(t, filepath.Join(t.TempDir(), "net"), "sleeps")
	p := r.starts("orderer1")
	if err := r.Pause("orderer1"); err != nil {
		t.Fatal(err)
	}
	if err := r.Stop("orderer1"); err != nil {
		t.Error(err)
	}
	r.gone("stop", p)
}

// A process that works in the folder, has the name of one of ours, or is another network's is not ours.
func TestOthersAreLeftAlone(t *testing.T) {
	r := newRig(t, filepath.Join(t.TempDir(), "net"), "sleeps")
	r.starts("orderer1")
	var others []process
	for range 2 {
		c := exec.Command("/bin/sh", "-c", lives["sleeps"], r.path("data", "orderer1"))
		c.Dir = r.dir
		p, _ := bystander(t, c)
		others = append(others, p)
	}
	for _, env := range [][]string{
		{"PWD=" + r.dir}, {folderMark + r.dir + "2", nameMark + "orderer1"}, {"X" + folderMark + r.dir}, {"X=" + folderMark + r.dir},
	} {
		c := exec.Command("/bin/sh", "-c", lives["sleeps"])
		c.Env = append(os.Environ(), env...)
		p, _ := bystander(t, c)
		others = append(others, p)
	}
	r.processes["orderer2"], r.processes["orderer3"] = process{others[0].PID, "1", ""}, process{others[1].PID, others[1].Start, "another boot"}
	if err := r.save(); err != nil {
		t.Fatal(err)
	}
	if err := Down(r.dir, io.Discard); err != nil || r.folder() {
		t.Errorf("down: %v", err)
	}
	for i, p := range others {
		if !p.alive() {
			t.Errorf("ended process %d, which is not the network's", i)
		}
	}
}

// A folder's processes are found by every path to it.
func TestFolderByALink(t *testing.T) {
	dir := t.TempDir()
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(dir, link); err != nil {
		t.Fatal(err)
	}
	r := newRig(t, filepath.Join(link, "net"), "sleeps")
	p := r.starts("orderer1")
	if err := os.Remove(r.path(stateFile)); err != nil {
		t.Fatal(err)
	}
	if err := Down(filepath.Join(dir, ".", "net"), io.Discard); err != nil {
		t.Error(err)
	}
	r.gone("down", p)
	real, err := filepath.EvalSymlinks(dir)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := canonical(filepath.Join(link, "no", "such")); err != nil || got != filepath.Join(real, "no", "such") {
		t.Errorf("%s, %v", got, err)
	}
}

// The output of macOS for a process's arguments and environment is parsed.
func TestEnvironmentOnDarwin(t *testing.T) {
	count := binary.NativeEndian.AppendUint32(nil, 2)
	raw := append(count, "/bin/orderer\x00\x00\x00\x00orderer\x00A=argument\x00B=one\x00C=two\x00\x00"...)
	if got := strings.Join(environmentIn(raw), " "); got != "B=one C=two  " {
		t.Errorf("%q", got)
	}
	for i := range raw {
		for _, v := range environmentIn(raw[:i]) {
			if strings.HasPrefix(v, "A=") {
				t.Errorf("cut at %d: an argument is taken for the environment: %q", i, v)
			}
		}
	}
	if got := environmentIn(append(binary.NativeEndian.AppendUint32(nil, 1<<31), "/x\x00a\x00"...)); got != nil {
		t.Errorf("%q", got)
	}
}
