package matrix

import (
	"sync"
	"time"

	"github.com/fabric-kafka/orderer/chain/machine"
	"github.com/fabric-kafka/orderer/chain/session"
)

// seen keeps the events that a chain has reported.
type seen struct {
	mu          sync.Mutex
	unchecked   []machine.Offset
	partitions  []int
	skipped     []skip
	unavailable []error
	recovered   int
	cutFailed   int
	cutPosted   int
	failed      []error
}

type skip struct {
	at     machine.Offset
	reason machine.Reason
	detail string
}

func (s *seen) events() session.Events {
	locked := func(f func()) {
		s.mu.Lock()
		defer s.mu.Unlock()
		f()
	}
	return session.Events{
		LastRecordUnchecked: func(at machine.Offset) { locked(func() { s.unchecked = append(s.unchecked, at) }) },
		Partitions:          func(n int) { locked(func() { s.partitions = append(s.partitions, n) }) },
		Skipped: func(at machine.Offset, r machine.Reason, detail string) {
			locked(func() { s.skipped = append(s.skipped, skip{at, r, detail}) })
		},
		Unavailable: func(err error, _ time.Duration) { locked(func() { s.unavailable = append(s.unavailable, err) }) },
		Recovered:   func(time.Duration) { locked(func() { s.recovered++ }) },
		CutPosted:   func(machine.BlockNumber) { locked(func() { s.cutPosted++ }) },
		CutFailed:   func(machine.BlockNumber, error) { locked(func() { s.cutFailed++ }) },
		Failed:      func(err error) { locked(func() { s.failed = append(s.failed, err) }) },
	}
}

// now returns a copy of the events so far.
func (s *seen) now() *seen {
	s.mu.Lock()
	defer s.mu.Unlock()
	return &seen{
		unchecked:   append([]machine.Offset(nil), s.unchecked...),
		partitions:  append([]int(nil), s.partitions...),
		skipped:     append([]skip(nil), s.skipped...),
		unavailable: append([]error(nil), s.unavailable...),
		recovered:   s.recovered,
		cutFailed:   s.cutFailed,
		cutPosted:   s.cutPosted,
		failed:      append([]error(nil), s.failed...),
	}
}

// forget drops the skipped records.
func (s *seen) forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.skipped = nil
}
