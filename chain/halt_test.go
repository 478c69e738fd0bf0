package chain

import (
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hyperledger/fabric/orderer/common/types"

	"github.com/fabric-kafka/orderer/chain/record"
	"github.com/fabric-kafka/orderer/chain/status"
)

// failing runs a chain on a topic that contradicts it.
func failing(t *testing.T, says string, prepare func(r *rig, l *ledger)) {
	inBubble(t, func(r *rig) {
		l := newLedger()
		prepare(r, l)
		c := r.chain(l)
		c.Start()
		settle()
		r.reports(c, types.StatusFailed)
		if !closed(c.Errored()) {
			r.Error("readers wait for blocks that never come")
		}
		for _, err := range []error{c.WaitReady(), c.Order(envelope("x"), 0)} {
			if !errors.Is(err, status.ErrFailed) || !strings.Contains(err.Error(), says) {
				r.Errorf("got %v, want it to say %q", err, says)
			}
		}
	})
}

func TestContradictingTopics(t *testing.T) {
	other, err := record.EncodeDescription(&record.Description{FormatVersion: 1, RuleSet: record.RuleSet_RULE_SET_STRICT, ChannelId: "other"})
	if err != nil {
		t.Fatal(err)
	}
	connect := func(payload []byte) []byte {
		b, err := record.Encode(record.NewConnect(payload))
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	history := func(r *rig, l *ledger) { // a ledger of two blocks
		c := r.started(l)
		r.order(c, "a", "b", "c", "d")
		settle()
		c.Halt()
	}
	for says, prepare := range map[string]func(*rig, *ledger){
		`names channel "other"`: func(r *rig, _ *ledger) { r.broker.Write(channel, connect(other)) },
		"has no description":    func(r *rig, _ *ledger) { r.broker.Write(channel, connect(nil)) },
		"has 2 partitions":      func(r *rig, _ *ledger) { r.broker.Make(channel, 2) },
		"starts at offset 6": func(r *rig, l *ledger) {
			history(r, l)
			r.broker.Write(channel, nil, nil)
			r.broker.Trim(channel, 6)
			*l = *l.UpTo(2)
		},
		"is not the one that the channel was built on": func(r *rig, l *ledger) {
			history(r, l)
			r.broker.Recreate(channel)
		},
		"ends at offset 2": func(r *rig, l *ledger) {
			history(r, l)
			r.broker.CutTail(channel, 2)
		},
		"was deleted": func(r *rig, l *ledger) {
			history(r, l)
			r.broker.Delete(channel)
		},
		"is not the log that the ledger was made from": func(r *rig, l *ledger) {
			history(r, l)
			r.broker.CutTail(channel, 3)
			r.broker.Write(channel, nil, nil, nil, nil)
		},
		"the records from offset 4 on hold 0 of the 1": func(r *rig, l *ledger) {
			history(r, l)
			l.SetMetadata([]byte{0x08, 0x06}) // as in-tree orderers write it
			r.broker.CutTail(channel, 3)
			r.broker.Write(channel, nil, nil, nil, nil)
		},
		"of another consensus type": func(r *rig, l *ledger) {
			history(r, l)
			l.SetMetadata(nil)
		},
	} {
		t.Run(says, func(t *testing.T) { failing(t, says, prepare) })
	}
}

func TestLedgersThatCannotBeContinued(t *testing.T) {
	inBubble(t, func(r *rig) {
		l := newLedger()
		c := r.started(l)
		r.order(c, "a", "b", "c")
		settle()
		for says, metadata := range map[string][]byte{
			"decode block metadata":     {0xff},
			"which this build does not": {0x08, 0x05, 0x80, 0x01, 0x63},
		} {
			bad := New(l, metadata, Options{})
			bad.Start()
			if err := bad.WaitReady(); !errors.Is(err, status.ErrFailed) || !strings.Contains(err.Error(), says) {
				r.Errorf("got %v, want it to say %q", err, says)
			}
			bad.Halt()
		}
	})
}

func TestHalt(t *testing.T) {
	for name, prepare := range map[string]func(*rig, *Chain){
		"before start":  func(*rig, *Chain) {},
		"at once":       func(_ *rig, c *Chain) { c.Start() },
		"while reading": func(_ *rig, c *Chain) { c.Start(); settle() },
		"in an outage":  func(r *rig, c *Chain) { c.Start(); settle(); r.broker.Stop(); settle() },
		"never online":  func(r *rig, c *Chain) { r.broker.Stop(); c.Start(); settle() },
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(r *rig) {
				c := r.chain(newLedger())
				prepare(r, c)
				var both sync.WaitGroup
				both.Go(c.Halt)
				both.Go(c.Halt)
				both.Wait()
				c.Halt()
				c.Start()
				r.reports(c, types.StatusInactive)
				if err := c.Order(envelope("x"), 0); !errors.Is(err, status.ErrHalted) {
					r.Errorf("order: %v", err)
				}
				if err := c.WaitReady(); !errors.Is(err, status.ErrHalted) {
					r.Errorf("ready: %v", err)
				}
				r.broker.Resume()
				ops := r.broker.Ops()
				settle()
				if now := r.broker.Ops(); now != ops {
					r.Errorf("%d operations after Halt", now-ops)
				}
			})
		})
	}
}

// The registrar removes the ledger when Halt returns: no commit may be in flight.
func TestHaltAwaitsTheLastCommit(t *testing.T) {
	inBubble(t, func(r *rig) {
		l := newLedger()
		c := r.started(l)
		stalled := make(chan struct{})
		l.Stall(stalled)
		r.order(c, "a", "b", "c")
		synctest.Wait()
		time.AfterFunc(time.Hour, func() { close(stalled) })
		began := time.Now()
		c.Halt()
		if took := time.Since(began); took < time.Hour {
			r.Errorf("halted after %s, with the commit in flight", took)
		}
		r.holds(l, "a b c @3")
	})
}
