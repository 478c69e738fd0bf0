package chain

import (
	"context"
	"math/rand/v2"
	"time"
)

// backoff gives the pauses between attempts: doubled each time up to a limit,
// with jitter, so that orderers do not fall upon a recovering broker together.
type backoff struct {
	least, most time.Duration
	next        time.Duration
}

// pause returns the next pause.
func (b *backoff) pause() time.Duration {
	b.next = min(max(2*b.next, b.least), b.most)
	return b.next/2 + rand.N(b.next/2+1)
}

func (b *backoff) reset() { b.next = 0 }

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
