package kafka

import (
	"slices"
	"sync"
	"time"
)

// entry is a value on its way to the topic.
type entry struct {
	value   []byte
	since   time.Time
	outcome chan error // holds what came of it, once that is known; of one

	state state // guarded by the queue's mu
	left  bool  // its caller has; guarded by the queue's mu
}

// state is what is known of an entry that has no outcome yet.
type state int

const (
	waiting state = iota // not in the log, and never if the caller leaves
	sent                 // may be in the log
)

// queue is where callers of Append and the producer meet. It is safe for concurrent use.
type queue struct {
	some chan struct{} // holds a token while there may be entries; of one

	mu      sync.Mutex
	entries []*entry // none of them sent, the oldest first
	trouble error    // what has kept the producer from sending; nil: nothing does
	closed  bool
}

func newQueue() *queue { return &queue{some: make(chan struct{}, 1)} }

// put adds an entry at the end, unless the queue is closed.
func (q *queue) put(e *entry) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return false
	}
	q.entries = append(q.entries, e)
	q.signal()
	return true
}

// signal is called with mu held.
func (q *queue) signal() {
	select {
	case q.some <- struct{}{}:
	default:
	}
}

// oldest returns since when the first entry waits; false if there is none.
func (q *queue) oldest() (since time.Time, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.entries) == 0 {
		return since, false
	}
	return q.entries[0].since, true
}

// take removes as many of the oldest entries as fit into a batch of so many bytes, at least one.
func (q *queue) take(limit int) []*entry {
	q.mu.Lock()
	defer q.mu.Unlock()
	n, size := 0, batchOverhead
	for _, e := range q.entries {
		if size += e.size(); n > 0 && size > limit {
			q.signal()
			break
		}
		n++
	}
	batch := slices.Clone(q.entries[:n])
	q.entries = slices.Delete(q.entries, 0, n)
	return batch
}

// close returns the entries that are left. No other can follow.
func (q *queue) close() []*entry {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	left := q.entries
	q.entries = nil
	return left
}

// abandoned reports whether every caller has left.
func (q *queue) abandoned(entries []*entry) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return !slices.ContainsFunc(entries, func(e *entry) bool { return !e.left })
}

// send marks entries as sent and returns them, without those whose callers have left.
func (q *queue) send(entries []*entry) []*entry {
	q.mu.Lock()
	defer q.mu.Unlock()
	entries = slices.DeleteFunc(entries, func(e *entry) bool { return e.left })
	for _, e := range entries {
		e.state = sent
	}
	return entries
}

// refused marks entries as waiting: it is certain that no attempt has appended them.
func (q *queue) refused(entries []*entry) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, e := range entries {
		e.state = waiting
	}
}

// note remembers what the producer met last; nil if it has sent a batch.
func (q *queue) note(trouble error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.trouble = trouble
}

// leave gives up an entry. It reports whether the entry is certain never to be in the
// log, and what has kept it from it.
func (q *queue) leave(e *entry) (certain bool, trouble error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	e.left = true
	if i := slices.Index(q.entries, e); i >= 0 {
		q.entries = slices.Delete(q.entries, i, i+1)
	}
	return e.state == waiting, q.trouble
}

// What a batch and a record of it have beside values, at most.
const (
	batchOverhead     = 64
	perRecordOverhead = 40 + len(key)
)

func (e *entry) size() int { return perRecordOverhead + len(e.value) }
