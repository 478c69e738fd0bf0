package fabricnet

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Every way of ending a process returns only when its ports are free, also of a child that inherited them.
func TestEndWaitsForPorts(t *testing.T) {
	for _, life := range []string{"listens", "heir"} {
		for what, end := range map[string]func(*rig) error{
			"stop": func(r *rig) error { return r.Stop("orderer1") },
			"kill": func(r *rig) error { return r.Kill("orderer1") },
			"halt": func(r *rig) error { return r.Halt() },
			"down": func(r *rig) error { return r.Down() },
		} {
			t.Run(life+" "+what, func(t *testing.T) {
				t.Parallel()
				r := newRig(t, filepath.Join(t.TempDir(), "net"), life)
				r.starts("orderer1")
				address := r.options.address(ordererPort)
				if err := vacantPort(address); err == nil {
					t.Fatal("nobody listens")
				}
				if err := end(r); err != nil {
					t.Error(err)
				}
				if err := vacantPort(address); err != nil {
					t.Errorf("after %s: %v", what, err)
				}
			})
		}
	}
}

// A child that outlives its parent is ended with it.
func TestStopEndsChildren(t *testing.T) {
	r := newRig(t, filepath.Join(t.TempDir(), "net"), "parent")
	r.starts("orderer1")
	r.starts("orderer2")
	if err := r.Stop("orderer1"); err != nil {
		t.Error(err)
	}
	found, err := marked(r.dir)
	if err != nil || len(found) != 2 || found[0].name != "orderer2" || found[1].name != "orderer2" {
		t.Errorf("left are %+v, %v; want orderer2 and its child", found, err)
	}
}

// A port that does not become free is named, with the process that uses it.
func TestEndNamesWhoKeepsAPort(t *testing.T) {
	r := newRig(t, filepath.Join(t.TempDir(), "net"), "heirs")
	p := r.starts("orderer1")
	r.timeout = 300 * time.Millisecond
	var taken *TakenError
	err := r.Stop("orderer1")
	if !errors.As(err, &taken) || taken.Address != r.options.address(ordererPort) {
		t.Fatalf("got %v", err)
	}
	t.Cleanup(func() { _ = syscall.Kill(taken.PID, syscall.SIGKILL) })
	r.gone("stop", p)
	want := fmt.Sprintf("orderer1: process %d has ended, and 300ms later %s is in use by process %d (%s)", p.PID, taken.Address, taken.PID, filepath.Base(os.Args[0]))
	if err.Error() != want {
		t.Errorf("got %q, want %q", err, want)
	}
}

// Other processes may listen on the ports of a process that has ended, and are not waited for.
func TestOthersMayHaveThePort(t *testing.T) {
	r := newRig(t, filepath.Join(t.TempDir(), "net"), "sleeps")
	r.starts("orderer1")
	l, err := net.Listen("tcp", r.options.address(ordererPort))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	r.timeout = time.Hour
	if err := r.Stop("orderer1"); err != nil {
		t.Error(err)
	}
	if err := r.checkPorts(); err == nil || !strings.Contains(err.Error(), fmt.Sprintf("%s is in use by process %d (%s)", l.Addr(), os.Getpid(), filepath.Base(os.Args[0]))) {
		t.Errorf("up: %v", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
	defer cancel()
	if err := AwaitVacant(ctx, l.Addr().String()); err == nil {
		t.Error("an address that is in use is vacant")
	}
	time.AfterFunc(30*time.Millisecond, func() { l.Close() })
	if err := AwaitVacant(t.Context(), l.Addr().String()); err != nil {
		t.Error(err)
	}
}
