package fabricnet

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// startTime returns when a running process was started, or "" if there is no such process or
// only a zombie.
func startTime(pid int) string {
	const zombie = 5 // SZOMB of sys/proc.h
	k, err := unix.SysctlKinfoProc("kern.proc.pid", pid)
	if err != nil || int(k.Proc.P_pid) != pid || k.Proc.P_stat == zombie {
		return ""
	}
	return fmt.Sprintf("%d.%06d", k.Proc.P_starttime.Sec, k.Proc.P_starttime.Usec)
}

// boot returns "": start times are absolute.
func boot() string { return "" }

// environ returns the environment that a process was started with, or nil if it may not be read.
func environ(pid int) []string {
	raw, err := unix.SysctlRaw("kern.procargs2", pid)
	if err != nil {
		return nil
	}
	return environmentIn(raw)
}

// pids returns the pids of all processes.
func pids() (all []int, err error) {
	processes, err := unix.SysctlKinfoProcSlice("kern.proc.all")
	for _, k := range processes {
		all = append(all, int(k.Proc.P_pid))
	}
	return all, err
}

// listener returns 0: it is not implemented on macOS.
func listener(string) int { return 0 }

// program returns the name of a process's program, or "?" if it may not be read.
func program(pid int) string {
	k, err := unix.SysctlKinfoProc("kern.proc.pid", pid)
	if err != nil {
		return "?"
	}
	return unix.ByteSliceToString(k.Proc.P_comm[:])
}
