package producer_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/fabric-kafka/orderer/chain/log"
	"github.com/fabric-kafka/orderer/chain/log/kafka/kafkatest"
)

// The leader moves all the time, and no append fails.
func TestAppendFollowsTheLeader(t *testing.T) {
	t.Parallel()
	const callers, each = 16, 40
	h := kafkatest.NewHarness(t, 3)
	l := h.Created(t, "topic")
	var g errgroup.Group
	for c := range callers {
		g.Go(func() error {
			for n := range each {
				if err := l.Append(t.Context(), fmt.Appendf(nil, "%d-%d", c, n)); err != nil {
					return err
				}
			}
			return nil
		})
	}
	ended := make(chan error, 1)
	go func() { ended <- g.Wait() }()
	for moves := 0; ; moves++ {
		select {
		case err := <-ended:
			kafkatest.Must(t, err)
			if all := kafkatest.Copies(t, l); len(all) != callers*each || moves < 2 {
				t.Errorf("%d values of %d, %d moves", len(all), callers*each, moves)
			}
			return
		case <-time.After(10 * time.Millisecond):
			h.Move("topic", int32(moves%3))
		}
	}
}

// A record that every attempt is refused for is not in the log. The error names what is
// awaited, both when the attempts are exhausted and when the caller's time is over.
func TestRefusedAppends(t *testing.T) {
	t.Parallel()
	h := kafkatest.NewHasty(t)
	l := h.Created(t, "topic")
	h.Cluster.Script("topic", kafkatest.Answer{Code: kafkatest.CodeNotEnoughReplicas})
	kafkatest.MustFail(t, "refused", l.Append(t.Context(), []byte("refused")), log.Retryable, "waiting for enough in-sync replicas of the topic")
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	err := l.Append(ctx, []byte("left"))
	if log.ClassOf(err) != log.Ambiguous { // the time may be over while an attempt is in flight
		kafkatest.MustFail(t, "left", err, log.Retryable, "waiting for enough in-sync replicas of the topic", "deadline exceeded")
	}
	h.Cluster.Script("topic")
	kafkatest.Append(t, l, "last")
	got := kafkatest.Copies(t, l)
	if got["refused"] != 0 || got["last"] != 1 || got["left"] > 0 && log.ClassOf(err) != log.Ambiguous {
		t.Errorf("the log has %v", got)
	}
}

// A caller leaves while its record waits for one in doubt: it is never sent.
func TestLeavingTheQueue(t *testing.T) {
	t.Parallel()
	h := kafkatest.NewHasty(t)
	l := h.Created(t, "topic")
	sent := h.Fault(kafkatest.Fault{Key: kafkatest.KeyProduce, Observe: true})
	h.Cluster.Script("topic", kafkatest.Answer{Append: true, Code: kafkatest.CodeTimedOut})
	first := make(chan error, 1)
	go func() { first <- l.Append(t.Context(), []byte("first")) }()
	kafkatest.Eventually(t, "the first is sent again", func() bool { return sent.Hits() > 1 })
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	kafkatest.MustFail(t, "left", l.Append(ctx, []byte("left")), log.Retryable)
	h.Cluster.Script("topic")
	if err := <-first; err != nil && log.ClassOf(err) != log.Ambiguous {
		t.Errorf("the first: %v", err)
	}
	kafkatest.Append(t, l, "last")
	if got := kafkatest.Copies(t, l); got["left"] != 0 || got["first"] != 1 || got["last"] != 1 {
		t.Errorf("the log has %v", got)
	}
}

// After Close, a record that was sent may be in the log, and a queued one is not.
func TestCloseReportsWhatWasSent(t *testing.T) {
	t.Parallel()
	h := kafkatest.NewHasty(t)
	l := h.Created(t, "topic", "before")
	h.Swallow()
	result := make(chan error, 1)
	go func() { result <- l.Append(t.Context(), []byte("sent")) }()
	kafkatest.Eventually(t, "the broker has it", func() bool { return h.Info("topic").End == 2 })
	var queued sync.WaitGroup
	for range 8 {
		queued.Go(func() {
			if err := l.Append(t.Context(), []byte("queued")); !errors.Is(err, log.ErrClosed) || log.ClassOf(err) == log.Ambiguous {
				t.Errorf("queued: %v (class %v)", err, log.ClassOf(err))
			}
		})
	}
	kafkatest.Must(t, l.Close())
	queued.Wait()
	if err := <-result; !errors.Is(err, log.ErrClosed) || log.ClassOf(err) != log.Ambiguous {
		t.Errorf("sent: %v (class %v)", err, log.ClassOf(err))
	}
	h.Flow()
	again := h.Open(t, "topic", log.Settings{ReplicationFactor: 1})
	defer again.Close()
	if got := kafkatest.Copies(t, again); got["queued"] != 0 || got["sent"] != 1 {
		t.Errorf("the log has %v", got)
	}
}

