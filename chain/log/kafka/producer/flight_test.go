package producer_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/fabric-kafka/orderer/chain/log"
	"github.com/fabric-kafka/orderer/chain/log/kafka"
	"github.com/fabric-kafka/orderer/chain/log/kafka/kafkatest"
)

// slow is how long the broker works on a batch, so that a second one leaves meanwhile.
const slow = 40 * time.Millisecond

// flight is the answers to two batches that are in flight at once.
type flight struct {
	script   []kafkatest.Answer
	unknown  bool // the broker knows nothing of the producer
	rejected bool // the first
	doubtful bool // the second, to the end
	inits    int  // requests for a producer id
}

func flights() map[string]flight {
	var (
		done    = kafkatest.Answer{Append: true}
		refused = kafkatest.Answer{Code: kafkatest.CodeNotEnoughReplicas}
		late    = kafkatest.Answer{Append: true, Code: kafkatest.CodeTimedOut}
		lost    = kafkatest.Answer{Append: true, Sever: true}
		missed  = kafkatest.Answer{Sever: true}
		large   = kafkatest.Answer{Code: kafkatest.CodeTooLarge}
		unsure  = kafkatest.Answer{Code: kafkatest.CodeNotLeader}
	)
	return map[string]flight{
		"both acknowledged":                                      {script: []kafkatest.Answer{done}},
		"both in doubt, both in the log":                         {script: []kafkatest.Answer{lost, done}},
		"both in doubt, neither in the log":                      {script: []kafkatest.Answer{missed, missed, done}},
		"both in doubt, by answers":                              {script: []kafkatest.Answer{late, late, done}},
		"the first refused, the second for lack of it":           {script: []kafkatest.Answer{refused, done}},
		"the first refused twice":                                {script: []kafkatest.Answer{refused, done, refused, done}},
		"the first refused, the second in doubt":                 {script: []kafkatest.Answer{refused, missed, done}},
		"the first in doubt, the second refused":                 {script: []kafkatest.Answer{late, refused, done}},
		"the first in doubt and not in the log":                  {script: []kafkatest.Answer{unsure, done}},
		"the first too large":                                    {script: []kafkatest.Answer{large, done}, rejected: true},
		"the first refused, the second acknowledged without it":  {script: []kafkatest.Answer{refused, done}, unknown: true, inits: 1},
		"the first refused, the second in the log without it":    {script: []kafkatest.Answer{refused, lost, done}, unknown: true, inits: 1},
		"the first refused, the second maybe not in the log":     {script: []kafkatest.Answer{refused, missed, done}, unknown: true, inits: 1},
		"the state of the producer lost":                         {script: []kafkatest.Answer{{Code: kafkatest.CodeUnknownProducer}, {Code: kafkatest.CodeUnknownProducer}, done}, inits: 1},
		"the first refused as out of order, the second in doubt": {script: []kafkatest.Answer{{Code: kafkatest.CodeOutOfOrderSequence}, missed, done}, doubtful: true, inits: 1},
	}
}

// What two batches in flight come to, at a broker that checks their sequence numbers. Where it knows nothing of the producer,
// it accepts a second batch without the first.
func TestTwoInFlight(t *testing.T) {
	t.Parallel()
	for name, test := range flights() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := kafkatest.NewHasty(t)
			l := h.Created(t, "topic", "before")
			if test.unknown {
				l = h.Open(t, "topic", log.Settings{ReplicationFactor: 1, MaxMessageBytes: 1 << 20})
				t.Cleanup(func() { _ = l.Close() })
			}
			inits := h.Fault(kafkatest.Fault{Key: kafkatest.KeyInitProducerID, Observe: true})
			h.Cluster.Script("topic", working(slow, test.script)...)
			first, second := both(t, l)
			if test.rejected {
				kafkatest.MustFail(t, "first", first, log.Rejected)
			} else {
				kafkatest.Must(t, first)
			}
			if test.doubtful {
				kafkatest.MustFail(t, "second", second, log.Ambiguous)
			} else {
				kafkatest.Must(t, second)
			}
			kafkatest.Append(t, l, "after")
			got := kafkatest.Copies(t, l)
			if got["first"] != map[bool]int{false: 1}[test.rejected] || got["second"] != map[bool]int{false: 1}[test.doubtful] || got["after"] != 1 {
				t.Errorf("the log has %v", got)
			}
			if inits.Hits() != test.inits {
				t.Errorf("%d producer ids were requested, want %d", inits.Hits(), test.inits)
			}
		})
	}
}

