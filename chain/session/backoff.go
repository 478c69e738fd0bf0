package session

import (
	"math/rand/v2"
	"time"
)

// Backoff gives the pauses between attempts: a quarter longer each time, up to a
// limit, so that none is longer than half of the time waited so far and Least: what
// is back after two seconds is found within three. Jitter keeps orderers from
// falling upon a recovering broker together.
type Backoff struct {
	Least, Most time.Duration
	next        time.Duration
}

// Pause returns the next pause.
func (b *Backoff) Pause() time.Duration {
	b.next = min(max(b.next+b.next/4, b.Least), b.Most)
	return b.next/2 + rand.N(b.next/2+1)
}

// Reset begins again with the shortest pause.
func (b *Backoff) Reset() { b.next = 0 }
