package fabricnet

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// startTime reads when a running process was started; empty if there is none, or only its remains.
func startTime(pid int) string {
	const zombie = 5 // SZOMB of sys/proc.h
	k, err := unix.SysctlKinfoProc("kern.proc.pid", pid)
	if err != nil || int(k.Proc.P_pid) != pid || k.Proc.P_stat == zombie {
		return ""
	}
	return fmt.Sprintf("%d.%06d", k.Proc.P_starttime.Sec, k.Proc.P_starttime.Usec)
}

// boot is of no use: start times are absolute.
func boot() string { return "" }

// environ is the environment that a process was started with; none if it may not be read.
func environ(pid int) []string {
	raw, err := unix.SysctlRaw("kern.procargs2", pid)
	if err != nil {
		return nil
	}
	return environmentIn(raw)
}

// pids are those of all processes.
func pids() (all []int, err error) {
	processes, err := unix.SysctlKinfoProcSlice("kern.proc.all")
	for _, k := range processes {
		all = append(all, int(k.Proc.P_pid))
	}
	return all, err
}

// listener is not found out here.
func listener(string) int { return 0 }

// program is what a process runs; "?" if that may not be read.
func program(pid int) string {
	k, err := unix.SysctlKinfoProc("kern.proc.pid", pid)
	if err != nil {
		return "?"
	}
	return unix.ByteSliceToString(k.Proc.P_comm[:])
}
