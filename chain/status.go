package chain

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/hyperledger/fabric/orderer/common/types"
)

// phase is where a chain stands with its log.
type phase int

const (
	starting phase = iota // never read yet
	reading
	cutOff // lost the log; trying
	failed // stopped for good
	halted
)

var (
	// ErrHalted is returned by calls on a chain that was halted: the channel is being removed from this orderer.
	ErrHalted = errors.New("the channel is halted on this orderer")
	// ErrFailed is wrapped by what calls on a failed chain return; an operator must act first.
	ErrFailed = errors.New("the channel has stopped on this orderer")
	// ErrMigrated is wrapped beside ErrFailed once a config block has given the channel another consensus type.
	ErrMigrated = errors.New("the channel has another consensus type")
	// ErrNotReady is wrapped while a chain is starting or cut off from Kafka; a client may try again, or another orderer.
	ErrNotReady = errors.New("the channel is not ready on this orderer")
)

// status is what clients and operators may know of a chain, at any moment and
// without waiting for its loop. It is safe for concurrent use.
type status struct {
	grace time.Duration

	mu        sync.Mutex
	phase     phase
	described bool  // the topic is known to be ours
	caughtUp  bool  // has once read to the end that the log had at the start
	cause     error // of cutOff and failed
	since     time.Time
	errored   chan struct{}
	closed    bool          // errored is closed
	alarm     *time.Timer   // closes errored when the grace is over
	changed   chan struct{} // closed and replaced at every change
}

func newStatus(grace time.Duration) *status {
	return &status{grace: grace, errored: make(chan struct{}), changed: make(chan struct{}), since: time.Now()}
}

// to moves to another phase, unless the present one is final. It returns how
// long the phase before lasted, and false if nothing changed.
func (s *status) to(p phase, cause error) (time.Duration, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.phase == halted || s.phase == failed && p != halted {
		return 0, false
	}
	s.cause = cause
	if s.phase == p {
		return 0, false
	}
	lasted := time.Since(s.since)
	s.phase, s.since = p, time.Now()
	s.signal()
	s.wake()
	return lasted, true
}

// signal keeps errored as the phase demands: open while reading, closed once
// stopped, closed when the grace is over in between.
func (s *status) signal() {
	switch s.phase {
	case reading:
		s.disarm()
		if s.closed {
			s.errored, s.closed = make(chan struct{}), false
		}
	case starting, cutOff:
		if s.alarm == nil {
			s.alarm = time.AfterFunc(s.grace, s.overdue)
		}
	case failed, halted:
		s.disarm()
		s.shut()
	}
}

func (s *status) disarm() {
	if s.alarm != nil {
		s.alarm.Stop()
		s.alarm = nil
	}
}

func (s *status) shut() {
	if !s.closed {
		close(s.errored)
		s.closed = true
	}
}

func (s *status) overdue() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.phase == starting || s.phase == cutOff {
		s.shut()
	}
}

func (s *status) wake() {
	close(s.changed)
	s.changed = make(chan struct{})
}

// begin starts the grace of a chain that was just started.
func (s *status) begin() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.since = time.Now()
	s.signal()
}

func (s *status) setDescribed() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.described = true
	s.wake()
}

func (s *status) setCaughtUp() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.caughtUp = true
}

// ready returns nil if envelopes are taken. Otherwise it says why not, whether
// that can change, and what to wait on.
func (s *status) ready() (changed <-chan struct{}, final bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.phase == halted:
		return nil, true, ErrHalted
	case s.phase == failed:
		return nil, true, fmt.Errorf("%w: %w", ErrFailed, s.cause)
	case s.phase == reading && s.described:
		return nil, false, nil
	case s.phase == reading:
		return s.changed, false, fmt.Errorf("%w: awaiting the description at the head of its topic", ErrNotReady)
	case s.cause == nil:
		return s.changed, false, fmt.Errorf("%w: awaiting its first connection to Kafka", ErrNotReady)
	}
	return s.changed, false, fmt.Errorf("%w: %w (for %s now)", ErrNotReady, s.cause, time.Since(s.since).Round(time.Millisecond))
}

// await waits until envelopes are taken, until they never will be, or until ctx ends.
func (s *status) await(ctx context.Context) error {
	for {
		changed, final, err := s.ready()
		if err == nil || final {
			return err
		}
		select {
		case <-changed:
		case <-ctx.Done():
			_, _, err = s.ready()
			return err
		}
	}
}

// final says whether the chain has stopped or was halted.
func (s *status) final() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.phase == failed || s.phase == halted
}

func (s *status) erroredChannel() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.errored
}

// report is the status in the terms of the channel participation API.
func (s *status) report() types.Status {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.phase == failed && !errors.Is(s.cause, ErrMigrated):
		return types.StatusFailed
	case s.phase == failed:
		return types.StatusInactive
	case s.phase == halted, s.phase == cutOff:
		return types.StatusInactive
	case s.caughtUp && s.described:
		return types.StatusActive
	}
	return types.StatusOnBoarding
}
