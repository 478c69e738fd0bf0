package session_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/fabric-kafka/orderer/chain/log/memlog"
	"github.com/fabric-kafka/orderer/chain/machine"
	"github.com/fabric-kafka/orderer/chain/session"
)

// After an unclean election the topic may have the same id and length, and other records.
func TestReplacedRecordsStopTheChannel(t *testing.T) {
	for name, restart := range map[string]bool{"in the same process": false, "after a restart": true} {
		t.Run(name, func(t *testing.T) {
			r := reading(t)
			r.broker.CutTail(channelID, 2)
			r.orders("x", "y")
			if restart {
				r.restart()
			}
			r.ends(session.Stop, "is not the log that the ledger was made from")
			r.holds("a b")
		})
	}
}

// An election that lost nothing that was read has no effect.
func TestAnotherLeaderIsVerified(t *testing.T) {
	r := reading(t)
	r.broker.Elect(channelID)
	r.orders("c", "d")
	r.reads()
	r.holds("a b; c d")
}

// What was verified before a connection broke is not read again by the next session.
func TestVerificationContinues(t *testing.T) {
	r := newRig(t)
	r.reads()
	for n := range 10 {
		r.orders(fmt.Sprint("a", n), fmt.Sprint("b", n))
	}
	r.reads()
	r.restart()
	r.orders("y", "z")
	before, calls, failures := r.broker.Read().Records, 0, 0
	r.broker.SetFault(func(op, _ string, _ int) *memlog.Failure {
		if op != "next" {
			return nil
		}
		if calls++; calls%5 != 0 {
			return nil
		}
		failures++
		return &memlog.Failure{Err: errors.New("connection reset")}
	})
	for {
		_, err := r.read()
		if err == nil {
			break
		}
		if got := r.driver.After(err); got != session.Retry || failures == 20 {
			t.Fatalf("outcome %d after %d failures: %v", got, failures, err)
		}
	}
	if read := r.broker.Read().Records - before; failures < 3 || read > 23+2*failures {
		t.Errorf("%d records were read through %d failures", read, failures)
	}
}

// The record that a block was cut for is compared like those that are in it: here the
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

// Records that have been deleted since cannot be compared; that is reported.
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
