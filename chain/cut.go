package chain

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/fabric-kafka/orderer/chain/engine"
	"github.com/fabric-kafka/orderer/chain/machine"
)

// cutter runs the batch timer: once it is out, a goroutine of its own posts a
// time-to-cut record, so that a slow broker does not hold up reading. The loop
// owns it.
type cutter struct {
	chain *Chain
	stop  context.CancelFunc // ends the poster of the block armed last; nil before the first
}

func newCutter(c *Chain) *cutter { return &cutter{chain: c} }

// arm starts the timer for a block, in the place of any other. Jitter keeps the
// orderers from posting together: the first post cuts for all.
func (t *cutter) arm(ctx context.Context, number machine.BlockNumber) {
	t.cancel()
	after := jittered(t.chain.support.SharedConfig().BatchTimeout(), t.chain.opts.CutJitter)
	ctx, t.stop = context.WithCancel(ctx)
	t.chain.work.Go(func() { t.chain.post(ctx, number, after) })
}

// cancel stops the timer. A post in flight may still reach the topic, where it
// changes nothing.
func (t *cutter) cancel() {
	if t.stop != nil {
		t.stop()
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
	p := engine.Poster{
		Block:  number,
		Wait:   engine.Backoff{Least: c.opts.RetryMin, Most: c.opts.RetryMax},
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
