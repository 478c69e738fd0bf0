package bench

import (
	"errors"
	"fmt"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// pin restricts every thread of a process to some cores. Threads that it starts later inherit that from the one that starts
// them; those that started meanwhile are found by looking again.
func pin(pid int, cores Cores) error {
	var set unix.CPUSet
	for _, c := range cores {
		set.Set(c)
	}
	return eachThread(pid, func(thread int) error { return unix.SchedSetaffinity(thread, &set) })
}

// pinSelf restricts this process to some cores until restore is called.
func pinSelf(cores Cores) (restore func() error, err error) {
	var before unix.CPUSet
	if err := unix.SchedGetaffinity(0, &before); err != nil {
		return nil, err
	}
	restore = func() error {
		return eachThread(os.Getpid(), func(thread int) error { return unix.SchedSetaffinity(thread, &before) })
	}
	return restore, pin(os.Getpid(), cores)
}

// eachThread calls f once for each thread of a process, until there is none that it has not been called for.
func eachThread(pid int, f func(thread int) error) error {
	done := map[int]bool{}
	for {
		entries, err := os.ReadDir(fmt.Sprintf("/proc/%d/task", pid))
		if err != nil {
			return err
		}
		found := false
		for _, e := range entries {
			thread, err := strconv.Atoi(e.Name())
			if err != nil || done[thread] {
				continue
			}
			done[thread], found = true, true
			if err := f(thread); err != nil && !errors.Is(err, unix.ESRCH) { // it has ended
				return fmt.Errorf("pin thread %d of process %d: %w; choose cores that this machine has", thread, pid, err)
			}
		}
		if !found {
			return nil
		}
	}
}

// selfCPU returns how many seconds of processor time this process has used.
func selfCPU() float64 {
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return float64(u.Utime.Nano()+u.Stime.Nano()) / 1e9
}
