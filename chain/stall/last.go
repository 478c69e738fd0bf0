package stall

import (
	"math"
	"sync/atomic"
	"time"
)

// Last is when something happened last. The zero value is ready for use. It is safe for concurrent use.
type Last struct{ at atomic.Pointer[time.Time] }

// Now records that it happens.
func (l *Last) Now() {
	now := time.Now()
	l.at.Store(&now)
}

// Ago returns the time since then; a long one if it never happened.
func (l *Last) Ago() time.Duration {
	if at := l.at.Load(); at != nil {
		return time.Since(*at)
	}
	return math.MaxInt64
}
