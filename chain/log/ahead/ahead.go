// Package ahead takes records from a reader before they are asked for.
//
// A [Reader] wraps a [log.Reader]. [Reader.Take] takes one record from it, and decodes its value
// for the user; Next returns the records in order, and each error after the records that
// came before it. What is taken and not returned yet is limited in bytes.
//
// [Start] starts a goroutine that calls Take, so that records arrive and are decoded while earlier ones
// are handled. A Reader of [New] has none: Next takes what it returns, and the caller may call Take in
// between, as the simulation does.
//
// Records of a leader that has been replaced are not returned once that is known: they are dropped,
// as the contract of log.Reader allows.
package ahead

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"

	"github.com/fabric-kafka/orderer/chain/log"
)

// Limit is how many bytes of values may be taken and not passed on yet. As many again may have been passed on, and
// wait for Next to return them.
const Limit = 2 << 20

// overhead is what each record counts in addition to its value, in bytes.
const overhead = 512

// Reader is a [log.Reader] whose records are taken ahead.
type Reader struct {
	inner  log.Reader
	decode func(log.Record) any
	limit  int

	mu      sync.Mutex
	taken   []log.Record // not passed on yet, in order
	size    int          // of them, in bytes
	last    log.Offset   // of the record taken last
	failure error        // of inner, which follows the records taken; nil for none

	ended atomic.Bool // what was taken is not returned any more: failure says why

	passed []log.Record // taken earlier, and returned next: those from at on; used only by Next
	at     int

	some chan struct{} // has a token after something was taken; capacity 1
	room chan struct{} // has a token after something was passed on; capacity 1

	life  context.Context // ends with Close
	close context.CancelFunc
	work  sync.WaitGroup // the goroutine
	runs  bool           // there is one
}

// New returns a reader of the records of inner, which it closes. decode returns what becomes Decoded of
// a [log.Record]; Take calls it once for each record.
func New(inner log.Reader, decode func(log.Record) any) *Reader {
	r := &Reader{inner: inner, decode: decode, limit: Limit, last: inner.Taken(), some: make(chan struct{}, 1), room: make(chan struct{}, 1)}
	r.life, r.close = context.WithCancel(context.Background())
	return r
}

// Start is New with a goroutine that takes records until Close.
func Start(inner log.Reader, decode func(log.Record) any) *Reader {
	r := New(inner, decode)
	r.runs = true
	r.work.Go(func() {
		for r.awaitRoom() {
			r.Take(r.life)
		}
	})
	return r
}

// awaitRoom returns false once the reader is closed.
func (r *Reader) awaitRoom() bool {
	for {
		if r.hasRoom() {
			return r.life.Err() == nil
		}
		select {
		case <-r.room:
		case <-r.life.Done():
			return false
		}
	}
}

func (r *Reader) hasRoom() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.failure == nil && r.size < r.limit
}

// Take takes one record, or an error of the reader below, unless that has failed and Next has not returned the error yet.
func (r *Reader) Take(ctx context.Context) {
	if r.failed() != nil {
		return
	}
	got, err := r.inner.Next(ctx)
	if err == nil {
		got.Decoded = r.decode(got)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if err == nil {
		r.taken = append(r.taken, got)
		r.size += len(got.Value) + overhead
		r.last = got.Offset
	} else {
		r.failure = err
		r.ended.Store(ends(err))
	}
	signal(r.some)
}

// failed returns the error that follows the records that were taken; nil if there is none.
func (r *Reader) failed() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.failure
}

// ends reports whether what was taken is of no use after an error.
func ends(err error) bool {
	return errors.Is(err, log.ErrNewLeader) || errors.Is(err, log.ErrClosed)
}

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// Next returns the next record that was taken, and waits for one if there is none.
func (r *Reader) Next(ctx context.Context) (log.Record, error) {
	if err := ctx.Err(); err != nil {
		return log.Record{}, err
	}
	for {
		if got, ok, err := r.pass(); ok {
			return got, err
		}
		if !r.runs {
			r.Take(ctx)
			continue
		}
		select {
		case <-r.some:
		case <-ctx.Done():
			return log.Record{}, ctx.Err()
		case <-r.life.Done():
			return log.Record{}, log.ErrClosed
		}
	}
}

// pass returns what was taken first; ok is false if there is nothing.
func (r *Reader) pass() (got log.Record, ok bool, err error) {
	if r.life.Err() != nil {
		return got, true, log.ErrClosed
	}
	if err := r.inner.Lapsed(); ends(err) {
		return got, true, err
	}
	if r.at == len(r.passed) || r.ended.Load() {
		if err = r.more(); err != nil || len(r.passed) == 0 {
			return got, err != nil, err
		}
	}
	got, r.passed[r.at] = r.passed[r.at], log.Record{}
	r.at++
	return got, true, nil
}

// more passes on everything that was taken, or returns the error that follows it.
func (r *Reader) more() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.ended.Load() {
		r.taken, r.passed, r.at = nil, nil, 0
		return r.failure
	}
	r.passed, r.taken, r.at = r.taken, r.passed[:0], 0
	if len(r.passed) > 0 {
		r.size = 0
		signal(r.room)
		return nil
	}
	err := r.failure
	if err != nil {
		r.failure = nil
		signal(r.room)
	}
	return err
}

// Taken returns the offset of the record that was taken last.
func (r *Reader) Taken() log.Offset {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.last
}

// Lapsed returns what the reader below does, or the error that follows the records that were taken.
func (r *Reader) Lapsed() error {
	if err := r.inner.Lapsed(); err != nil {
		return err
	}
	return r.failed()
}

// Source asks the reader below. It may be called while Take and Next are in flight.
func (r *Reader) Source(ctx context.Context) (topicID string, err error) {
	if r.ended.Load() {
		return "", r.failed()
	}
	return r.inner.Source(ctx)
}

// Term returns the term of the reader below.
func (r *Reader) Term() log.Term { return r.inner.Term() }

// Close closes the reader below, and returns when nothing is taken from it any more.
func (r *Reader) Close() error {
	r.close()
	err := r.inner.Close()
	r.work.Wait()
	return err
}
