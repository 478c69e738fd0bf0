package fabricnet

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// Fields of /proc/PID/stat after the name, see proc(5).
const (
	statState   = 0
	statFlags   = 6
	statThreads = 17
	statStart   = 19
)

// stat returns the fields of /proc/PID/stat after the name, or nil if there is no such
// process or only a zombie.
func stat(pid int) []string {
	text, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
	if err != nil {
		return nil
	}
	at := strings.LastIndex(string(text), ") ") // the name in parentheses may contain anything
	fields := strings.Fields(string(text[at+1:]))
	if at < 0 || len(fields) <= statStart || isZombie(fields[statState], fields[statThreads]) {
		return nil
	}
	return fields
}

// startTime returns when a running process was started, in ticks since boot, or "" if there
// is no such process.
func startTime(pid int) string {
	if fields := stat(pid); fields != nil {
		return fields[statStart]
	}
	return ""
}

// isZombie reports whether a process is a zombie. While other threads of it are still ending,
// it is not, since it still holds ports and locks.
func isZombie(state, threads string) bool {
	return (state == "Z" || state == "X") && (threads == "0" || threads == "1")
}

// boot returns the id of the kernel's boot.
func boot() string {
	text, _ := os.ReadFile("/proc/sys/kernel/random/boot_id") // if unreadable, pid and start time have to suffice
	return strings.TrimSpace(string(text))
}

// environ returns the environment that a process was started with, or nil if it may not be
// read. During exec a process has neither environment nor arguments for a moment, so an
// empty environment is read again, three times if there are arguments.
func environ(pid int) []string {
	for tries := 50; tries > 0; tries-- {
		if text := written(pid, "environ"); text != "" {
			return strings.Split(text, "\x00")
		}
		if fields := stat(pid); fields == nil || isKernelThread(fields[statFlags]) {
			return nil
		}
		if written(pid, "cmdline") != "" {
			tries = min(tries, 3)
		}
		time.Sleep(time.Millisecond)
	}
	return nil
}

// written returns the content of a file of /proc/PID, or "" if it may not be read.
func written(pid int, what string) string {
	text, _ := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), what)) // fails if the process is gone or belongs to another user
	return string(text)
}

// isKernelThread reports whether a process is a kernel thread.
func isKernelThread(flags string) bool {
	const kthread = 0x00200000 // PF_KTHREAD
	n, err := strconv.ParseUint(flags, 10, 64)
	return err == nil && n&kthread != 0
}

// pids returns the pids of all processes.
func pids() (all []int, err error) {
	entries, err := os.ReadDir("/proc")
	for _, e := range entries {
		if pid, err := strconv.Atoi(e.Name()); err == nil {
			all = append(all, pid)
		}
	}
	return all, err
}

// listener returns the pid of the process that listens on a port, or 0 if there is none or it
// may not be inspected.
func listener(port string) int {
	number, err := strconv.Atoi(port)
	if err != nil {
		return 0
	}
	for _, table := range []string{"tcp", "tcp6"} {
		text, _ := os.ReadFile(filepath.Join("/proc/net", table)) // if unreadable, no listener is found
		for line := range strings.Lines(string(text)) {
			const local, state, inode, listens = 1, 3, 9, "0A"
			f := strings.Fields(line)
			if len(f) > inode && f[state] == listens && strings.HasSuffix(f[local], fmt.Sprintf(":%04X", number)) {
				return holder("socket:[" + f[inode] + "]")
			}
		}
	}
	return 0
}

// holder returns the pid of a process that has a file open, by the kernel's name for it, or 0.
func holder(file string) int {
	all, _ := filepath.Glob("/proc/[0-9]*/fd/*") // the pattern is valid
	for _, path := range all {
		if name, err := os.Readlink(path); err == nil && name == file {
			pid, _ := strconv.Atoi(strings.Split(path, "/")[2]) // digits, by the pattern
			return pid
		}
	}
	return 0
}

// program returns the name of a process's program, or "?" if it may not be read.
func program(pid int) string {
	return cmp.Or(filepath.Base(strings.Split(written(pid, "cmdline"), "\x00")[0]), "?")
}
