// Package status has the words for the state of a channel on one orderer, as clients, operators and metrics see it:
// the phase that it is in and whether it accepts envelopes ([Readiness]), why an envelope was not accepted
// ([Refusal]), and why the channel has stopped or waits ([Cause]).
//
// It only names and classifies; package session decides, package chain reports, and the
// consenter has the remedy for each word. Words do not change: operators look them up.
package status

import (
	"errors"
	"fmt"
)

// Phase is the state of a channel with respect to its log.
type Phase int

const (
	Starting Phase = iota // has not read yet
	Reading
	CutOff  // lost the log; retrying
	Pulling // the log lost records; pulls blocks from other orderers
	Waiting // the channel has no topic yet; needs answers of other orderers before it creates one
	Failed  // stopped permanently
	Halted
)

var (
	// ErrHalted is returned by calls on a chain that was halted: the channel is being removed from this orderer.
	ErrHalted = errors.New("the channel is halted on this orderer")
	// ErrFailed is wrapped by what calls on a failed chain return; an operator must act first.
	ErrFailed = errors.New("the channel has stopped on this orderer")
	// ErrNotReady is wrapped while a chain is starting or cut off from Kafka; a client may try again, or another orderer.
	ErrNotReady = errors.New("the channel is not ready on this orderer")
)

// Readiness decides whether envelopes are accepted. It is not safe for concurrent use. The zero value is
// that of a channel that has not started.
type Readiness struct {
	Phase      Phase
	RulesKnown bool  // the rules by which the topic is read are known, and the topic is known to be this channel's
	CaughtUp   bool  // has read to the end that the log had at the start
	Cause      error // of CutOff, Pulling, Waiting and Failed
}

// To moves to a phase and reports whether anything has changed. Failed and Halted are final, except that a failed chain
// can be halted.
func (r *Readiness) To(p Phase, cause error) bool {
	if r.Phase == Halted || r.Phase == Failed && p != Halted {
		return false
	}
	r.Cause = cause
	changed := r.Phase != p
	r.Phase = p
	return changed
}

// Final reports whether the channel has stopped or was halted.
func (r *Readiness) Final() bool { return r.Phase == Failed || r.Phase == Halted }

// Ready returns nil if envelopes are accepted, else why they are not.
func (r *Readiness) Ready() error {
	switch {
	case r.Phase == Halted:
		return ErrHalted
	case r.Phase == Failed:
		return fmt.Errorf("%w: %w", ErrFailed, r.Cause)
	case r.Phase == Reading && r.RulesKnown:
		return nil
	case r.Phase == Reading:
		return fmt.Errorf("%w: waiting for the description at the head of its topic", ErrNotReady)
	case r.Cause == nil:
		return fmt.Errorf("%w: waiting for its first connection to Kafka", ErrNotReady)
	}
	return fmt.Errorf("%w: %w", ErrNotReady, r.Cause)
}
