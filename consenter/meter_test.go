package consenter

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/fabric-kafka/orderer/chain/fabric"
)

// meter is a metrics provider that keeps all values, and is as strict as prometheus: a name
// can be registered once, labels must be exactly the declared ones.
type meter struct {
	t  *testing.T
	mu sync.Mutex

	declared map[string][]string // labels by name
	kinds    map[string]string   // counter, gauge or histogram, by name
	statsd   map[string]string   // format by name
	values   map[string]float64  // by name{label=value,...}; of a histogram: how many
}

func newMeter(t *testing.T) *meter {
	return &meter{t: t, declared: map[string][]string{}, kinds: map[string]string{}, statsd: map[string]string{}, values: map[string]float64{}}
}

var namePattern = regexp.MustCompile(`^[a-z][a-z_]*$`)

func (m *meter) declare(kind, namespace, subsystem, name, help, statsd string, labels []string) series {
	full := strings.Join([]string{namespace, subsystem, name}, "_")
	if !namePattern.MatchString(full) {
		m.t.Fatalf("the name %q", full)
	}
	if _, twice := m.declared[full]; twice {
		m.t.Fatalf("%s is declared twice", full)
	}
	if !strings.HasSuffix(help, ".") {
		m.t.Fatalf("help of %s is not a sentence", full)
	}
	m.kinds[full], m.declared[full], m.statsd[full] = kind, labels, statsd
	return series{meter: m, name: full}
}

func (m *meter) NewCounter(o fabric.CounterOpts) fabric.Counter {
	return counterSeries{m.declare("counter", o.Namespace, o.Subsystem, o.Name, o.Help, o.StatsdFormat, o.LabelNames)}
}

func (m *meter) NewGauge(o fabric.GaugeOpts) fabric.Gauge {
	return gaugeSeries{m.declare("gauge", o.Namespace, o.Subsystem, o.Name, o.Help, o.StatsdFormat, o.LabelNames)}
}

func (m *meter) NewHistogram(o fabric.HistogramOpts) fabric.Histogram {
	return histogramSeries{m.declare("histogram", o.Namespace, o.Subsystem, o.Name, o.Help, o.StatsdFormat, o.LabelNames)}
}

// series is one metric with the label values that it is bound to so far.
type series struct {
	*meter
	name   string
	labels []string // name, value, ...
}

func (s series) with(labels []string) series {
	s.labels = append(slices.Clone(s.labels), labels...)
	return s
}

func (s series) update(f func(old float64) float64) {
	given := map[string]string{}
	for pair := range slices.Chunk(s.labels, 2) {
		given[pair[0]] = pair[1]
	}
	names := s.declared[s.name]
	if got := slices.Sorted(maps.Keys(given)); !slices.Equal(got, slices.Sorted(slices.Values(names))) {
		s.t.Fatalf("labels of %s: got %q, want %q", s.name, got, names)
	}
	pairs := make([]string, len(names))
	for i, n := range names {
		pairs[i] = n + "=" + given[n]
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	key := fmt.Sprintf("%s{%s}", s.name, strings.Join(pairs, ","))
	s.values[key] = f(s.values[key])
}

type (
	counterSeries   struct{ series }
	gaugeSeries     struct{ series }
	histogramSeries struct{ series }
)

func (c counterSeries) With(labels ...string) fabric.Counter { return counterSeries{c.with(labels)} }
func (g gaugeSeries) With(labels ...string) fabric.Gauge     { return gaugeSeries{g.with(labels)} }
func (h histogramSeries) With(labels ...string) fabric.Histogram {
	return histogramSeries{h.with(labels)}
}

func (c counterSeries) Add(d float64) { c.update(func(v float64) float64 { return v + d }) }
func (g gaugeSeries) Add(d float64)   { g.update(func(v float64) float64 { return v + d }) }
func (g gaugeSeries) Set(to float64)  { g.update(func(float64) float64 { return to }) }
func (h histogramSeries) Observe(v float64) {
	if v >= 100.0 {
		h.t.Fatalf("not in seconds: got %v, want less than 100.0", v)
	}
	h.update(func(n float64) float64 { return n + 1 })
}
