package session_test

import (
	"testing"

	"github.com/fabric-kafka/orderer/chain/session"
	"github.com/fabric-kafka/orderer/chain/status"
)

// The first session describes the topic, and what is ordered after that gets into blocks, whichever session reads it.
func TestReadsFromSessionToSession(t *testing.T) {
	r := newRig(t)
	r.reads()
	if r.phase != status.Reading || r.driver.NextOffset() != 1 {
		t.Fatalf("phase %d, next offset %d", r.phase, r.driver.NextOffset())
	}
	r.orders("a", "b", "c")
	r.reads()
	r.orders("d")
	r.reads()
	r.holds("a b; c d")
	if r.driver.Behind() {
		t.Error("there is more in the log than was read")
	}
}

// A process that restarts continues after its last block.
func TestContinuesAfterTheLastBlock(t *testing.T) {
	r := newRig(t)
	r.reads()
	r.orders("a", "b", "c")
	r.reads()
	r.restart()
	if next := r.driver.NextOffset(); next != 3 {
		t.Errorf("it continues at offset %d", next)
	}
	r.orders("d")
	r.reads()
	r.holds("a b; c d")
}

// The reader is kept when the wait is over: what it is about to return may have taken a long time.
func TestWaitEndsWithoutAnError(t *testing.T) {
	r := newRig(t)
	r.reads()
	if outcome, err := r.driver.Advance(t.Context(), r.over()); outcome != session.Due || err != nil {
		t.Errorf("outcome %d, error %v", outcome, err)
	}
	if err := r.check(); err != nil {
		t.Error(err)
	}
	r.orders("a", "b")
	if outcome, err := r.advance(t.Context()); outcome != session.Continue || err != nil {
		t.Errorf("outcome %d, error %v", outcome, err)
	}
	r.holds("a b")
}

// A config block may name other brokers: the session ends, and no error is reported.
func TestAnotherLogIsAnOutcome(t *testing.T) {
	r := newRig(t)
	r.reads()
	r.configures("k", 0)
	r.otherLog = true
	if outcome, err := r.read(); outcome != session.Reconnect || err != nil {
		t.Errorf("outcome %d, error %v", outcome, err)
	}
	r.holds("config")
}
