package ahead

import (
	"context"
	"errors"
	"strconv"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"go.uber.org/goleak"

	"github.com/fabric-kafka/orderer/chain/log"
)

// script is a reader that returns what a test sends.
type script struct {
	log.Reader
	next   chan any // log.Record or error
	closed chan struct{}
	called int
	lapsed atomic.Bool
}

func newScript() *script { return &script{next: make(chan any, 10000), closed: make(chan struct{})} }

func (s *script) Next(ctx context.Context) (r log.Record, err error) {
	s.called++
	select {
	case next := <-s.next:
		r, _ = next.(log.Record)
		err, _ = next.(error)
		return r, err
	case <-ctx.Done():
		return r, ctx.Err()
	case <-s.closed:
		return r, log.ErrClosed
	}
}

func (s *script) Taken() log.Offset { return -1 }

func (s *script) Lapsed() error {
	if s.lapsed.Load() {
		return log.ErrNewLeader
	}
	return nil
}

func (s *script) Source(context.Context) (string, error) { return "id", nil }

func (s *script) Close() error {
	close(s.closed)
	return nil
}

// sends has n records of a size come next.
func (s *script) sends(from log.Offset, n, size int) {
	for i := range log.Offset(n) {
		s.next <- log.Record{Offset: from + i, Value: make([]byte, size)}
	}
}

func offset(r log.Record) any { return strconv.Itoa(int(r.Offset)) }

// inBubble runs a test with a reader that takes records ahead.
func inBubble(t *testing.T, f func(t *testing.T, s *script, r *Reader)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := newScript()
		r := Start(s, offset)
		f(t, s, r)
		if err := r.Close(); err != nil {
			t.Error(err)
		}
		if _, err := r.Next(t.Context()); !errors.Is(err, log.ErrClosed) {
			t.Errorf("after Close: %v", err)
		}
	})
}

func expect(t *testing.T, r *Reader, from, to log.Offset) {
	t.Helper()
	for at := from; at < to; at++ {
		got, err := r.Next(t.Context())
		if err != nil || got.Offset != at || got.Decoded != strconv.Itoa(int(at)) {
			t.Fatalf("got %+v, %v; want offset %d", got, err, at)
		}
	}
}

func fails(t *testing.T, r *Reader, want error) {
	t.Helper()
	if got, err := r.Next(t.Context()); !errors.Is(err, want) {
		t.Fatalf("got offset %d, %v; want %v", got.Offset, err, want)
	}
}

func TestTakesRecordsBeforeTheyAreAskedFor(t *testing.T) {
	inBubble(t, func(t *testing.T, s *script, r *Reader) {
		if r.Taken() != -1 {
			t.Errorf("it has taken offset %d before the first", r.Taken())
		}
		s.sends(0, 5, 10)
		synctest.Wait()
		if r.Taken() != 4 {
			t.Errorf("offset %d was taken last, want 4", r.Taken())
		}
		expect(t, r, 0, 5)
	})
}

// What is taken ahead is limited, however little is read.
func TestLimit(t *testing.T) {
	const size = 64 << 10
	inBubble(t, func(t *testing.T, s *script, r *Reader) {
		s.sends(0, 1000, size)
		synctest.Wait()
		first := int(r.Taken()) + 1
		if bytes := first * size; bytes < Limit-2*size || bytes > Limit+size {
			t.Errorf("%d bytes were taken, want about %d", bytes, Limit)
		}
		expect(t, r, 0, 1)
		synctest.Wait()
		if more := int(r.Taken()) + 1; more < first+1 || more > 2*first {
			t.Errorf("%d records were taken, and then %d", first, more)
		}
		expect(t, r, 1, 1000)
	})
}

// Empty records are limited too.
func TestLimitOfEmptyRecords(t *testing.T) {
	inBubble(t, func(t *testing.T, s *script, r *Reader) {
		s.sends(0, 10000, 0)
		synctest.Wait()
		if r.Taken() > Limit/overhead {
			t.Errorf("%d records were taken", r.Taken()+1)
		}
		expect(t, r, 0, 10000)
	})
}

