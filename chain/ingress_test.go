package chain

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/fabric-kafka/orderer/chain/ingress"
	"github.com/fabric-kafka/orderer/chain/log"
	"github.com/fabric-kafka/orderer/chain/status"
)

// scripted is a log whose appends all have the same outcome, after a call of before.
type scripted struct {
	log.Log
	err    error
	before func()
}

func (s scripted) Append(context.Context, []byte) error {
	s.before()
	return s.err
}

func (s scripted) Close() error { return nil }

// Whatever the outcome of an append, and whatever happened to the channel meanwhile: a client learns that its
// envelope is not ordered if, and only if, that is certain.
func TestClientsAreAnsweredWhatIsCertain(t *testing.T) {
	typed := func(c log.Class, err error) error { return &log.Error{Class: c, Op: "append", Err: err} }
	cause := errors.New("some cause")
	for _, outcome := range []struct {
		err       error
		ambiguous bool
	}{
		{typed(log.Retryable, cause), false},
		{typed(log.Fatal, cause), false},
		{typed(log.Retryable, context.DeadlineExceeded), false},
		{log.ErrClosed, false},
		{fmt.Errorf("append: %w", log.ErrClosed), false},
		{context.Canceled, false},
		{typed(log.Ambiguous, cause), true},
		{typed(log.Ambiguous, log.ErrClosed), true},
		{typed(log.Ambiguous, context.DeadlineExceeded), true},
	} {
		for name, meanwhile := range map[string]func(*Chain){
			"running": func(*Chain) {},
			"halted":  func(c *Chain) { c.end() },
			"failed":  func(c *Chain) { c.fail(errors.New("an operator is needed")) },
		} {
			c := New(newLedger(), newLedger().Metadata(), Options{})
			reported := 0
			c.opts.Events.Ambiguous = func(error) { reported++ }
			c.connection.replace(&openLog{Log: scripted{err: outcome.err, before: func() { meanwhile(c) }}})
			_, err := c.appendSlotted(nil)
			c.end()
			is, maybe := strings.Contains(err.Error(), "the envelope is not ordered"), strings.Contains(err.Error(), "the envelope may or may not be ordered")
			if is == maybe || maybe != outcome.ambiguous || (reported == 1) != outcome.ambiguous {
				t.Errorf("%v on a chain that is %s: %v; %d ambiguous appends were reported", outcome.err, name, err, reported)
			}
		}
	}
}

// Broadcast accepts envelopes that would make peers refuse the block; they are refused before anything waits.
func TestOrderRefusesWhatPeersDoNotAccept(t *testing.T) {
	c := New(newLedger(), newLedger().Metadata(), Options{})
	e := envelope("x")
	e.Signature = nil
	err := c.Order(e, 0)
	if status.RefusalOf(err) != status.RefusalNoPeer || !strings.Contains(err.Error(), "the envelope is not ordered, since no peer would take a block with it: no signature") {
		t.Error(err)
	}
}

// A ledger that does not keep up has clients wait, and then refuses envelopes, before many are acknowledged and in no
// block. A config is ordered nevertheless.
func TestOrderWaitsForBlocks(t *testing.T) {
	inBubble(t, func(r *rig) {
		l := newLedger()
		c := r.started(l)
		settle()
		stalled := make(chan struct{})
		l.Stall(stalled)
		orders, err := 0, error(nil)
		for ; err == nil && orders < 1000; orders++ {
			err = c.Order(envelope("x"), 0)
		}
		if status.RefusalOf(err) != status.RefusalBusy || !errors.Is(err, status.ErrNotReady) ||
			!strings.Contains(err.Error(), "waiting for up to 512 earlier envelopes to be written to blocks; this one is not ordered") {
			r.Errorf("order %d: %v", orders, err)
		}
		if orders < 512 || orders > 530 {
			r.Errorf("%d envelopes were acknowledged, want 512 and those of two blocks", orders-1)
		}
		if err := c.Configure(configEnvelope("k", 0, 1), 0); err != nil {
			r.Error(err)
		}
		waiting := make(chan error, 1)
		go func() { waiting <- c.Order(envelope("y"), 0) }()
		synctest.Wait()
		close(stalled)
		if err := <-waiting; err != nil {
			r.Errorf("the ledger has caught up: %v", err)
		}
		c.Halt()
	})
}

// What an election has lost does not keep clients out.
func TestOrderAfterLostRecords(t *testing.T) {
	inBubble(t, func(r *rig) {
		l := newLedger()
		c := r.started(l)
		r.order(c, "a", "b", "c")
		settle()
		at, err := c.connection.appendAt(t.Context(), nil)
		if err != nil || at != 4 {
			r.Fatalf("it is at offset %d, %v", at, err)
		}
		for range 512 {
			if err := c.backlog.Enter(t.Context(), 0, 1, ingress.LimitOf(1, 1)); err != nil {
				r.Fatal(err)
			}
			c.backlog.Appended(1000, 1) // of a leader that has been replaced
		}
		r.broker.Elect(channel)
		settle()
		r.order(c, "d", "e", "f")
		settle()
		r.holds(l, "a b c @3; d e f @7")
		c.Halt()
	})
}

// BenchmarkOrder measures what Order costs an orderer beside the log, with 64 clients.
func BenchmarkOrder(b *testing.B) {
	c := New(newLedger(), newLedger().Metadata(), Options{})
	defer c.end()
	c.status.is = status.Readiness{Phase: status.Reading, RulesKnown: true}
	c.connection.replace(&openLog{Log: scripted{before: func() {}}})
	e := envelope(strings.Repeat("x", 2000))
	b.SetParallelism(32)
	b.ReportAllocs()
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if err := c.Order(e, 0); err != nil {
				b.Error(err)
				return
			}
		}
	})
}
