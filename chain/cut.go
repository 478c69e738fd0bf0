package chain

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/fabric-kafka/orderer/chain/machine"
	"github.com/fabric-kafka/orderer/chain/record"
)

// cutter posts time-to-cut records: when the batch timer of a block runs out,
// and again until the topic has it. It posts from a goroutine of its own, so
// that a slow broker does not hold up reading. The loop owns it.
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

// post waits, then appends a time-to-cut for the block until it is acknowledged.
func (c *Chain) post(ctx context.Context, number machine.BlockNumber, after time.Duration) {
	wait := backoff{least: c.opts.RetryMin, most: c.opts.RetryMax}
	for sleep(ctx, after) {
		err := c.postOnce(ctx, number)
		if err == nil {
			c.opts.Events.CutPosted(number)
			return
		}
		if ctx.Err() == nil {
			c.opts.Events.CutFailed(number, err)
		}
		after = wait.pause()
	}
}

func (c *Chain) postOnce(ctx context.Context, number machine.BlockNumber) error {
	value, err := record.Encode(record.NewTimeToCut(uint64(number)))
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, c.opts.AppendTimeout)
	defer cancel()
	return c.append(ctx, value)
}
