package consenter

import (
	"errors"
	"fmt"
	"reflect"
	"testing"

	"github.com/fabric-kafka/orderer/chain/log"
)

func forkWith(member string) log.Fork {
	return log.Fork{Members: [2]string{"ours", member}, Block: 3, Hashes: [2]string{"aa", "bb"}}
}

// The series of a fork stays, and is 0 once the orderers agree again or the channel is
// removed. A comparison that failed changes nothing.
func TestForksAreMeasured(t *testing.T) {
	m := newMeter(t)
	e := newConsenter(t, nil, m).events(channel)
	requireValues := func(compared, two, three float64) {
		t.Helper()
		if got, want := []float64{m.values["consensus_kafka_compared_orderers{channel=mychannel}"],
			m.values["consensus_kafka_fork{channel=mychannel,member=two}"], m.values["consensus_kafka_fork{channel=mychannel,member=three}"]}, []float64{compared, two, three}; !reflect.DeepEqual(got, want) {
			t.Fatalf("got %v, want %v", got, want)
		}
	}
	e.Compared(log.Comparison{Published: 2, Compared: 2}, nil)
	requireValues(2, 0, 0)
	if _, ok := m.values["consensus_kafka_fork{channel=mychannel,member=two}"]; ok {
		t.Fatalf("%q is in %v", "consensus_kafka_fork{channel=mychannel,member=two}", m.values)
	}
	e.Compared(log.Comparison{Published: 2, Compared: 2, Forks: []log.Fork{forkWith("two")}}, nil)
	requireValues(2, 1, 0)
	e.Compared(log.Comparison{}, errors.New("no rights"))
	requireValues(2, 1, 0)
	e.Compared(log.Comparison{Published: 1, Compared: 1, Forks: []log.Fork{forkWith("three")}}, errors.New("a broker hangs"))
	requireValues(2, 1, 1)
	e.Compared(log.Comparison{Published: 2, Compared: 1, Forks: []log.Fork{forkWith("three")}}, nil)
	requireValues(1, 0, 1)
	e.Failed(errors.New("a fork"))
	requireValues(1, 0, 1)
	e.Halted()
	requireValues(1, 0, 0)
}

// Invented group names do not create unlimited series, and do not hide forks that are
// reported already.
func TestSeriesOfForksAreBounded(t *testing.T) {
	m := newMeter(t)
	e := newConsenter(t, nil, m).events(channel)
	e.Compared(log.Comparison{Forks: []log.Fork{forkWith("two")}}, nil)
	before := len(m.values)
	for round := range 3 {
		found := log.Comparison{}
		for i := range 50 {
			found.Forks = append(found.Forks, forkWith(fmt.Sprint("made-up-", round, "-", i)))
		}
		found.Forks = append(found.Forks, forkWith("two"))
		e.Compared(found, nil)
	}
	if got := len(m.values) - before; !reflect.DeepEqual(got, maxForks) {
		t.Fatalf("got %v, want %v", got, maxForks)
	} // with the first one, and "others"
	if m.values["consensus_kafka_fork{channel=mychannel,member=two}"] != 1.0 {
		t.Fatalf("got %v, want 1.0", m.values["consensus_kafka_fork{channel=mychannel,member=two}"])
	}
	if m.values["consensus_kafka_fork{channel=mychannel,member=others}"] != 1.0 {
		t.Fatalf("got %v, want 1.0", m.values["consensus_kafka_fork{channel=mychannel,member=others}"])
	}
	e.Compared(log.Comparison{}, nil)
	if m.values["consensus_kafka_fork{channel=mychannel,member=others}"] != 0.0 {
		t.Fatalf("got %v, want 0.0", m.values["consensus_kafka_fork{channel=mychannel,member=others}"])
	}
}
