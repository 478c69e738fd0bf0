package kafka

import (
	"slices"
	"sync"
	"time"
)

// entry is a value that is to be appended.
type entry struct {
	value   []byte
	since   time.Time
	outcome chan error // receives the outcome once; capacity 1

	state state // guarded by the queue's mu
	left  bool  // its caller has left; guarded by the queue's mu
}

// state is the state of an entry that has no outcome yet.
type state int

const (
	waiting state = iota // not in the log, and never will be if the caller leaves
	sent                 // may be in the log
)

// queue passes entries from callers of Append to the producer. It is safe for concurrent use.
type queue struct {
	some chan struct{} // has a token while there may be entries; capacity 1

	mu      sync.Mutex
	entries []*entry // not sent yet, oldest first
	cause   error    // why the producer cannot send; nil: it can
	closed  bool
}

func newQueue() *queue { return &queue{some: make(chan struct{}, 1)} }

// put appends an entry, unless the queue is closed.
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

// oldest returns when the first entry was queued; false if there is none.
func (q *queue) oldest() (since time.Time, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.entries) == 0 {
		return since, false
	}
	return q.entries[0].since, true
}

// take removes as many of the oldest entries as fit into a batch of limit bytes, at least one.
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

// close closes the queue and returns the remaining entries.
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

// send marks entries as sent and returns them, except those whose callers have left.
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

// note records the producer's last error; nil if it has sent a batch.
func (q *queue) note(cause error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.cause = cause
}

// leave gives up an entry. It reports whether the entry is certain never to be in the log,
// and why the producer could not send it, if so.
func (q *queue) leave(e *entry) (certain bool, cause error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	e.left = true
	if i := slices.Index(q.entries, e); i >= 0 {
		q.entries = slices.Delete(q.entries, i, i+1)
	}
	return e.state == waiting, q.cause
}

// Maximum size of a batch, and of a record in it, without the values.
const (
	batchOverhead     = 64
	perRecordOverhead = 40 + len(key)
)

func (e *entry) size() int { return perRecordOverhead + len(e.value) }
