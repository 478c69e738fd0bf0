package chain

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fabric-kafka/orderer/chain/log"
	"github.com/fabric-kafka/orderer/chain/log/memlog"
)

// The disk of an orderer stalls, and its loop with it. What others order meanwhile is measured nevertheless: that is
// when an operator needs to know.
func TestLagIsSeenWhileTheLoopIsStuck(t *testing.T) {
	inBubble(t, func(r *rig) {
		l := newLedger()
		c := r.chain(l)
		var beats, end atomic.Int64
		c.opts.Events.Heartbeat = func() { beats.Add(1) }
		c.opts.Events.Measured = func(at log.Offset) { end.Store(int64(at)) }
		c.Start()
		if err := c.WaitReady(); err != nil {
			r.Fatal(err)
		}
		moving := make(chan struct{})
		l.Stall(moving)
		other := r.started(newLedger())
		for range 4 {
			r.order(other, "a", "b", "c")
		}
		beats.Store(0)
		settle()
		if got := beats.Load(); got < 55 {
			r.Errorf("%d beats in a minute", got)
		}
		bounds, err := r.broker.Open(channel, log.Settings{}).Bounds(t.Context())
		if err != nil || end.Load() != int64(bounds.End) || l.Height() > 2 {
			r.Errorf("the end was seen at %d, it is at %d (%v); the ledger has %d blocks", end.Load(), bounds.End, err, l.Height())
		}
		close(moving)
		settle()
		r.equalLedgers(l, other.support.(*ledger))
	})
}

// boundsCounted is a log that counts how often it is asked where it ends.
type boundsCounted struct {
	log.Log
	asked *atomic.Int64
}

func (b boundsCounted) Bounds(ctx context.Context) (log.Bounds, error) {
	b.asked.Add(1)
	return b.Log.Bounds(ctx)
}

// A check of the loop measures the end of the topic: nothing else asks for it while checks are in time.
func TestTheEndIsMeasuredOnce(t *testing.T) {
	inBubble(t, func(r *rig) {
		c := r.chain(newLedger())
		var asked, measured atomic.Int64
		event := c.opts.Events.Measured
		c.opts.Events.Measured = func(end log.Offset) { measured.Add(1); event(end) }
		r.through(c, func(l log.Log) log.Log { return boundsCounted{l, &asked} })
		c.Start()
		settle()
		asked.Store(0)
		measured.Store(0)
		time.Sleep(10 * DefaultCheckInterval)
		if a, m := asked.Load(), measured.Load(); a < 9 || a > 11 || m != a {
			r.Errorf("asked %d times and measured %d times in ten intervals", a, m)
		}
		c.Halt()
	})
}

// Every append whose outcome is not known is reported, and only those.
func TestAmbiguousAppendsAreReported(t *testing.T) {
	for after, want := range map[bool]int64{true: 1, false: 0} {
		inBubble(t, func(r *rig) {
			c := r.chain(newLedger())
			var reported atomic.Int64
			c.opts.Events.Ambiguous = func(error) { reported.Add(1) }
			c.Start()
			if err := c.WaitReady(); err != nil {
				r.Fatal(err)
			}
			r.broker.SetFault(func(op, _ string, _ int) *memlog.Failure {
				if op != "append" {
					return nil
				}
				return &memlog.Failure{Err: errors.New("no answer"), After: after}
			})
			err := c.Order(envelope("a"), 0)
			if err == nil || strings.Contains(err.Error(), "may or may not") != after || reported.Load() != want {
				r.Errorf("after=%v: %v; reported %d times, want %d", after, err, reported.Load(), want)
			}
			r.broker.SetFault(nil)
			time.Sleep(time.Second)
		})
	}
}
