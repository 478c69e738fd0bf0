package ingress

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/fabric-kafka/orderer/chain/log"
)

// Limit bounds a backlog.
type Limit struct {
	Records int
	Bytes   int // of their values
}

// The least limits: enough for appends to share batches while blocks are small.
const (
	leastRecords = 512
	leastBytes   = 16 << 20
	blocks       = 4 // that fit into a backlog, at least
)

// LimitOf returns the limit of a channel whose blocks have these bounds.
func LimitOf(maxMessageCount, preferredMaxBytes uint32) Limit {
	return Limit{max(leastRecords, blocks*int(maxMessageCount)), max(leastBytes, blocks*int(preferredMaxBytes))}
}

// ErrFull is returned by Enter if there was no room for the record in time.
var ErrFull = errors.New("the backlog is full")

// Backlog is the records of clients that were appended here, or are being appended, and are not in a block yet. It
// has room for a limited number: a channel that acknowledges faster than it writes blocks would have clients wait
// ever longer for theirs. Whoever waits for room gets it in the order of arrival. It is safe for concurrent use.
type Backlog struct {
	mu      sync.Mutex
	records int // that have entered and not left
	bytes   int
	limit   Limit
	waiting []*waiter
	placed  []placed   // acknowledged, in the order of their offsets
	settled log.Offset // records before it have left
}

type placed struct {
	at   log.Offset
	size int
}

type waiter struct {
	size    int
	entered chan struct{} // closed once it has
}

// Enter waits until there is room for a record whose value has size bytes. An empty backlog has room for any
// record. It returns [ErrFull] after the timeout, or when ctx ends. The caller calls Appended after the append.
func (b *Backlog) Enter(ctx context.Context, timeout time.Duration, size int, l Limit) error {
	w := b.enter(size, l)
	if w == nil {
		return nil
	}
	timer := time.NewTimer(timeout)
	defer timer.Stop()
	select {
	case <-w.entered:
		return nil
	case <-timer.C:
	case <-ctx.Done():
	}
	return b.giveUp(w)
}

// enter returns nil if there is room, and nobody waits for it.
func (b *Backlog) enter(size int, l Limit) *waiter {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.limit = l
	if len(b.waiting) == 0 && b.fits(size) {
		b.add(size)
		return nil
	}
	w := &waiter{size, make(chan struct{})}
	b.waiting = append(b.waiting, w)
	b.admit() // the limit may be higher now
	return w
}

func (b *Backlog) fits(size int) bool {
	return b.records == 0 || b.records < b.limit.Records && b.bytes+size <= b.limit.Bytes
}

func (b *Backlog) add(size int) {
	b.records++
	b.bytes += size
}

// giveUp returns nil if the waiter has entered meanwhile.
func (b *Backlog) giveUp(w *waiter) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	at := slices.Index(b.waiting, w)
	if at < 0 {
		return nil
	}
	b.waiting = slices.Delete(b.waiting, at, at+1)
	b.admit() // the next one may fit where this one did not
	return ErrFull
}

// remove takes a record out.
func (b *Backlog) remove(size int) {
	b.records--
	b.bytes -= size
}

// admit lets in those for whom there is room, in their order.
func (b *Backlog) admit() {
	for len(b.waiting) > 0 && b.fits(b.waiting[0].size) {
		b.add(b.waiting[0].size)
		close(b.waiting[0].entered)
		b.waiting = b.waiting[1:]
	}
}

// Appended records the offset of a record that has entered. A negative offset means that the record is not in the
// log, or that its offset is not known: it leaves at once.
func (b *Backlog) Appended(at log.Offset, size int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if at < b.settled {
		b.remove(size)
		b.admit()
		return
	}
	i := len(b.placed)
	for i > 0 && b.placed[i-1].at > at {
		i--
	}
	b.placed = slices.Insert(b.placed, i, placed{at, size})
}

// Settle removes the records before an offset: each of them is in a block, or will be in none.
func (b *Backlog) Settle(next log.Offset) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.settled = max(b.settled, next)
	b.leave(b.settled)
}

// Forget removes all acknowledged records: the log may have lost some, which would never get into a block.
func (b *Backlog) Forget() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if n := len(b.placed); n > 0 {
		b.leave(b.placed[n-1].at + 1)
	}
}

func (b *Backlog) leave(next log.Offset) {
	n := 0
	for ; n < len(b.placed) && b.placed[n].at < next; n++ {
		b.remove(b.placed[n].size)
	}
	if n > 0 {
		b.placed = slices.Delete(b.placed, 0, n)
		b.admit()
	}
}
