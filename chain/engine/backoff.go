package engine

import (
	"math/rand/v2"
	"time"
)

// Backoff gives the pauses between attempts: doubled each time up to a limit,
// with jitter, so that orderers do not fall upon a recovering broker together.
type Backoff struct {
	Least, Most time.Duration
	next        time.Duration
}

// Pause returns the next pause.
func (b *Backoff) Pause() time.Duration {
	b.next = min(max(2*b.next, b.Least), b.Most)
	return b.next/2 + rand.N(b.next/2+1)
}

// Reset begins again with the shortest pause.
func (b *Backoff) Reset() { b.next = 0 }
