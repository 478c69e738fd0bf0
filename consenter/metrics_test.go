package consenter

import (
	"errors"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/fabric-kafka/orderer/chain/checktest"
	"github.com/fabric-kafka/orderer/chain/log"
	"github.com/fabric-kafka/orderer/chain/log/kafka/conn"
)

func TestStatsdNamesDistinguishSeries(t *testing.T) {
	m := newMeter(t)
	newConsenter(t, nil, m)
	for name, labels := range m.declared {
		for _, label := range labels {
			if got, part := m.statsd[name], "%{"+label+"}"; !strings.Contains(got, part) {
				t.Fatalf("%v: %q has no %q", name, got, part)
			}
		}
	}
}

var metricLine = regexp.MustCompile("(?m)^\\| `(consensus_kafka_[a-z_]+)` \\| ([a-z]+) \\| ([a-z, ]*?) ?\\| [^|]+ \\| [^|]+ \\|$")

// The table has exactly the registered metrics, each with its type, labels, unit and meaning.
func TestTableHasTheRegisteredMetrics(t *testing.T) {
	text, err := os.ReadFile("METRICS.md")
	checktest.Must(t, err)
	m := newMeter(t)
	newConsenter(t, nil, m)
	var registered, listed []string
	for name, labels := range m.declared {
		registered = append(registered, name+" "+m.kinds[name]+" "+strings.Join(labels, ", "))
	}
	for _, line := range metricLine.FindAllStringSubmatch(string(text), -1) {
		listed = append(listed, strings.Join(line[1:], " "))
	}
	if got := listed; len(got) != strings.Count(string(text), "\n| `") {
		t.Fatalf("a row of the table is malformed: got %v, want %d of them", got, strings.Count(string(text), "\n| `"))
	}
	if slices.Sort(registered); !slices.Equal(registered, slices.Sorted(slices.Values(listed))) {
		t.Errorf("the table has %q, want %q", listed, registered)
	}
}

// Fails when a metric is in the list and nothing sets it.
func TestEveryMetricIsSet(t *testing.T) {
	m := newMeter(t)
	c := newConsenter(t, nil, m)
	events := reflect.ValueOf(c.events(channel))
	for i := range events.NumField() {
		for _, err := range []error{nil, errors.New("no broker")} {
			events.Field(i).Call(samples(events.Type().Field(i).Type, err))
		}
	}
	c.events(channel).Compared(log.Comparison{Forks: []log.Fork{forkWith("two")}}, nil)
	c.brokerWaits(channel).waiting(conn.Wait{Broker: "a:9092", Operation: "Fetch"})
	set := map[string]bool{}
	for key := range m.values {
		name, _, _ := strings.Cut(key, "{")
		set[name] = true
	}
	for name := range m.declared {
		if name != "consensus_kafka_client_certificate_expiry_seconds" { // there is no certificate
			if !set[name] {
				t.Errorf("nothing sets %s", name)
			}
		}
	}
}

// A field of the list that register does not know would be a metric that nobody sees.
func TestUnknownKindsOfMetricsAreRefused(t *testing.T) {
	defer func() {
		if got := recover(); got != "metric odd is of an unknown kind: *int" {
			t.Errorf("it panics with %v", got)
		}
	}()
	register(newMeter(t), &struct {
		Odd int `metric:"odd"`
	}{})
}
