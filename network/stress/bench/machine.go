package bench

import (
	"errors"
	"fmt"
	"os"
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
	Load   string    `json:"load"`   // load averages over 1, 5 and 15 minutes
	Fsync  []float64 `json:"fsync"`  // p50 and p99 of writing 4 KB to the disk of the ledgers, in milliseconds
	Cached []float64 `json:"cached"` // p50 and p99 of writing 1 MB to the page cache, in milliseconds
	Time   time.Time `json:"time"`
}

// describeMachine looks at this machine; dir is on the disk of the ledgers.
func describeMachine(dir string) (Machine, error) {
	m := Machine{Cores: runtime.NumCPU(), CPU: cpuModel(), Memory: fields("/proc/meminfo")["MemTotal"] * 1024, Time: time.Now().UTC()}
	m.Kernel = firstWords("/proc/version", 3)
	m.Load = loadAverage()
	var slow, fast error
	m.Fsync, slow = probe(dir, 200, 4<<10, (*os.File).Sync)
	m.Cached, fast = probe(dir, 512, 1<<20, func(*os.File) error { return nil }) // a host takes a while to lend so much memory
	return m, errors.Join(slow, fast)
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

// probe writes size bytes n times, each time followed by sync, and returns p50 and p99 of the time that took.
func probe(dir string, n, size int, sync func(*os.File) error) (p []float64, err error) {
	f, err := os.CreateTemp(dir, "probe")
	if err != nil {
		return nil, err
	}
	defer func() {
		err = errors.Join(err, f.Close(), os.Remove(f.Name()))
		if err != nil {
			err = fmt.Errorf("probe the disk of %s: %w", dir, err)
		}
	}()
	block := make([]byte, size)
	var took []float64
	for range n {
		began := time.Now()
		if _, err := f.Write(block); err != nil {
			return nil, err
		}
		if err := sync(f); err != nil {
			return nil, err
		}
		took = append(took, float64(time.Since(began).Microseconds())/1000)
	}
	p50, p99 := load.Percentiles(took)
	return []float64{p50, p99}, nil
}
