package fabricnet

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// process is one process of the network as state.json remembers it.
type process struct {
	PID   int    `json:"pid"`
	Start string `json:"start"` // the kernel's start time: tells it from a later process of the same number
}

// command is how a process is started.
type command struct {
	program string
	args    []string
	env     []string
	dir     string
	log     string
	prepare func() error // to be done before it is started; may be nil
}

// launch starts a process that outlives the caller, in a session of its own.
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
	p.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := p.Start(); err != nil {
		return process{}, err
	}
	pid := p.Process.Pid
	start := startTime(pid)
	go func() { _ = p.Wait() }() // reaps it if it ends while the caller lives
	return process{PID: pid, Start: start}, nil
}

// alive says whether the process still runs.
func (p process) alive() bool {
	return p.PID > 0 && p.Start != "" && startTime(p.PID) == p.Start
}

// startTime reads when a running process was started; empty if there is none, or only its remains.
func startTime(pid int) string {
	text, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
	if err != nil {
		return ""
	}
	_, rest, found := strings.Cut(string(text), ") ") // the name before it may hold anything
	fields := strings.Fields(rest)
	const state, start = 0, 19 // fields 3 and 22 of proc(5)
	if !found || len(fields) <= start || fields[state] == "Z" {
		return ""
	}
	return fields[start]
}

// stopPatience is how long a process may take to end by itself.
const stopPatience = 20 * time.Second

// end signals the process and waits until it is gone.
func (p process) end(signal syscall.Signal) error {
	if !p.alive() {
		return nil
	}
	if err := syscall.Kill(p.PID, signal); err != nil && !errors.Is(err, syscall.ESRCH) {
		return err
	}
	deadline := time.Now().Add(stopPatience)
	for p.alive() {
		if time.Now().After(deadline) {
			return fmt.Errorf("process %d is still there %v after signal %v", p.PID, stopPatience, signal)
		}
		time.Sleep(10 * time.Millisecond)
	}
	return nil
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
