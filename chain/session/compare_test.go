package session_test

import (
	"testing"

	"github.com/fabric-kafka/orderer/chain/machine"
	"github.com/fabric-kafka/orderer/chain/session"
)

// The record that a block was cut for is as much a part of it as those in it: here the
// config record, which flushes what is pending.
func TestTheRecordThatABlockWasCutForIsCompared(t *testing.T) {
	r := newRig(t)
	r.reads()
	r.orders("a")
	r.configures("k", 0)
	r.reads()
	r.holds("a; config")
	r.blocks = r.blocks[:2] // the process ended between the two blocks
	r.seq = 0
	r.broker.CutTail(channelID, 2)
	r.configures("other", 0)
	r.restart()
	r.ends(session.Stop, "is not the log that the ledger was made from", "for which that block was cut")
}

// Records that were deleted since cannot be compared, which is reported.
func TestDeletedRecordsAreReported(t *testing.T) {
	r := newRig(t)
	unchecked := 0
	r.events.LastRecordUnchecked = func(machine.Offset) { unchecked++ }
	r.restart()
	r.reads()
	r.orders("a", "b")
	r.reads()
	r.orders("c", "d")
	r.broker.Trim(channelID, 3)
	r.restart()
	r.reads()
	r.holds("a b; c d")
	if unchecked != 1 {
		t.Errorf("reported %d times", unchecked)
	}
}
