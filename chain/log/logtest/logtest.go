// Package logtest states the contract of package log as tests. Every
// implementation runs the same suite, so that no fake can drift from Kafka.
package logtest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/fabric-kafka/orderer/chain/log"
)

// Harness is one implementation under test, and what operators and faults do to it.
type Harness interface {
	// Open returns a client of a topic; the suite closes it.
	Open(t *testing.T, topic string, s log.Settings) log.Log
	// Stop stops the brokers, Resume starts them again with everything acknowledged.
	Stop(t *testing.T)
	Resume(t *testing.T)
	// Trim removes the records before start.
	Trim(t *testing.T, topic string, start log.Offset)
	// Recreate deletes the topic and creates an empty one of that name.
	Recreate(t *testing.T, topic string)
	// Elect gives the topic a leader of a new epoch that has every record.
	Elect(t *testing.T, topic string)
}

// stepTimeout is how long a real cluster may take for one step.
const stepTimeout = 30 * time.Second

// maxBytes is the MaxMessageBytes of the suite's topics.
const maxBytes = 1 << 20

// Run runs the suite. Faults that affect all topics come last.
func Run(t *testing.T, h Harness) {
	run(t, h, []test{
		{"no topic", (*suite).noTopic},
		{"create", (*suite).create},
		{"append and read", (*suite).appendAndRead},
		{"read positions", (*suite).readPositions},
		{"unusual values", (*suite).unusualValues},
		{"too large", (*suite).tooLarge},
		{"offsets of appends", (*suite).placed},
		{"concurrent appends", (*suite).concurrentAppends},
		{"a waiting read", (*suite).waitingRead},
		{"many sessions", (*suite).soak},
		{"close", (*suite).closing},
		{"close under users", (*suite).closeUnderUsers},
		{"trim", (*suite).trim},
		{"progress", (*suite).progress},
		{"recreate", (*suite).recreate},
		{"term", (*suite).term},
		{"new leader", (*suite).newLeader},
		{"new leader while waiting", (*suite).newLeaderWhileWaiting},
		{"outage", (*suite).outage},
		{"close in an outage", (*suite).closeInOutage},
	})
}

// test is one test of a suite.
type test struct {
	name string
	run  func(*suite)
}

func run(t *testing.T, h Harness, tests []test) {
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			name := strings.ReplaceAll(test.name, " ", "-")
			test.run(&suite{T: t, harness: h, topic: fmt.Sprintf("%s-%d", name, time.Now().UnixNano())})
		})
	}
}

type suite struct {
	*testing.T
	harness Harness
	topic   string
}

func (s *suite) open() log.Log {
	l := s.harness.Open(s.T, s.topic, log.Settings{ReplicationFactor: 1, MaxMessageBytes: maxBytes})
	s.Cleanup(func() { s.ok(l.Close()) })
	return l
}

// created opens the topic and creates it.
func (s *suite) created() log.Log {
	l := s.open()
	s.ok(l.Create(s.timeout()))
	return l
}

func (s *suite) timeout() context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), stepTimeout)
	s.Cleanup(cancel)
	return ctx
}

