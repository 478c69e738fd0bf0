package load

import (
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestPercentiles(t *testing.T) {
	var d []time.Duration
	for i := range 100 {
		d = append(d, time.Duration(99-i))
	}
	p50, p99 := Percentiles(d)
	if p50 != time.Duration(50) {
		t.Fatalf("got %v, want %v", p50, time.Duration(50))
	}
	if p99 != time.Duration(99) {
		t.Fatalf("got %v, want %v", p99, time.Duration(99))
	}
	p50, p99 = Percentiles[time.Duration](nil)
	if got := p50 + p99; got != 0 {
		t.Fatalf("got %v, want 0", got)
	}
	if p50, p99 := Percentiles([]time.Duration{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}); p50 != 6 || p99 != 10 {
		t.Fatalf("p50 is %d and p99 %d, want 6 and 10", p50, p99)
	}
}

func TestLongestGap(t *testing.T) {
	start := time.Unix(0, 0)
	at := func(s int) time.Time { return start.Add(time.Duration(s) * time.Second) }
	if got := longestGap([]time.Time{at(12), at(0), at(3), at(5)}); got != 7*time.Second {
		t.Fatalf("got %v, want 7s", got)
	}
	if got := longestGap([]time.Time{at(0)}); got != 0 {
		t.Fatalf("got %v, want 0", got)
	}
}

func TestReasonsAreShownByFrequencyAndBounded(t *testing.T) {
	r := Result{Reasons: map[string]int{"often": 9}}
	for i := range 8 {
		r.Reasons[fmt.Sprint("rare", i)] = 1
	}
	text := r.String()
	if got := strings.Index(text, "often"); got >= strings.Index(text, "rare0") {
		t.Fatalf("got %v, want less than %v", got, strings.Index(text, "rare0"))
	}
	if text := "... and 4 more reasons"; !strings.Contains(text, text) {
		t.Fatalf("%q is not in %q", text, text)
	}
}

func TestCPUOfAProcessThatCameBackIsUnknown(t *testing.T) {
	r := Result{Acknowledged: 10, Orderers: make([]OnOrderer, 3)}
	r.cpu([]float64{0, 500, 100}, []float64{900, 20, 300})
	if want := []OnOrderer{{}, {}, {CPU: 20}}; !reflect.DeepEqual(r.Orderers, want) {
		t.Fatalf("r.Orderers is %v, want %v", r.Orderers, want)
	}
}

func TestCPUTimesReadsProcesses(t *testing.T) {
	for end := time.Now().Add(30 * time.Millisecond); time.Now().Before(end); { // until a tick is on the clock
	}
	used := cpuTimes([]Target{{PID: os.Getpid()}, {PID: 0}})
	if used[0] <= 0 {
		t.Fatalf("got %v, want more than 0", used[0])
	}
	if used[1] != 0 {
		t.Fatalf("got %v, want 0", used[1])
	}
}
