// Package ingress limits what the clients of a channel append.
package ingress

import (
	"context"
	"sync"
	"time"
)

// TimeLimit gives calls contexts with a time limit. Calls that begin at about the same time share one, since a
// context and a timer for each of them cost more than the rest of the call. It is safe for concurrent use.
type TimeLimit struct {
	parent  context.Context
	timeout time.Duration

	mu    sync.Mutex
	now   context.Context
	until time.Time // calls get another one from then on
}

// NewTimeLimit returns a limit of calls that end with parent at the latest.
func NewTimeLimit(parent context.Context, timeout time.Duration) *TimeLimit {
	return &TimeLimit{parent: parent, timeout: timeout}
}

// sharing divides the timeout: calls share a context for that long, and may get that much less time.
const sharing = 20

// Context returns a context that ends with the parent, or after the timeout; at most a twentieth earlier.
func (l *TimeLimit) Context() context.Context {
	l.mu.Lock()
	defer l.mu.Unlock()
	if now := time.Now(); !now.Before(l.until) {
		ctx, cancel := context.WithTimeout(l.parent, l.timeout)
		context.AfterFunc(ctx, cancel) // calls may use it until then
		l.now, l.until = ctx, now.Add(l.timeout/sharing)
	}
	return l.now
}
