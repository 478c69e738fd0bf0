package consenter

import (
	"errors"
	"reflect"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hyperledger/fabric/common/metrics/disabled"

	"github.com/fabric-kafka/orderer/chain/fabric"
	"github.com/fabric-kafka/orderer/chain/log"
	"github.com/fabric-kafka/orderer/chain/machine"
)

func TestEventsAreMeasured(t *testing.T) {
	m := newMeter(t)
	e := newConsenter(t, nil, m).events(channel)
	requireValues := func(want map[string]float64) {
		t.Helper()
		for key, value := range want {
			if got, is := m.values["consensus_kafka_"+key]; !is || got != value {
				t.Fatalf("%s is %v, want %v", key, got, value)
			}
		}
	}
	requireValues(map[string]float64{"available{channel=mychannel}": 0, "failed{channel=mychannel}": 0})

	e.Recovered(time.Second)
	e.Started(7, 3)
	requireValues(map[string]float64{"available{channel=mychannel}": 1, "next_offset{channel=mychannel}": 7})

	e.Surveyed([]log.Finding{{Setting: "retention.ms", Result: log.Flawed}, {Setting: "retention.bytes", Result: log.Unknown},
		{Setting: "partitions", Result: log.Fit}, {Setting: "cleanup.policy", Result: log.Flawed},
		{Setting: "clocks", Result: log.Warned}}, nil)
	e.Surveyed(nil, errors.New("no rights")) // not known: what was known stays
	requireValues(map[string]float64{"topic_flaws{channel=mychannel}": 3})

	e.RulesKnown(0, machine.Strict)
	e.Position(20)
	e.Heartbeat()
	e.BlockCut(3, 10, machine.CutByCount, 17)
	e.BlockCut(4, 10, machine.CutByCount, 18)
	e.BlockCut(5, 1, machine.CutByConfig, 19)
	e.Skipped(8, machine.ReasonGarbage, "no type")
	e.Skipped(9, machine.ReasonConnect, "")
	e.Resubmitted(10)
	e.CutPosted(5)
	e.CutFailed(5, errors.New("no leader"))
	e.Appended(time.Millisecond, nil)
	e.Appended(10*time.Second, errors.New("no leader"))
	requireValues(map[string]float64{
		"next_offset{channel=mychannel}":                    20,
		"blocks_cut{channel=mychannel,cause=count}":         2,
		"blocks_cut{channel=mychannel,cause=config}":        1,
		"records_skipped{channel=mychannel,reason=garbage}": 1,
		"records_skipped{channel=mychannel,reason=connect}": 1,
		"configs_reproduced{channel=mychannel}":             1,
		"cuts_posted{channel=mychannel}":                    1,
		"cuts_failed{channel=mychannel}":                    1,
		"append_duration{channel=mychannel,result=ok}":      1,
		"append_duration{channel=mychannel,result=error}":   1,
	})

	e.Unavailable(errors.New("no broker"), time.Second)
	requireValues(map[string]float64{"available{channel=mychannel}": 0, "interruptions{channel=mychannel}": 1, "reconnects{channel=mychannel}": 0})
	e.Recovered(time.Second)
	e.Pulling(errors.New("the records between were deleted"))
	e.Waiting(errors.New("no orderer answers"), time.Second)
	requireValues(map[string]float64{"available{channel=mychannel}": 0, "interruptions{channel=mychannel}": 1})
	e.Recovered(time.Second)
	e.Ambiguous(errors.New("no answer"))
	requireValues(map[string]float64{"available{channel=mychannel}": 1, "reconnects{channel=mychannel}": 2, "appends_ambiguous{channel=mychannel}": 1})
	e.Failed(errors.New("another channel's topic"))
	requireValues(map[string]float64{"available{channel=mychannel}": 0, "failed{channel=mychannel}": 1})
	e.Halted()
	requireValues(map[string]float64{"available{channel=mychannel}": 0, "failed{channel=mychannel}": 0})
}

