package session

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/fabric-kafka/orderer/chain/machine"
	"github.com/fabric-kafka/orderer/chain/record"
)

// Poster posts the time-to-cut record of one block until the topic has it, since nothing
// else may ever cut the block. It is used by one goroutine, once the batch timer has expired.
type Poster struct {
	Block  machine.BlockNumber
	Wait   Backoff // between attempts
	Events Events
}

// Try posts once. It reports whether the topic has the record and, if not, how long to
// wait before the next attempt.
func (p *Poster) Try(ctx context.Context, append func(context.Context, []byte) error) (done bool, wait time.Duration) {
	value, err := encode(record.NewTimeToCut(uint64(p.Block)))
	if err == nil {
		err = append(ctx, value)
	}
	switch {
	case err == nil:
		p.Events.CutPosted(p.Block)
		return true, 0
	case ctx.Err() == nil:
		p.Events.CutFailed(p.Block, err)
	}
	return false, p.Wait.Pause()
}

// Backoff computes the pauses between attempts: a quarter longer each time, up to a limit,
// so that none is longer than the sum of Min and half of the time waited so far. A broker that is
// back after two seconds is found within three. Jitter spreads the orderers that return to
// a recovering broker.
type Backoff struct {
	Min, Max time.Duration
	next     time.Duration
}

// Pause returns the next pause.
func (b *Backoff) Pause() time.Duration {
	b.next = min(max(b.next+b.next/4, b.Min), b.Max)
	return b.next/2 + rand.N(b.next/2+1)
}

// Reset starts again with the shortest pause.
func (b *Backoff) Reset() { b.next = 0 }