// An error follows the records before it, and nothing is taken until it was returned.
func TestErrorIsInOrder(t *testing.T) {
	broken := &log.Error{Class: log.Retryable, Err: errors.New("broken")}
	inBubble(t, func(t *testing.T, s *script, r *Reader) {
		s.sends(0, 3, 1)
		s.next <- broken
		s.next <- log.ErrNoRecord
		s.sends(3, 2, 1)
		synctest.Wait()
		if s.called != 4 {
			t.Errorf("asked %d times, want once more than there are records", s.called)
		}
		expect(t, r, 0, 3)
		fails(t, r, broken)
		fails(t, r, log.ErrNoRecord)
		expect(t, r, 3, 5)
	})
}

// What was taken from a leader that has been replaced is dropped, even if it was passed on before.
func TestNewLeaderComesFirst(t *testing.T) {
	inBubble(t, func(t *testing.T, s *script, r *Reader) {
		s.sends(0, 5, 1)
		synctest.Wait()
		expect(t, r, 0, 2)
		s.sends(5, 5, 1)
		s.next <- log.ErrNewLeader
		synctest.Wait()
		for range 3 {
			fails(t, r, log.ErrNewLeader)
			if id, err := r.Source(t.Context()); id != "" || !errors.Is(err, log.ErrNewLeader) {
				t.Errorf("source %q, %v", id, err)
			}
		}
	})
}

// So it is while nothing is taken, since as much is ahead as may be.
func TestNewLeaderIsNoticedAtTheLimit(t *testing.T) {
	inBubble(t, func(t *testing.T, s *script, r *Reader) {
		s.sends(0, 100, 64<<10)
		synctest.Wait()
		expect(t, r, 0, 2)
		synctest.Wait()
		if err := r.Lapsed(); err != nil {
			t.Error(err)
		}
		s.lapsed.Store(true)
		fails(t, r, log.ErrNewLeader)
		if err := r.Lapsed(); !errors.Is(err, log.ErrNewLeader) {
			t.Error(err)
		}
	})
}

// A failure is known before the records that were taken ahead of it are returned.
func TestLapsesWithAFailure(t *testing.T) {
	broken := errors.New("broken")
	inBubble(t, func(t *testing.T, s *script, r *Reader) {
		s.sends(0, 3, 1)
		s.next <- broken
		synctest.Wait()
		expect(t, r, 0, 1)
		if err := r.Lapsed(); !errors.Is(err, broken) {
			t.Error(err)
		}
		expect(t, r, 1, 3)
		fails(t, r, broken)
		if err := r.Lapsed(); err != nil {
			t.Error(err)
		}
	})
}

// A context ends the wait for a record, and not its transfer.
func TestContext(t *testing.T) {
	inBubble(t, func(t *testing.T, s *script, r *Reader) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := r.Next(ctx); !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		s.sends(0, 1, 1)
		expect(t, r, 0, 1)
		if id, err := r.Source(t.Context()); id != "id" || err != nil {
			t.Errorf("source %q, %v", id, err)
		}
	})
}

// Without a goroutine, Next takes what it returns, and Take takes what a caller wants to be ahead.
func TestWithoutAGoroutine(t *testing.T) {
	defer goleak.VerifyNone(t)
	s := newScript()
	r := New(s, offset)
	s.sends(0, 3, 1)
	expect(t, r, 0, 1)
	if r.Taken() != 0 {
		t.Errorf("offset %d was taken", r.Taken())
	}
	r.Take(t.Context())
	if r.Taken() != 1 {
		t.Errorf("offset %d was taken", r.Taken())
	}
	expect(t, r, 1, 3)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := r.Next(ctx); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	s.sends(3, 1, 1)
	expect(t, r, 3, 4)
	if err := r.Close(); err != nil {
		t.Error(err)
	}
}

// BenchmarkNext measures what it costs to pass a record from one goroutine to another.
func BenchmarkNext(b *testing.B) {
	s := &endless{}
	r := Start(s, func(log.Record) any { return nil })
	ctx := b.Context()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := r.Next(ctx); err != nil {
			b.Fatal(err)
		}
	}
	_ = r.Close()
}

// endless has a record whenever it is asked.
type endless struct {
	log.Reader
	at log.Offset
}

func (e *endless) Next(ctx context.Context) (log.Record, error) {
	e.at++
	return log.Record{Offset: e.at, Value: []byte{}}, ctx.Err()
}

func (e *endless) Taken() log.Offset { return e.at }

func (e *endless) Lapsed() error { return nil }

func (e *endless) Close() error { return nil }
