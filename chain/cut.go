package chain

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/fabric-kafka/orderer/chain/machine"
	"github.com/fabric-kafka/orderer/chain/session"
)

// cutter runs the batch timer: once it is out, a goroutine of its own posts a
// time-to-cut record, so that a slow broker does not hold up reading. The loop
// owns it.
type cutter struct {
	chain  *Chain
	block  machine.BlockNumber // armed last
	stop   context.CancelFunc  // ends its poster; nil before the first
	posted chan struct{}       // closed when its poster has ended
}

func newCutter(c *Chain) *cutter { return &cutter{chain: c} }

// arm starts the timer for a block, instead of any other. One that runs for it
// already keeps its deadline; one whose record was acknowledged starts again, in
// case that record is lost. Jitter keeps the orderers from posting together: the
// first post cuts for all.
func (t *cutter) arm(ctx context.Context, number machine.BlockNumber) {
	if t.runs(number) {
		return
	}
	t.cancel()
	after := jittered(t.chain.support.SharedConfig().BatchTimeout(), t.chain.opts.CutJitter)
	ctx, t.stop = context.WithCancel(ctx)
	posted := make(chan struct{})
	t.block, t.posted = number, posted
	t.chain.work.Go(func() {
		defer close(posted)
		t.chain.post(ctx, number, after)
	})
}

// runs reports whether the timer, or the poster after it, runs for a block.
func (t *cutter) runs(number machine.BlockNumber) bool {
	if t.stop == nil || t.block != number {
		return false
	}
	select {
	case <-t.posted:
		return false
	default:
		return true
	}
}

// cancel stops the timer. A post in flight may still reach the topic, where it
// changes nothing.
func (t *cutter) cancel() {
	if t.stop != nil {
		t.stop()
		t.stop = nil
	}
}

func jittered(d time.Duration, jitter float64) time.Duration {
	if jitter <= 0 {
		return d
	}
	return time.Duration(float64(d) * (1 + jitter*rand.Float64()))
}

// post waits, then posts until the topic has the time-to-cut.
func (c *Chain) post(ctx context.Context, number machine.BlockNumber, after time.Duration) {
	p := session.Poster{
		Block:  number,
		Wait:   session.Backoff{Least: c.opts.RetryMin, Most: c.opts.RetryMax},
		Events: c.opts.Events,
	}
	for sleep(ctx, after) {
		done, wait := p.Try(ctx, c.appendTimed)
		if done {
			return
		}
		after = wait
	}
}

// appendTimed appends with the time limit of a client's append.
func (c *Chain) appendTimed(ctx context.Context, value []byte) error {
	ctx, cancel := context.WithTimeout(ctx, c.opts.AppendTimeout)
	defer cancel()
	return c.append(ctx, value)
}
