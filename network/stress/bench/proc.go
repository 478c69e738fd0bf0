package bench

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// usage is what a process has used since its start, and holds now. What cannot be read is 0, as on macOS.
type usage struct {
	cpu        float64 // seconds
	written    float64 // bytes sent to disks
	memory     float64 // resident bytes
	memoryPeak float64
	files      float64 // open descriptors
}

// usageOf reads the usage of a process from /proc.
func usageOf(pid int) usage {
	dir := filepath.Join("/proc", strconv.Itoa(pid))
	status := fields(filepath.Join(dir, "status"))
	const kilobyte = 1024
	u := usage{
		cpu:        cpuOf(pid),
		written:    fields(filepath.Join(dir, "io"))["write_bytes"],
		memory:     status["VmRSS"] * kilobyte,
		memoryPeak: status["VmHWM"] * kilobyte,
	}
	if open, err := os.ReadDir(filepath.Join(dir, "fd")); err == nil {
		u.files = float64(len(open))
	}
	return u
}

// cpuOf returns how many seconds of processor time processes have used.
func cpuOf(pids ...int) (sum float64) {
	for _, pid := range pids {
		sum += cpuOfOne(pid)
	}
	return sum
}

func cpuOfOne(pid int) float64 {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(text), ") ")
	parts := strings.Fields(rest)
	const user, system, ticks = 11, 12, 100 // proc(5); a tick is 10 ms
	if len(parts) <= system {
		return 0
	}
	u, _ := strconv.ParseFloat(parts[user], 64)
	s, _ := strconv.ParseFloat(parts[system], 64)
	return (u + s) / ticks
}

// fields reads a file of lines such as "VmRSS:  120 kB".
func fields(file string) map[string]float64 {
	all := map[string]float64{}
	text, err := os.ReadFile(file)
	if err != nil {
		return all
	}
	for line := range strings.Lines(string(text)) {
		key, value, _ := strings.Cut(line, ":")
		if parts := strings.Fields(value); len(parts) > 0 {
			if n, err := strconv.ParseFloat(parts[0], 64); err == nil {
				all[key] = n
			}
		}
	}
	return all
}

// total adds up the usage of several processes; memory and files are those of the largest.
func total(pids []int) (sum usage) {
	for _, pid := range pids {
		u := usageOf(pid)
		sum.cpu += u.cpu
		sum.written += u.written
		sum.memory = max(sum.memory, u.memory)
		sum.memoryPeak = max(sum.memoryPeak, u.memoryPeak)
		sum.files = max(sum.files, u.files)
	}
	return sum
}
