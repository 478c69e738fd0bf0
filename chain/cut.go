package chain

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/fabric-kafka/orderer/chain/machine"
	"github.com/fabric-kafka/orderer/chain/record"
)

// cutPoster runs the batch timer of the next block and posts its time-to-cut
// record. A post that fails is repeated until it is in the log, or until the
// block was cut by somebody else's. Loop only.
type cutPoster struct {
	chain  *Chain
	cancel context.CancelFunc // of the timer that runs; nil if none does
}

// arm starts the timer for a block, in place of any other.
func (p *cutPoster) arm(number machine.BlockNumber) {
	p.disarm()
	ctx, cancel := context.WithCancel(p.chain.life)
	p.cancel = cancel
	wait := p.delay(p.chain.support.SharedConfig().BatchTimeout())
	p.chain.running.Go(func() { p.chain.postCut(ctx, number, wait) })
}

func (p *cutPoster) disarm() {
	if p.cancel != nil {
		p.cancel()
		p.cancel = nil
	}
}

// delay is the batch timeout and a little more, different on each orderer: the
// first one's record spares the others theirs.
func (p *cutPoster) delay(timeout time.Duration) time.Duration {
	return timeout + time.Duration(max(0, p.chain.options.CutJitter)*rand.Float64()*float64(timeout))
}

func (c *Chain) postCut(ctx context.Context, number machine.BlockNumber, wait time.Duration) {
	value, err := record.Encode(record.NewTimeToCut(uint64(number)))
	must(err == nil, "time-to-cut record of block %d: %v", number, err)
	pause := backoff{least: c.options.RetryMin, most: c.options.RetryMax}
	for sleep(ctx, wait) {
		if err = c.appendFor(ctx, value); err == nil {
			c.events.CutPosted(number)
			return
		}
		if ctx.Err() == nil {
			c.events.CutFailed(number, err)
		}
		wait = pause.pause()
	}
}

// appendFor is one append with the append timeout.
func (c *Chain) appendFor(ctx context.Context, value []byte) error {
	ctx, cancel := context.WithTimeout(ctx, c.options.AppendTimeout)
	defer cancel()
	return c.log.Append(ctx, value)
}
