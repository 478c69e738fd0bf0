package session

import (
	"context"
	"fmt"

	"github.com/fabric-kafka/orderer/chain/fabric"
	"github.com/fabric-kafka/orderer/chain/log"
	"github.com/fabric-kafka/orderer/chain/machine"
	"github.com/fabric-kafka/orderer/chain/record"
)

// Value is the record of an envelope that Broadcast accepted at config sequence seq.
// Broadcast may accept one that the strict rules skip, since peers would not come past
// a block with it; the client is told so here.
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

// regular is a record that carries a serialized envelope; original is the offset
// of the record that it copies, 0 for none.
func regular(envelope []byte, seq uint64, class record.Regular_Class, original machine.Offset) ([]byte, error) {
	m := record.NewRegular(envelope, seq, class)
	m.GetRegular().OriginalOffset = int64(original)
	return encode(m)
}

// encode marks a record as one of ours: see `network upgrade-rules`.
func encode(m *record.Message) ([]byte, error) {
	m.Writer = record.Writer
	return record.Encode(m)
}

// Submit appends a client's record. It returns nil, which the client is told as
// SUCCESS, only once all in-sync replicas have it. Any number of goroutines may
// call it.
func Submit(ctx context.Context, value []byte, append func(context.Context, []byte) error) error {
	err := append(ctx, value)
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
