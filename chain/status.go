package chain

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/hyperledger/fabric/orderer/common/types"

	"github.com/fabric-kafka/orderer/chain/session"
	"github.com/fabric-kafka/orderer/chain/status"
)

// channelStatus is what clients and operators see of a chain, without waiting for its loop. It is
// safe for concurrent use.
type channelStatus struct {
	opts  *Options
	grace time.Duration

	mu      sync.Mutex
	is      status.Readiness
	since   time.Time // of the phase
	errored chan struct{}
	closed  bool          // errored is closed
	alarm   *time.Timer   // closes errored when the grace period is over
	changed chan struct{} // closed and replaced at every change
}

func newStatus(opts *Options) *channelStatus {
	return &channelStatus{opts: opts, grace: opts.DeliverGrace, errored: make(chan struct{}), changed: make(chan struct{}), since: time.Now()}
}

// Moved moves to another phase, and reports it.
func (s *channelStatus) Moved(to status.Phase, cause error) {
	cause = s.opts.Explain(cause)
	after, changed := s.to(to, cause)
	switch {
	case !changed:
	case to == status.Reading:
		s.opts.Events.Recovered(after)
	case to == status.Pulling:
		s.opts.Events.Pulling(cause)
	}
}

// to moves to another phase, unless the current one is final. It returns how
// long the phase before lasted, and false if nothing changed.
func (s *channelStatus) to(p status.Phase, cause error) (time.Duration, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.is.To(p, cause) {
		return 0, false
	}
	lasted := time.Since(s.since)
	s.since = time.Now()
	s.signal()
	s.wake()
	return lasted, true
}

// signal keeps errored as the phase requires: open while reading, closed once stopped, and
// otherwise closed when the grace period is over.
func (s *channelStatus) signal() {
	switch s.is.Phase {
	case status.Reading:
		s.disarm()
		if s.closed {
			s.errored, s.closed = make(chan struct{}), false
		}
	case status.Starting, status.CutOff, status.Pulling, status.Waiting:
		if s.alarm == nil {
			s.alarm = time.AfterFunc(s.grace, s.overdue)
		}
	case status.Failed, status.Halted:
		s.disarm()
		s.shut()
	}
}

func (s *channelStatus) disarm() {
	if s.alarm != nil {
		s.alarm.Stop()
		s.alarm = nil
	}
}

func (s *channelStatus) shut() {
	if !s.closed {
		close(s.errored)
		s.closed = true
	}
}

func (s *channelStatus) overdue() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.is.Final() && s.is.Phase != status.Reading {
		s.shut()
	}
}

func (s *channelStatus) wake() {
	close(s.changed)
	s.changed = make(chan struct{})
}

// begin starts the grace period of a chain that was just started.
func (s *channelStatus) begin() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.since = time.Now()
	s.signal()
}

// RulesKnown reports that the rules by which the topic is read are known.
func (s *channelStatus) RulesKnown() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.is.RulesKnown {
		s.is.RulesKnown = true
		s.wake()
	}
}

// CaughtUp reports that the chain has read to the end that the log had at first.
func (s *channelStatus) CaughtUp() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.is.CaughtUp = true
}

// ready returns nil if envelopes are accepted, and otherwise why not, whether that is final, and what to
// wait on.
func (s *channelStatus) ready() (changed <-chan struct{}, final bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	err = s.is.Ready()
	if err != nil && s.is.Phase == status.CutOff {
		err = fmt.Errorf("%w (for %s now)", err, time.Since(s.since).Round(time.Millisecond))
	}
	return s.changed, s.is.Final(), err
}

// await waits until envelopes are accepted, until they never will be, or until ctx ends.
func (s *channelStatus) await(ctx context.Context) error {
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

// final reports whether the chain has stopped or was halted, and why.
func (s *channelStatus) final() (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.is.Final(), s.is.Ready()
}

func (s *channelStatus) erroredChannel() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.errored
}

// report returns the status in terms of the channel participation API.
func (s *channelStatus) report() types.Status {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.is.Phase == status.Failed && !errors.Is(s.is.Cause, session.ErrMigrated):
		return types.StatusFailed
	case s.is.Final(), s.is.Phase == status.CutOff:
		return types.StatusInactive
	case s.is.Phase == status.Reading && s.is.CaughtUp && s.is.RulesKnown:
		return types.StatusActive
	}
	return types.StatusOnBoarding
}