// working returns the answers, for each of which the broker works for a while.
func working(d time.Duration, script []kafkatest.Answer) (all []kafkatest.Answer) {
	for _, a := range script {
		a.Work = d
		all = append(all, a)
	}
	return all
}

// both appends two values in two batches, the second while the first is in flight.
func both(t *testing.T, l log.Log) (first, second error) {
	t.Helper()
	var callers sync.WaitGroup
	callers.Go(func() { first = l.Append(t.Context(), []byte("first")) })
	time.Sleep(slow / 8) // so that they do not share a batch
	callers.Go(func() { second = l.Append(t.Context(), []byte("second")) })
	callers.Wait()
	return first, second
}

// The log is closed while two batches are in flight: either may be in the log.
func TestCloseWithTwoInFlight(t *testing.T) {
	t.Parallel()
	h := kafkatest.NewHasty(t)
	l := h.Created(t, "topic", "before")
	h.Swallow()
	var callers sync.WaitGroup
	for n := range 2 {
		callers.Go(func() {
			err := l.Append(t.Context(), fmt.Append(nil, n))
			if !errors.Is(err, log.ErrClosed) || log.ClassOf(err) != log.Ambiguous {
				t.Errorf("%d: %v (class %v)", n, err, log.ClassOf(err))
			}
		})
		kafkatest.Eventually(t, "the broker has it", func() bool { return h.Info("topic").End == int64(2+n) })
	}
	kafkatest.Must(t, l.Close())
	callers.Wait()
}

// What a random script of answers does to concurrent callers: what is acknowledged is in the log once, at the offset that was
// returned, and what is certain not to be in the log is not.
func TestFlightsAtRandom(t *testing.T) {
	t.Parallel()
	answers := []kafkatest.Answer{
		{Append: true}, {Append: true}, {Append: true}, {Append: true}, {Append: true}, {Append: true},
		{Code: kafkatest.CodeNotEnoughReplicas}, {Code: kafkatest.CodeTooLarge}, {Code: kafkatest.CodeOutOfOrderSequence},
		{Code: kafkatest.CodeNotLeader}, {Append: true, Code: kafkatest.CodeNotLeader}, {Append: true, Code: kafkatest.CodeTimedOut},
		{Cut: true}, {Append: true, Cut: true}, {Sever: true}, {Append: true, Sever: true},
	}
	for seed := range uint64(8) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			random := rand.New(rand.NewPCG(seed, 0))
			var script []kafkatest.Answer
			for range 60 {
				script = append(script, answers[random.IntN(len(answers))])
			}
			h := kafkatest.NewHasty(t)
			l := h.Created(t, "topic", "before").(*kafka.Log)
			h.Cluster.Script("topic", working(4*time.Millisecond, append(script, kafkatest.Answer{Append: true}))...)
			type result struct {
				at  log.Offset
				err error
			}
			var mu sync.Mutex
			results := map[string]result{}
			var callers sync.WaitGroup
			for c := range 8 {
				callers.Go(func() {
					for n := range 20 {
						value := fmt.Sprintf("%d-%d", c, n)
						ctx, cancel := context.WithTimeout(t.Context(), map[bool]time.Duration{true: 6 * time.Millisecond, false: time.Minute}[(c+n)%5 == 0])
						at, err := l.AppendAt(ctx, []byte(value))
						cancel()
						mu.Lock()
						results[value] = result{at, err}
						mu.Unlock()
					}
				})
			}
			callers.Wait()
			h.Cluster.Script("topic")
			kafkatest.Append(t, l, "last")
			offsets := map[string][]log.Offset{}
			b, err := l.Bounds(t.Context())
			kafkatest.Must(t, err)
			r := kafkatest.Read(t, l, b.Start)
			for at := b.Start; at < b.End; at++ {
				value, err := kafkatest.Next(t, r)
				kafkatest.Must(t, err)
				offsets[value] = append(offsets[value], at)
			}
			for value, got := range results {
				switch at := offsets[value]; {
				case len(at) > 1, got.err == nil && (len(at) != 1 || got.at >= 0 && got.at != at[0]),
					got.err != nil && log.ClassOf(got.err) != log.Ambiguous && len(at) > 0:
					t.Errorf("%s: append returned %d, %v (class %v); it is in the log at %v", value, got.at, got.err, log.ClassOf(got.err), at)
				}
			}
		})
	}
}
