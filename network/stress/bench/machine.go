package bench

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/fabric-kafka/orderer/network/stress/load"
)

// Machine is where a run took place, and how busy that was.
type Machine struct {
	Cores  int       `json:"cores"`
	CPU    string    `json:"cpu"`
	Memory float64   `json:"memory"` // bytes
	Kernel string    `json:"kernel"`
	Load   string    `json:"load"`  // load averages over 1, 5 and 15 minutes
	Fsync  []float64 `json:"fsync"` // p50 and p99 of writing 4 KB to the disk of the ledgers, in milliseconds
	Time   time.Time `json:"time"`
}

// describeMachine looks at this machine; dir is on the disk of the ledgers.
func describeMachine(dir string) (Machine, error) {
	m := Machine{Cores: runtime.NumCPU(), CPU: cpuModel(), Memory: fields("/proc/meminfo")["MemTotal"] * 1024, Time: time.Now().UTC()}
	m.Kernel = firstWords("/proc/version", 3)
	m.Load = loadAverage()
	var err error
	m.Fsync, err = probe(dir)
	return m, err
}

func loadAverage() string { return firstWords("/proc/loadavg", 3) }

func firstWords(file string, n int) string {
	text, err := os.ReadFile(file)
	if err != nil {
		return "unknown"
	}
	words := strings.Fields(string(text))
	return strings.Join(words[:min(n, len(words))], " ")
}

func cpuModel() string {
	text, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return runtime.GOARCH
	}
	for line := range strings.Lines(string(text)) {
		if key, value, _ := strings.Cut(line, ":"); strings.TrimSpace(key) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return runtime.GOARCH
}

// probe writes 4 KB two hundred times, each time down to the disk.
func probe(dir string) (p []float64, err error) {
	f, err := os.CreateTemp(dir, "fsync")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close(), os.Remove(f.Name())) }()
	block := make([]byte, 4096)
	var took []float64
	for range 200 {
		began := time.Now()
		if _, err := f.Write(block); err != nil {
			return nil, err
		}
		if err := f.Sync(); err != nil {
			return nil, fmt.Errorf("probe the disk of %s: %w", filepath.Dir(f.Name()), err)
		}
		took = append(took, float64(time.Since(began).Microseconds())/1000)
	}
	p50, p99 := load.Percentiles(took)
	return []float64{p50, p99}, nil
}
