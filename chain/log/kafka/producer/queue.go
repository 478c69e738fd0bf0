// Package producer appends records to a topic, and finds out whether they are in it.
//
// A [Queue] takes the values of concurrent callers. One goroutine, the producer, sends them
// in batches, of which two may be in flight, over a session of its own with the brokers: a connection to
// the leader, and the producer id by which the brokers recognize a batch that they already have. What
// Append returns follows from the answers to every attempt; see producer, settle and refusals.
package producer

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/fabric-kafka/orderer/chain/log"
	"github.com/fabric-kafka/orderer/chain/log/kafka/client"
)

// entry is a value that is to be appended.
type entry struct {
	value   []byte
	since   time.Time
	outcome chan error // receives the outcome once; capacity 1
	at      log.Offset // set before an outcome of nil; negative: unknown

	state state // guarded by the queue's mu
	left  bool  // its caller has left; guarded by the queue's mu
}

// state is the state of an entry that has no outcome yet.
type state int

const (
	waiting state = iota // not in the log, and never will be if the caller leaves
	sent                 // may be in the log
)

// Queue passes values from callers of Append to the producer. It is safe for concurrent use.
type Queue struct {
	topic  *client.Topic
	linger time.Duration
	limit  topicLimit
	start  sync.Once     // starts the producer, at the first Append
	some   chan struct{} // has a token while there may be entries; capacity 1

	mu      sync.Mutex
	entries []*entry // not sent yet, oldest first
	cause   error    // why the producer cannot send; nil: it can
	closed  bool
}

// NewQueue returns a queue of records for a topic, which wait for linger to share a batch while many
// arrive. It ends with the topic's cluster.
func NewQueue(t *client.Topic, linger time.Duration) *Queue {
	return &Queue{topic: t, linger: linger, some: make(chan struct{}, 1)}
}

// unplaced is the offset of a record that is not known to be in the log, or where.
const unplaced log.Offset = -1

// Append queues the value for the producer and waits for its outcome, and for the record's offset. The
// caller may give up at any time: a value that has not been sent by then never is.
func (q *Queue) Append(ctx context.Context, value []byte) (log.Offset, error) {
	if limit := q.topic.Config.Settings.MaxMessageBytes; len(value) > limit {
		return unplaced, &log.Error{Class: log.Rejected, Op: "append", Topic: q.topic.Name,
			Err: fmt.Errorf("%w: %d bytes, this orderer sends up to %d, by the channel's AbsoluteMaxBytes and the limit of a request", log.ErrTooLarge, len(value), limit)}
	}
	if err := q.topic.Cluster.Enter(); err != nil {
		return unplaced, err
	}
	defer q.topic.Cluster.Leave()
	if q.limit.below(len(value)) {
		return unplaced, q.tooLarge(ctx, len(value), errKnownLimit)
	}
	q.start.Do(func() { q.topic.Cluster.Go(newProducer(q).run) })
	e := &entry{value: value, since: time.Now(), outcome: make(chan error, 1), at: unplaced}
	switch err := q.queued(ctx, e); {
	case err == nil:
		return e.at, nil
	case log.ClassOf(err) == log.Rejected:
		return unplaced, q.tooLarge(ctx, len(value), errors.Unwrap(err))
	default:
		return unplaced, err
	}
}

func (q *Queue) queued(ctx context.Context, e *entry) error {
	if !q.put(e) {
		return log.ErrClosed
	}
	select {
	case err := <-e.outcome: // also comes soon after the log is closed
		return err
	case <-ctx.Done():
		return q.left(ctx, e)
	}
}

// left returns the error for a caller whose context has ended.
func (q *Queue) left(ctx context.Context, e *entry) error {
	certain, cause := q.leave(e)
	select {
	case err := <-e.outcome:
		return err
	default:
	}
	failure := &log.Error{Op: "append", Topic: q.topic.Name, Err: ctx.Err()}
	switch {
	case cause != nil:
		failure = q.topic.Classify("append", cause)
		failure.Err = fmt.Errorf("%w (%w)", failure.Err, ctx.Err())
	case certain:
		failure.Await = "the acknowledgement of earlier records, " + q.topic.Reachable()
	default:
		failure.Await = "an acknowledgement by all in-sync replicas, " + q.topic.Reachable()
	}
	failure.Class = log.Ambiguous
	if certain {
		failure.Class = log.Retryable
	}
	return failure
}

// put appends an entry, unless the queue is closed.
func (q *Queue) put(e *entry) bool {
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
func (q *Queue) signal() {
	select {
	case q.some <- struct{}{}:
	default:
	}
}

// oldest returns when the first entry was queued; false if there is none.
func (q *Queue) oldest() (since time.Time, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.entries) == 0 {
		return since, false
	}
	return q.entries[0].since, true
}

// full reports whether the entries fill a batch of limit bytes.
func (q *Queue) full(limit int) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	size := batchOverhead
	return slices.ContainsFunc(q.entries, func(e *entry) bool {
		size += e.size()
		return size > limit
	})
}

// take removes as many of the oldest entries as fit into a batch of limit bytes, at least one.
func (q *Queue) take(limit int) []*entry {
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
func (q *Queue) close() []*entry {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	left := q.entries
	q.entries = nil
	return left
}

// abandoned reports whether every caller has left.
func (q *Queue) abandoned(entries []*entry) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return !slices.ContainsFunc(entries, func(e *entry) bool { return !e.left })
}

// send marks entries as sent and returns them, except those whose callers have left.
func (q *Queue) send(entries []*entry) []*entry {
	q.mu.Lock()
	defer q.mu.Unlock()
	entries = slices.DeleteFunc(entries, func(e *entry) bool { return e.left })
	for _, e := range entries {
		e.state = sent
	}
	return entries
}

// refused marks entries as waiting: it is certain that no attempt has appended them.
func (q *Queue) refused(entries []*entry) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, e := range entries {
		e.state = waiting
	}
}

// note records the producer's last error; nil if it has sent a batch.
func (q *Queue) note(cause error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.cause = cause
}

// leave gives up an entry. It reports whether the entry is certain never to be in the log,
// and why the producer could not send it, if so.
func (q *Queue) leave(e *entry) (certain bool, cause error) {
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
