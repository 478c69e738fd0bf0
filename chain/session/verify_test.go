package session_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/fabric-kafka/orderer/chain/log/memlog"
	"github.com/fabric-kafka/orderer/chain/session"
)

// An unclean election leaves the topic with its id and its length, and other records.
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

// An election that lost nothing that was read changes nothing.
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
