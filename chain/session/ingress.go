package session

import (
	"fmt"

	"github.com/fabric-kafka/orderer/chain/fabric"
	"github.com/fabric-kafka/orderer/chain/machine"
	"github.com/fabric-kafka/orderer/chain/record"
	"github.com/fabric-kafka/orderer/chain/status"
)

// Value returns the record for an envelope that Broadcast accepted at config sequence seq. It refuses what Broadcast
// accepts and the strict rules skip: envelopes that would make peers refuse the block.
func Value(envelope *fabric.Envelope, seq uint64, class machine.Class) ([]byte, error) {
	value, serialized := record.EncodeEnvelope(envelope, seq, record.Regular_Class(class))
	if flaw := record.PeerFlaw(serialized); flaw != "" {
		return nil, status.Refused{Refusal: status.RefusalNoPeer, Err: fmt.Errorf("the envelope is not ordered, since no peer would take a block with it: %s", flaw)}
	}
	return value, nil
}

// regular returns a record that carries a serialized envelope; original is the offset
// of the record that it copies, 0 for none.
func regular(envelope []byte, seq uint64, class record.Regular_Class, original machine.Offset) ([]byte, error) {
	m := record.NewRegular(envelope, seq, class)
	m.GetRegular().OriginalOffset = int64(original)
	return encode(m)
}

// encode marks a record as one of ours: a topic that in-tree orderers no longer write to can be
// upgraded to the strict rules.
func encode(m *record.Message) ([]byte, error) {
	m.Writer = record.Writer
	return record.Encode(m)
}