func (s *suite) ok(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

// fails checks the class of err and, if sentinel is not nil, that err wraps it.
func (s *suite) fails(err error, class log.Class, sentinel error) {
	s.Helper()
	if err == nil || log.ClassOf(err) != class || sentinel != nil && !errors.Is(err, sentinel) {
		s.Fatalf("got %v (class %v), want class %v, %v", err, log.ClassOf(err), class, sentinel)
	}
}

func (s *suite) appendAll(l log.Log, values ...string) {
	s.Helper()
	for _, v := range values {
		s.ok(s.append(l, []byte(v)))
	}
}

func (s *suite) read(l log.Log, from log.Offset) log.Reader {
	s.Helper()
	var r log.Reader
	s.ok(s.settles(func(ctx context.Context) (err error) {
		r, err = l.Read(ctx, from)
		return err
	}))
	s.Cleanup(func() { s.ok(r.Close()) })
	return r
}

// expect reads exactly these values, starting at offset from.
func (s *suite) expect(r log.Reader, from log.Offset, values ...string) {
	s.Helper()
	for i, want := range values {
		got, err := r.Next(s.timeout())
		if err != nil || got.Offset != from+log.Offset(i) || string(got.Value) != want {
			s.Fatalf("got %d %q, %v; want %d %q", got.Offset, got.Value, err, from+log.Offset(i), want)
		}
	}
}

// noTopic: no call but Create creates a topic.
func (s *suite) noTopic() {
	l := s.open()
	for range 2 {
		_, err := l.Identity(s.timeout())
		s.fails(err, log.Retryable, log.ErrNoTopic)
		_, err = l.Bounds(s.timeout())
		s.fails(err, log.Retryable, nil)
		_, err = l.Read(s.timeout(), 0)
		s.fails(err, log.Retryable, nil)
	}
}

func (s *suite) create() {
	l := s.created()
	first, err := s.identity(l)
	s.ok(err)
	s.ok(l.Create(s.timeout()))
	again, err := s.identity(l)
	if err != nil || again != first || first.TopicID == "" || first.ClusterID == "" || first.Partitions != 1 {
		s.Fatalf("got %+v, then %+v, %v", first, again, err)
	}
	if b, err := s.bounds(l); err != nil || b != (log.Bounds{}) {
		s.Fatalf("bounds of an empty topic: %+v, %v", b, err)
	}
}

func (s *suite) appendAndRead() {
	l := s.created()
	r := s.read(l, 0)
	s.appendAll(l, "a", "b", "c")
	s.expect(r, 0, "a", "b", "c")
	other := s.open() // a second client reads the same
	s.appendAll(other, "d")
	s.expect(r, 3, "d")
	s.expect(s.read(other, 0), 0, "a", "b", "c", "d")
	if b, err := s.bounds(l); err != nil || b != (log.Bounds{Start: 0, End: 4}) {
		s.Fatalf("bounds %+v, %v", b, err)
	}
}

func (s *suite) readPositions() {
	l := s.created()
	s.appendAll(l, "a", "b", "c")
	s.expect(s.read(l, 1), 1, "b", "c")
	atEnd := s.read(l, 3)
	s.appendAll(l, "d")
	s.expect(atEnd, 3, "d")
	for _, from := range []log.Offset{5, 1000, -1} {
		_, err := l.Read(s.timeout(), from)
		s.fails(err, log.Fatal, log.ErrOutOfRange)
	}
}

func (s *suite) unusualValues() {
	l := s.created()
	big := strings.Repeat("x", maxBytes)
	s.appendAll(l, "", big, "\x00\xff")
	s.expect(s.read(l, 0), 0, "", big, "\x00\xff")
}

// tooLarge: a record that does not fit affects no other.
func (s *suite) tooLarge() {
	l := s.created()
	s.fails(s.append(l, make([]byte, maxBytes+1)), log.Rejected, log.ErrTooLarge)
	s.appendAll(l, "fits")
	s.expect(s.read(l, 0), 0, "fits")
}

// concurrentAppends: all records arrive once, those of each caller in order.
func (s *suite) concurrentAppends() {
	const callers, each = 16, 25
	l := s.created()
	var g errgroup.Group
	for c := range callers {
		g.Go(func() error {
			for i := range each {
				if err := s.append(l, fmt.Appendf(nil, "%02d-%03d", c, i)); err != nil {
					return err
				}
			}
			return nil
		})
	}
	s.ok(g.Wait())
	byCaller := make([][]string, callers)
	r := s.read(l, 0)
	for range callers * each {
		record, err := r.Next(s.timeout())
		s.ok(err)
		var c int
		_, err = fmt.Sscanf(string(record.Value), "%d-", &c)
		s.ok(err)
		byCaller[c] = append(byCaller[c], string(record.Value))
	}
	for c, values := range byCaller {
		if len(values) != each || !slices.IsSorted(values) || len(slices.Compact(values)) != each {
			s.Errorf("caller %d: %v", c, values)
		}
	}
}

// waitingRead: Next waits for a record, its context, or Close.
func (s *suite) waitingRead() {
	l := s.created()
	r := s.read(l, 0)
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	if _, err := r.Next(ctx); !errors.Is(err, context.DeadlineExceeded) {
		s.Fatalf("got %v, want the context's error", err)
	}
	s.appendAll(l, "a", "b", "c", "d", "e") // the reader is still usable
	s.expect(r, 0, "a")
	for range 20 {
		if record, err := r.Next(ctx); !errors.Is(err, context.DeadlineExceeded) {
			s.Fatalf("got the record at offset %d and %v, want the context's error although there is a record", record.Offset, err)
		}
	}
	s.expect(r, 1, "b", "c", "d", "e")

	ended := make(chan error)
	go func() {
		_, err := r.Next(context.Background())
		ended <- err
	}()
	s.ok(r.Close())
	if err := <-ended; !errors.Is(err, log.ErrClosed) {
		s.Fatalf("got %v, want ErrClosed", err)
	}
	s.ok(r.Close())
}

// closing: closing a log ends its readers and fails every later call.
func (s *suite) closing() {
	l := s.created()
	r := s.read(l, 0)
	ended := make(chan error)
	go func() {
		_, err := r.Next(context.Background())
		ended <- err
	}()
	s.ok(l.Close())
	if err := <-ended; !errors.Is(err, log.ErrClosed) {
		s.Fatalf("got %v, want ErrClosed", err)
	}
	s.ok(l.Close())
	_, bounds := l.Bounds(s.timeout())
	_, read := l.Read(s.timeout(), 0)
	for _, err := range []error{l.Append(s.timeout(), nil), l.Create(s.timeout()), bounds, read} {
		if !errors.Is(err, log.ErrClosed) {
			s.Errorf("got %v, want ErrClosed", err)
		}
	}
}

func (s *suite) trim() {
	l := s.created()
	s.appendAll(l, "a", "b", "c", "d")
	s.harness.Trim(s.T, s.topic, 2)
	if b, err := s.bounds(l); err != nil || b != (log.Bounds{Start: 2, End: 4}) {
		s.Fatalf("bounds %+v, %v", b, err)
	}
	_, err := l.Read(s.timeout(), 1)
	s.fails(err, log.Fatal, log.ErrOutOfRange)
	s.expect(s.read(l, 2), 2, "c", "d")
}

// outage: calls fail while the brokers are down and name what is awaited; afterwards
// the same log and reader continue without gap or repetition.
func (s *suite) outage() {
	l := s.created()
	s.appendAll(l, "a", "b")
	r := s.read(l, 0)
	s.expect(r, 0, "a", "b")
	s.harness.Stop(s.T)
	s.awaits(r)
	_, err := r.Source(s.timeout())
	s.fails(err, log.Retryable, nil)
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	err = l.Append(ctx, []byte("lost or not"))
	var e *log.Error
	if !errors.As(err, &e) || e.Await == "" || e.Class != log.Retryable && e.Class != log.Ambiguous {
		s.Fatalf("append in an outage: %v", err)
	}
	s.harness.Resume(s.T)
	s.recovers(l)
	s.isSequence(l)
}

// awaits checks that a reader in an outage names what it awaits.
func (s *suite) awaits(r log.Reader) {
	_, err := r.Next(s.timeout())
	var e *log.Error
	if !errors.As(err, &e) || e.Class != log.Retryable || e.Await == "" {
		s.Fatalf("next in an outage: %v", err)
	}
}

// recovers appends until an append succeeds.
func (s *suite) recovers(l log.Log) {
	ctx := s.timeout()
	for {
		err := l.Append(ctx, []byte("after"))
		if err == nil {
			return
		}
		if ctx.Err() != nil {
			s.Fatalf("still failing: %v", err)
		}
	}
}

// isSequence reads everything and checks for the records that must be there.
func (s *suite) isSequence(l log.Log) {
	b, err := s.bounds(l)
	s.ok(err)
	r := s.read(l, 0)
	var values []string
	for range b.End {
		record, err := r.Next(s.timeout())
		s.ok(err)
		values = append(values, string(record.Value))
	}
	if len(values) < 3 || values[0] != "a" || values[1] != "b" || !slices.Contains(values, "after") {
		s.Fatalf("log is %q", values)
	}
}

// closeInOutage: Close does not wait for brokers that are down.
func (s *suite) closeInOutage() {
	l := s.created()
	s.appendAll(l, "a")
	s.read(l, 0)
	s.harness.Stop(s.T)
	defer s.harness.Resume(s.T)
	stuck := make(chan error, 1)
	go func() { stuck <- l.Append(context.Background(), []byte("b")) }()
	began := time.Now()
	s.ok(l.Close())
	if took := time.Since(began); took > 2*time.Second {
		s.Errorf("close took %v", took)
	}
	if err := <-stuck; err == nil {
		s.Error("append in an outage succeeded")
	}
}
