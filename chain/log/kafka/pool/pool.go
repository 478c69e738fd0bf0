// Package pool keeps what one call has used for the next.
//
// A call has what it takes for itself, so that no call waits for what another one has asked. It is used for a limited time,
// and closed then. Calls begin in turns, so that those of many channels use what is there, instead of opening as much each.
package pool

import (
	"context"
	"slices"
	"sync"
	"time"
)

const (
	// maxTurns is how many calls go ahead at once. When a thousand channels start, the clients of those are used by the
	// others, which would otherwise open as many connections to each broker at once.
	maxTurns = 16
	// turnTimeout is how long a turn lasts, and how long a call waits for one: those before it may be waiting for a broker
	// that hangs.
	turnTimeout = time.Second
)

// Closer is what a pool keeps.
type Closer interface{ Close() }

// Pool keeps things between calls. It is safe for concurrent use.
type Pool[T Closer] struct {
	age   time.Duration
	turns chan struct{} // has a token for each turn

	mu      sync.Mutex
	kept    []*kept[T] // not in use, the one used last at the end
	expires sync.WaitGroup
}

type kept[T Closer] struct {
	thing  T
	expiry *time.Timer
}

// New returns a pool whose things are used for at most age.
func New[T Closer](age time.Duration) *Pool[T] {
	return &Pool[T]{age: age, turns: make(chan struct{}, maxTurns)}
}

// Turn is when a call goes ahead. The zero value is a call that goes ahead without one.
type Turn struct {
	turns chan struct{}
	end   *time.Timer
}

// Await waits for a turn, for a second at most. The caller ends the turn.
func (p *Pool[T]) Await(ctx context.Context) Turn {
	select {
	case p.turns <- struct{}{}:
		return p.begin()
	default:
	}
	timer := time.NewTimer(turnTimeout)
	defer timer.Stop()
	select {
	case p.turns <- struct{}{}:
		return p.begin()
	case <-timer.C:
	case <-ctx.Done():
	}
	return Turn{}
}

// begin begins a turn whose token is in turns.
func (p *Pool[T]) begin() Turn {
	return Turn{p.turns, time.AfterFunc(turnTimeout, func() { <-p.turns })}
}

// Over ends a turn.
func (t Turn) Over() {
	if t.end != nil && t.end.Stop() {
		<-t.turns
	}
}

// Take returns the thing that was used last; false if none is kept.
func (p *Pool[T]) Take() (thing T, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for n := len(p.kept) - 1; n >= 0; n = len(p.kept) - 1 {
		k := p.kept[n]
		p.kept = p.kept[:n]
		if k.expiry.Stop() {
			p.expires.Done()
			return k.thing, true
		} // expire closes it
	}
	return thing, false
}

// Keep keeps a thing that exists since it was opened, and returns false if that is too long.
func (p *Pool[T]) Keep(thing T, opened time.Time) bool {
	left := p.age - time.Since(opened)
	if left <= 0 {
		return false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	k := &kept[T]{thing: thing}
	p.kept = append(p.kept, k)
	p.expires.Add(1)
	k.expiry = time.AfterFunc(left, func() { p.expire(k) })
	return true
}

// expire closes a thing that became too old while it was not in use.
func (p *Pool[T]) expire(old *kept[T]) {
	defer p.expires.Done()
	p.mu.Lock()
	p.kept = slices.DeleteFunc(p.kept, func(k *kept[T]) bool { return k == old })
	p.mu.Unlock()
	old.thing.Close()
}

// Close closes the things that are kept. No call is in flight, and none begins.
func (p *Pool[T]) Close() {
	for thing, ok := p.Take(); ok; thing, ok = p.Take() {
		thing.Close()
	}
	p.expires.Wait()
}
