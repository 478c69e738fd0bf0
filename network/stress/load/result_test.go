package load

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestPercentiles(t *testing.T) {
	var d []time.Duration
	for i := range 100 {
		d = append(d, time.Duration(99-i))
	}
	p50, p99 := percentiles(d)
	require.Equal(t, time.Duration(50), p50)
	require.Equal(t, time.Duration(99), p99)
	p50, p99 = percentiles(nil)
	require.Zero(t, p50+p99)
}

func TestLongestGap(t *testing.T) {
	start := time.Unix(0, 0)
	at := func(s int) time.Time { return start.Add(time.Duration(s) * time.Second) }
	require.Equal(t, 7*time.Second, longestGap([]time.Time{at(12), at(0), at(3), at(5)}))
	require.Zero(t, longestGap([]time.Time{at(0)}))
}

func TestReasonsAreShownByFrequencyAndBounded(t *testing.T) {
	r := Result{Reasons: map[string]int{"often": 9}}
	for i := range 8 {
		r.Reasons[fmt.Sprint("rare", i)] = 1
	}
	text := r.String()
	require.Less(t, strings.Index(text, "often"), strings.Index(text, "rare0"))
	require.Contains(t, text, "... and 4 more reasons")
}

func TestCPUOfAProcessThatCameBackIsUnknown(t *testing.T) {
	r := Result{Acknowledged: 10, Orderers: make([]OnOrderer, 3)}
	r.cpu([]float64{0, 500, 100}, []float64{900, 20, 300})
	require.Equal(t, []OnOrderer{{}, {}, {CPU: 20}}, r.Orderers)
}

func TestCPUTimesReadsProcesses(t *testing.T) {
	for end := time.Now().Add(30 * time.Millisecond); time.Now().Before(end); { // until a tick is on the clock
	}
	used := cpuTimes([]Target{{PID: os.Getpid()}, {PID: 0}})
	require.Positive(t, used[0])
	require.Zero(t, used[1])
}
