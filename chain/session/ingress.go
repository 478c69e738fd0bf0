package session

import (
	"errors"
	"fmt"

	"github.com/fabric-kafka/orderer/chain/fabric"
	"github.com/fabric-kafka/orderer/chain/log"
	"github.com/fabric-kafka/orderer/chain/machine"
	"github.com/fabric-kafka/orderer/chain/record"
)

// Value returns the record of an envelope that Broadcast accepted at config sequence seq.
// It refuses what Broadcast accepts and the strict rules skip: an envelope that peers do
// not get past.
func Value(envelope *fabric.Envelope, seq uint64, class machine.Class) ([]byte, error) {
	payload, err := fabric.Marshal(envelope)
	if err != nil {
		return nil, fmt.Errorf("encode envelope: %w", err)
	}
	if e := record.EnvelopeOf(payload); e.HeaderFlaw+e.SignerFlaw != "" {
		return nil, Refused{RefusalNoPeer, fmt.Errorf("the envelope is not ordered, since no peer would take a block with it: %s", e.HeaderFlaw+e.SignerFlaw)}
	}
	return regular(payload, seq, record.Regular_Class(class), 0)
}

// regular returns a record that carries a serialized envelope; original is the offset
// of the record that it copies, 0 for none.
func regular(envelope []byte, seq uint64, class record.Regular_Class, original machine.Offset) ([]byte, error) {
	m := record.NewRegular(envelope, seq, class)
	m.GetRegular().OriginalOffset = int64(original)
	return encode(m)
}

// encode marks a record as one of ours: a topic without records of in-tree orderers can be
// moved to the strict rules.
func encode(m *record.Message) ([]byte, error) {
	m.Writer = record.Writer
	return record.Encode(m)
}

// AppendError returns what a client is answered when its record was appended with err:
// nil, which is SUCCESS, only once all in-sync replicas have the record.
func AppendError(err error) error {
	if err == nil {
		return nil
	}
	switch log.ClassOf(err) {
	case log.Rejected:
		return Refused{RefusalSize, fmt.Errorf("the channel's topic does not take the envelope: %w", err)}
	case log.Ambiguous:
		return Refused{RefusalAmbiguous, fmt.Errorf("%w: the envelope may or may not be ordered: %w", ErrNotReady, err)}
	}
	return Refused{RefusalNotAppended, fmt.Errorf("%w: the envelope is not ordered: %w", ErrNotReady, err)}
}

// Phase is the state of a channel with respect to its log.
type Phase int

const (
	Starting Phase = iota // has not read yet
	Reading
	CutOff  // lost the log; retrying
	Pulling // the log lost records; takes blocks from other orderers
	Waiting // the channel has no topic yet; needs answers of other orderers before it makes one
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

// Readiness is what decides whether envelopes are taken. It is not safe for
// concurrent use. The zero value is that of a channel that has not started.
type Readiness struct {
	Phase      Phase
	RulesKnown bool  // it is known by which rules the topic is read, and that it is ours
	CaughtUp   bool  // has read to the end that the log had at the start
	Cause      error // of CutOff, Pulling, Waiting and Failed
}

// To moves to another phase and reports whether it is another. Failed and Halted
// are final, but for a failed chain that is halted.
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

// Ready returns nil if envelopes are taken, else why they are not.
func (r *Readiness) Ready() error {
	switch {
	case r.Phase == Halted:
		return ErrHalted
	case r.Phase == Failed:
		return fmt.Errorf("%w: %w", ErrFailed, r.Cause)
	case r.Phase == Reading && r.RulesKnown:
		return nil
	case r.Phase == Reading:
		return fmt.Errorf("%w: awaiting the description at the head of its topic", ErrNotReady)
	case r.Cause == nil:
		return fmt.Errorf("%w: awaiting its first connection to Kafka", ErrNotReady)
	}
	return fmt.Errorf("%w: %w", ErrNotReady, r.Cause)
}
