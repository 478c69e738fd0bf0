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

// Fields of /proc/PID/stat behind the name, see proc(5).
const (
	statState   = 0
	statFlags   = 6
	statThreads = 17
	statStart   = 19
)

// stat reads what the kernel says of a process; nil if there is none, or only its remains.
func stat(pid int) []string {
	text, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
	if err != nil {
		return nil
	}
	at := strings.LastIndex(string(text), ") ") // the name before it may hold anything
	fields := strings.Fields(string(text[at+1:]))
	if at < 0 || len(fields) <= statStart || remains(fields[statState], fields[statThreads]) {
		return nil
	}
	return fields
}

// startTime reads when a running process was started, in ticks since the kernel's start;
// empty if there is none.
func startTime(pid int) string {
	if fields := stat(pid); fields != nil {
		return fields[statStart]
	}
	return ""
}

// remains reports whether a process has ended, and nobody has taken note of it yet. While
// other threads of it are still ending, it holds ports and locks.
func remains(state, threads string) bool {
	return (state == "Z" || state == "X") && (threads == "0" || threads == "1")
}

// boot identifies the kernel's start.
func boot() string {
	text, _ := os.ReadFile("/proc/sys/kernel/random/boot_id") // without, a pid and its start time must do
	return strings.TrimSpace(string(text))
}

// environ is the environment that a process was started with; none if it may not be read.
// A process that is about to become another program has none for a moment, and no
// arguments either: one with arguments and no environment is looked at three times.
func environ(pid int) []string {
	for tries := 50; tries > 0; tries-- {
		if text := written(pid, "environ"); text != "" {
			return strings.Split(text, "\x00")
		}
		if fields := stat(pid); fields == nil || kernels(fields[statFlags]) {
			return nil
		}
		if written(pid, "cmdline") != "" {
			tries = min(tries, 3)
		}
		time.Sleep(time.Millisecond)
	}
	return nil
}

// written reads what a process was started with; empty if it may not be read.
func written(pid int, what string) string {
	text, _ := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), what)) // of a process that is gone, or somebody else's
	return string(text)
}

// kernels reports whether a process is a thread of the kernel's.
func kernels(flags string) bool {
	const kthread = 0x00200000 // PF_KTHREAD
	n, err := strconv.ParseUint(flags, 10, 64)
	return err == nil && n&kthread != 0
}

// pids are those of all processes.
func pids() (all []int, err error) {
	entries, err := os.ReadDir("/proc")
	for _, e := range entries {
		if pid, err := strconv.Atoi(e.Name()); err == nil {
			all = append(all, pid)
		}
	}
	return all, err
}

// listener is the process that listens at a port of the loopback interface; 0 if there is none, or
// it may not be looked at.
func listener(port string) int {
	number, err := strconv.Atoi(port)
	if err != nil {
		return 0
	}
	for _, table := range []string{"tcp", "tcp6"} {
		text, _ := os.ReadFile(filepath.Join("/proc/net", table)) // without, nobody is found
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

// holder is a process that has a file open, by the name that the kernel gives it; 0 if none is found.
func holder(file string) int {
	all, _ := filepath.Glob("/proc/[0-9]*/fd/*") // the pattern is well formed
	for _, path := range all {
		if name, err := os.Readlink(path); err == nil && name == file {
			pid, _ := strconv.Atoi(strings.Split(path, "/")[2]) // digits, by the pattern
			return pid
		}
	}
	return 0
}

// program is what a process runs; "?" if that may not be read.
func program(pid int) string {
	return cmp.Or(filepath.Base(strings.Split(written(pid, "cmdline"), "\x00")[0]), "?")
}
