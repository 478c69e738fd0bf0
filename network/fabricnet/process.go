package fabricnet

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// process is a process of the network as recorded in state.json. The zero value is
// one that is being started.
type process struct {
	PID   int    `json:"pid"`
	Start string `json:"start"`          // its start time by the kernel: distinguishes it from a later process with the same pid
	Boot  string `json:"boot,omitempty"` // id of the kernel's boot, on systems where Start is relative to it
}

// command describes how a process is started.
type command struct {
	name    string
	program string
	args    []string
	env     []string
	dir     string // folder of the network
	log     string
	prepare func() error // called before the start; may be nil
}

// launch starts a process that outlives the caller, in a session of its own. Its
// environment identifies its network, see marked.
func launch(c command) (process, error) {
	if err := os.MkdirAll(filepath.Dir(c.log), 0o755); err != nil {
		return process{}, err
	}
	out, err := os.OpenFile(c.log, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return process{}, err
	}
	defer out.Close()
	p := exec.Command(c.program, c.args...)
	p.Dir, p.Stdout, p.Stderr = c.dir, out, out
	p.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME"), "TMPDIR=" + os.TempDir()}, c.env...)
	p.Env = append(p.Env, folderMark+c.dir, nameMark+c.name)
	p.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := p.Start(); err != nil {
		return process{}, err
	}
	started := processOf(p.Process.Pid)
	go func() { _ = p.Wait() }() // reaps it if it ends while the caller lives
	return started, nil
}

// processOf returns the process that currently has a pid.
func processOf(pid int) process { return process{PID: pid, Start: startTime(pid), Boot: boot()} }

// alive reports whether the process still runs.
func (p process) alive() bool {
	return p.PID > 0 && p.Start != "" && startTime(p.PID) == p.Start && (p.Boot == "" || p.Boot == boot())
}

// stopTimeout is how long a process may take to end after a signal.
const stopTimeout = 20 * time.Second

// send signals this process and no later one with its pid: it checks alive after taking the handle.
func (p process) send(signal syscall.Signal) error {
	handle, err := os.FindProcess(p.PID)
	if err != nil {
		return err
	}
	defer func() { _ = handle.Release() }() // a valid handle
	if !p.alive() {
		return nil
	}
	if err := handle.Signal(signal); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	return nil
}

// end signals the process and waits until it is gone. A paused process is resumed to end.
func (n *Network) end(p process, signal syscall.Signal) error {
	if !p.alive() {
		return nil
	}
	if err := errors.Join(n.send(p, signal), n.send(p, syscall.SIGCONT)); err != nil {
		return fmt.Errorf("process %d: %w", p.PID, err)
	}
	timeout := cmp.Or(n.timeout, stopTimeout)
	for deadline := time.Now().Add(timeout); p.alive(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			return fmt.Errorf("process %d still runs %v after signal %q", p.PID, timeout, signal)
		}
	}
	return nil
}

// endWhole ends a process of the network with a signal, and its children, and waits
// until its ports are free.
func (n *Network) endWhole(name string, signal syscall.Signal) error {
	p := n.processes[name]
	if err := n.end(p, signal); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if err := n.endMarked(func(m mark) bool { return m.name == name }); err != nil {
		return err
	}
	return n.released(name, p)
}

// tail returns the last lines of a log file, for an error message.
func tail(file string, lines int) string {
	text, err := os.ReadFile(file)
	if err != nil {
		return err.Error()
	}
	all := strings.Split(strings.TrimRight(string(text), "\n"), "\n")
	return strings.Join(all[max(0, len(all)-lines):], "\n")
}
