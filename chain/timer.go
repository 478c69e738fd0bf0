package chain

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/fabric-kafka/orderer/chain/machine"
	"github.com/fabric-kafka/orderer/chain/session"
)

// timer is the batch timer. Once it expires, a goroutine of its own posts a time-to-cut
// record, so that a slow broker does not delay reading. The loop owns it.
type timer struct {
	chain  *Chain
	began  time.Time
	block  machine.BlockNumber // armed last
	stop   context.CancelFunc  // ends its poster; nil before the first
	posted chan struct{}       // closed when its poster has ended
}

func newTimer(c *Chain) *timer { return &timer{chain: c, began: time.Now()} }

// Uptime returns the time since the timer was created.
func (t *timer) Uptime() time.Duration { return time.Since(t.began) }

// Arm starts the timer for a block, instead of any other. A timer that runs for the block
// already keeps its deadline; one whose record was acknowledged starts again, in case that
// record is lost. Jitter keeps the orderers from posting together: the first record cuts
// for all.
func (t *timer) Arm(number machine.BlockNumber) {
	if t.runs(number) {
		return
	}
	t.Disarm()
	after := jittered(t.chain.support.SharedConfig().BatchTimeout(), t.chain.opts.CutJitter)
	ctx, stop := context.WithCancel(t.chain.life)
	t.stop = stop
	posted := make(chan struct{})
	t.block, t.posted = number, posted
	t.chain.work.Go(func() {
		defer close(posted)
		t.post(ctx, number, after)
	})
}

// runs reports whether the timer, or the poster after it, runs for a block.
func (t *timer) runs(number machine.BlockNumber) bool {
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

// Disarm stops the timer. A post in flight may still reach the topic, where it
// changes nothing.
func (t *timer) Disarm() {
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
func (t *timer) post(ctx context.Context, number machine.BlockNumber, after time.Duration) {
	p := session.Poster{
		Block:  number,
		Wait:   session.Backoff{Min: t.chain.opts.RetryMin, Max: t.chain.opts.RetryMax},
		Events: t.chain.opts.Events,
	}
	for sleep(ctx, after) {
		done, wait := p.Try(ctx, t.append)
		if done {
			return
		}
		after = wait
	}
}

// append appends with the time limit of a client's append.
func (t *timer) append(ctx context.Context, value []byte) error {
	ctx, cancel := context.WithTimeout(ctx, t.chain.opts.AppendTimeout)
	defer cancel()
	return t.chain.connection.append(ctx, value)
}

// sleep waits, or returns false if ctx ends first.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