// The end of the log is the latest one seen, with a record or by a query.
func TestLagIsMeasured(t *testing.T) {
	m := newMeter(t)
	e := newConsenter(t, nil, m).events(channel)
	for _, step := range []struct {
		what           func()
		next, end, lag float64
	}{
		{func() { e.Started(7, 3) }, 7, 7, 0},
		{func() { e.Measured(20) }, 7, 20, 13},
		{func() { e.Position(8) }, 7, 20, 13}, // not for each record
		{e.Heartbeat, 8, 20, 12},
		{func() { e.Position(25); e.Heartbeat() }, 25, 25, 0},
		{func() { e.Measured(24) }, 25, 24, 0}, // truncated: the loop reports that
		{e.Heartbeat, 25, 24, 0},
		{func() { e.Position(26); e.Measured(30) }, 26, 30, 4},
		{func() { e.Position(27); e.Failed(errors.New("no right")) }, 27, 30, 3},
	} {
		step.what()
		if got, want := []float64{m.values["consensus_kafka_next_offset{channel=mychannel}"],
			m.values["consensus_kafka_log_end{channel=mychannel}"], m.values["consensus_kafka_lag{channel=mychannel}"]}, []float64{step.next, step.end, step.lag}; !reflect.DeepEqual(got, want) {
			t.Fatalf("got %v, want %v", got, want)
		}
	}
}

func TestTimeSinceARecordAdvances(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMeter(t)
		c := &Consenter{metrics: newMetrics(m), health: newHealth(0), logger: fabric.NewLogger("test")}
		e := c.events(channel)
		since := func(want float64) {
			t.Helper()
			e.Heartbeat()
			if got, want := m.values["consensus_kafka_since_record_seconds{channel=mychannel}"], want; !reflect.DeepEqual(got, want) {
				t.Fatalf("got %v, want %v", got, want)
			}
		}
		time.Sleep(5 * time.Second)
		since(5)
		e.Position(1)
		e.Position(2)
		since(0)
		e.Unavailable(errors.New("no broker"), time.Second)
		time.Sleep(time.Minute)
		since(60)
	})
}

// Fails when a new event has no handler.
func TestEveryEventIsReported(t *testing.T) {
	for name, c := range map[string]*Consenter{
		"measured": newConsenter(t, nil, newMeter(t)),
		"disabled": newConsenter(t, nil, &disabled.Provider{}),
	} {
		events := reflect.ValueOf(c.events(channel))
		for i := range events.NumField() {
			field := events.Type().Field(i)
			if events.Field(i).IsNil() {
				t.Fatalf("%s: nothing handles %s", name, field.Name)
			}
			events.Field(i).Call(samples(field.Type, errors.New("no broker")))
		}
	}
}

// samples returns arguments for a func: zero values, and an error for each that it takes.
func samples(f reflect.Type, err error) []reflect.Value {
	var args []reflect.Value
	for in := range f.Ins() {
		arg := reflect.New(in).Elem()
		if in == reflect.TypeFor[error]() && err != nil {
			arg.Set(reflect.ValueOf(err))
		}
		args = append(args, arg)
	}
	return args
}

func TestChannelsShareMetrics(t *testing.T) {
	m := newMeter(t) // fails if a name is declared again
	c := newConsenter(t, nil, m)
	for _, id := range []string{"one", "two", "one"} { // one was removed and joined again
		c.events(id).CutPosted(1)
	}
	if got, want := m.values["consensus_kafka_cuts_posted{channel=one}"], 2.0; !reflect.DeepEqual(got, want) {
		t.Fatalf("got %v, want %v", got, want)
	}
	if got, want := m.values["consensus_kafka_cuts_posted{channel=two}"], 1.0; !reflect.DeepEqual(got, want) {
		t.Fatalf("got %v, want %v", got, want)
	}
}

func TestOrdinarySkipsAreQuiet(t *testing.T) {
	for _, r := range []machine.Reason{machine.ReasonConnect, machine.ReasonUnexpectedCut, machine.ReasonDescription} {
		if !ordinary(r) {
			t.Fatalf("%v is reported", r)
		}
	}
	for _, r := range []machine.Reason{machine.ReasonGarbage, machine.ReasonMalformed, machine.ReasonChannel,
		machine.ReasonClass, machine.ReasonSize, machine.ReasonRefused} {
		if ordinary(r) {
			t.Fatalf("%v is not reported", r)
		}
	}
}