// The topic's limit is below the client's: a record that is too large by itself is refused,
// and records that are only too large together are appended, once.
func TestBatchesTooLargeForTheTopic(t *testing.T) {
	t.Parallel()
	const limit, callers, each = 100_000, 32, 8
	h := kafkatest.NewHasty(t)
	h.Create("topic", 1, map[string]string{"max.message.bytes": fmt.Sprint(limit)})
	l := h.Open(t, "topic", log.Settings{ReplicationFactor: 1, MaxMessageBytes: 1 << 20})
	defer l.Close()
	var g errgroup.Group
	for c := range callers {
		g.Go(func() error {
			for n := range each {
				size := 1 + (c*7919+n*104729)%(2*limit)
				err := l.Append(t.Context(), fmt.Appendf(nil, "%*d", size, 1000*c+n))
				if errors.Is(err, log.ErrTooLarge) != (size > limit-200) || err != nil && log.ClassOf(err) != log.Rejected {
					return fmt.Errorf("%d bytes: %w", size, err)
				}
			}
			return nil
		})
	}
	kafkatest.Must(t, g.Wait())
	for value, n := range kafkatest.Copies(t, l) {
		if n != 1 || len(value) > limit {
			t.Errorf("%d bytes are in the log %d times", len(value), n)
		}
	}
}

// A broker has lost the state of the producer, as after a day without records.
func TestProducerIDIsRenewed(t *testing.T) {
	t.Parallel()
	h := kafkatest.NewHasty(t)
	l := h.Created(t, "topic", "a")
	for _, code := range []int16{kafkatest.CodeOutOfOrderSequence, kafkatest.CodeUnknownProducer, kafkatest.CodeInvalidProducerEpoch} {
		h.Cluster.Script("topic", kafkatest.Answer{Code: code}, kafkatest.Answer{Append: true})
		kafkatest.Append(t, l, fmt.Sprint(code))
	}
	if got := kafkatest.Copies(t, l); len(got) != 4 {
		t.Errorf("the log has %v", got)
	}
}

// The brokers append a record and stop before they acknowledge it. Append waits, and returns
// once they are back: the record is in the log, once.
func TestAcknowledgedAfterAnOutage(t *testing.T) {
	t.Parallel()
	h := kafkatest.NewHasty(t)
	l := h.Created(t, "topic", "before")
	h.Swallow()
	result := make(chan error, 1)
	go func() { result <- l.Append(t.Context(), []byte("in doubt")) }()
	kafkatest.Eventually(t, "the record is in the log", func() bool { return h.Info("topic").End == 2 })
	h.Stop(t)
	select {
	case err := <-result:
		t.Fatalf("got %v before the brokers are back", err)
	case <-time.After(300 * time.Millisecond): // far more than 50 attempts take
	}
	h.Resume(t)
	kafkatest.Must(t, <-result)
	if got := kafkatest.Copies(t, l); got["in doubt"] != 1 {
		t.Errorf("the log has %v", got)
	}
}

// A batch in doubt keeps its producer id even after its callers have left: a broker that has lost its
// controller assigns no other for half a minute.
func TestABatchInDoubtKeepsItsProducerID(t *testing.T) {
	t.Parallel()
	h := kafkatest.NewHarness(t, 1)
	l := h.Created(t, "topic", "first")
	h.Cluster.Script("topic", kafkatest.Answer{Code: kafkatest.CodeTimedOut})
	inDoubt(t, l, []byte("in doubt"))
	h.Fault(kafkatest.Fault{Key: kafkatest.KeyInitProducerID, Code: kafkatest.CodeCoordinatorLoading})
	time.Sleep(100 * time.Millisecond) // a few attempts, of the 50 that it has
	h.Cluster.Script("topic")
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	kafkatest.Must(t, l.Append(ctx, []byte("second")))
	if got := kafkatest.Copies(t, l); got["second"] != 1 || got["in doubt"] > 1 {
		t.Errorf("the log has %v", got)
	}
}

// inDoubt appends a record whose caller leaves before a broker has accepted it. If the caller left before the record
// was sent, that is not in the log, and another is appended.
func inDoubt(t *testing.T, l log.Log, value []byte) {
	t.Helper()
	for wait := 50 * time.Millisecond; ; wait *= 4 {
		ctx, cancel := context.WithTimeout(t.Context(), wait)
		err := l.Append(ctx, value)
		cancel()
		if log.ClassOf(err) == log.Ambiguous {
			return
		}
		if wait > 10*time.Second {
			t.Fatalf("got %v, want an ambiguous append", err)
		}
	}
}
