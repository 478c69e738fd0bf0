package bench

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/fabric-kafka/orderer/network/stress/load"
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
		sum += load.CPUTime(pid).Seconds()
	}
	return sum
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
