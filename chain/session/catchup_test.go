package session_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/fabric-kafka/orderer/chain/machine"
	"github.com/fabric-kafka/orderer/chain/session"
	"github.com/fabric-kafka/orderer/chain/status"
)

// behind returns a rig whose ledger ends at block 1, with a topic that has lost what comes
// next, and the blocks of an orderer that has it.
func behind(t *testing.T) (r *rig, others map[machine.BlockNumber]session.Block) {
	r = reading(t)
	r.orders("c", "d", "e", "f", "g", "h")
	r.reads()
	others = map[machine.BlockNumber]session.Block{}
	for _, b := range r.blocks[2:] {
		others[b.Number] = b
	}
	r.blocks = r.blocks[:2]
	r.broker.Trim(channelID, 7)
	r.pull = session.ErrNoBlock
	r.restart()
	return r, others
}

// caughtUp connects, and catches up as After asks.
func (r *rig) caughtUp() error {
	r.Helper()
	r.ends(session.CatchUp, "the records between were deleted")
	return r.driver.CatchUp(r.Context())
}

// Blocks are pulled until the topic has the next record, and the rest is read.
func TestCatchesUpFromOtherOrderers(t *testing.T) {
	r, others := behind(t)
	r.pulled = others
	if err := r.caughtUp(); err != nil {
		t.Fatal(err)
	}
	r.holds("a b; c d; e f")
	r.reads()
	r.holds("a b; c d; e f; g h")
}

// A block that nobody has is awaited for a while, since another orderer may be about to
// cut it; not so if the other orderers cannot be asked.
func TestABlockThatNobodyHas(t *testing.T) {
	r, others := behind(t)
	r.followed(session.Continue, r.caughtUp(), session.Await, "waiting for block 2 from another orderer")
	if r.phase != status.Pulling {
		t.Errorf("phase %d", r.phase)
	}
	r.now += r.timeout
	r.followed(session.Continue, r.caughtUp(), session.Stop, "no other orderer has the block")

	r.pulled = others
	r.restart()
	if err := r.caughtUp(); err != nil {
		t.Fatal(err)
	}
	r, _ = behind(t)
	r.pull = fmt.Errorf("%w: no TLS", session.ErrCannotAsk)
	r.followed(session.Continue, r.caughtUp(), session.Stop, "no TLS")
}

// An orderer that does not answer may have the block: the time after which its absence is final begins again.
func TestSilenceIsNoAnswer(t *testing.T) {
	r, _ := behind(t)
	r.followed(session.Continue, r.caughtUp(), session.Await)
	r.now += r.timeout / 2
	r.pull = errors.New("connection refused")
	r.followed(session.Continue, r.caughtUp(), session.Await, "connection refused")
	r.now += r.timeout
	r.pull = session.ErrNoBlock
	r.followed(session.Continue, r.caughtUp(), session.Await)
}

// While orderers are asked again, which may take seconds, clients get the reason why none gave the block before.
func TestReasonWhileAskedAgain(t *testing.T) {
	r, others := behind(t)
	r.pull = errors.New("connection refused")
	r.followed(session.Continue, r.caughtUp(), session.Await)
	r.followed(session.Continue, r.caughtUp(), session.Await)
	if r.meanwhile == nil || !strings.Contains(r.meanwhile.Error(), "connection refused") {
		t.Errorf("clients were answered %v", r.meanwhile)
	}
	r.pulled = others
	if err := r.caughtUp(); err != nil || strings.Contains(r.meanwhile.Error(), "connection refused") {
		t.Errorf("%v; after a block was given clients were answered %v", err, r.meanwhile)
	}
}

// What is pulled has to follow the ledger, and its config must be one that is known here.
func TestPulledBlocksAreChecked(t *testing.T) {
	r, others := behind(t)
	other := others[2]
	other.Metadata = r.blocks[1].Metadata
	r.pulled = map[machine.BlockNumber]session.Block{2: other}
	r.followed(session.Continue, r.caughtUp(), session.Stop, "it was not ordered through this topic")

	r, others = behind(t)
	config := others[2]
	config.Config = true
	r.pulled = map[machine.BlockNumber]session.Block{2: config}
	r.verdict = machine.Verdict{Stop: "capability V9_9"}
	r.followed(session.Continue, r.caughtUp(), session.Stop, "cannot be written by this one: capability V9_9")
	r.holds("a b")
}

// Without room on the disk no block is pulled.
func TestCatchUpWaitsForRoom(t *testing.T) {
	r, others := behind(t)
	r.pulled = others
	r.ends(session.CatchUp)
	r.room = errors.New("the disk is full")
	r.followed(session.Continue, r.driver.CatchUp(t.Context()), session.Await, "the disk is full")
	r.holds("a b")
}
