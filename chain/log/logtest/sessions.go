package logtest

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"runtime"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/fabric-kafka/orderer/chain/log"
)

// sessions is how many readers a soak opens one after the other on one log. What a
// reader leaves behind shows with hundreds; give more to see less.
var sessions = flag.Int("logtest.sessions", 300, "readers that the soak of package logtest opens and closes")

// What a soak may leave behind, however many readers were opened.
const (
	leftBytes      = 8 << 20
	leftGoroutines = 20
)

const (
	records = 16 // of the topic: 1 MiB
	atATime = 16 // sessions
)

// soak: a log that lives as long as the process keeps nothing of readers that were
// closed, whatever they had fetched ahead.
func (s *suite) soak() {
	if fault := Soak(s.T, s.harness, *sessions); fault != "" {
		s.Error(fault)
	}
}

// Soak opens and closes so many readers on one log, and says what of them is left.
func Soak(t *testing.T, h Harness, readers int) (fault string) {
	value := string(make([]byte, 1<<20/records))
	return Left(t, h, readers, func(s log.Log, i int) error { return session(s, i%4, value) })
}

// Left does something with one log so many times, some at a time, and says what of it
// is left. The topic holds 1 MiB.
func Left(t *testing.T, h Harness, times int, do func(l log.Log, i int) error) (fault string) {
	s := &suite{T: t, harness: h, topic: fmt.Sprintf("soak-%d", time.Now().UnixNano())}
	l := s.created()
	for range records {
		s.appendAll(l, string(make([]byte, 1<<20/records)))
	}
	repeat := func(times int) {
		var g errgroup.Group
		g.SetLimit(atATime)
		for i := range times {
			g.Go(func() error { return s.settles(func(context.Context) error { return do(l, i) }) })
		}
		s.ok(g.Wait())
	}
	repeat(4 * atATime) // what is made once
	heap, goroutines := left(0, 0)
	repeat(times)
	nowHeap, nowGoroutines := left(heap+leftBytes, goroutines+leftGoroutines)
	if grown := nowHeap - heap; grown > leftBytes {
		return fmt.Sprintf("%d times left %d KiB behind, %d KiB each", times, grown>>10, grown>>10/times)
	}
	if grown := nowGoroutines - goroutines; grown > leftGoroutines {
		return fmt.Sprintf("%d times left %d goroutines behind", times, grown)
	}
	return ""
}

// session opens a reader and closes it: with everything fetched and nothing read, after
// a record, and at the end, where nothing comes. Beside it, what needs no reader.
func session(l log.Log, kind int, value string) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if kind == 3 {
		_, bounds := l.Bounds(ctx)
		_, identity := l.Identity(ctx)
		_, survey := l.Survey(ctx)
		published := l.Publish(ctx, log.Progress{Member: "soak"})
		return errors.Join(bounds, identity, survey, published)
	}
	r, err := l.Read(ctx, log.Offset(records*(kind/2)))
	if err != nil {
		return err
	}
	if kind == 1 {
		record, err := r.Next(ctx)
		if err != nil || string(record.Value) != value {
			return errors.Join(fmt.Errorf("got %d bytes at offset %d", len(record.Value), record.Offset), err, r.Close())
		}
	}
	return r.Close()
}

// left is how much of the heap is in use, and how many goroutines run, once both are
// at most so much, or do not become less.
func left(bytes, goroutines int) (heap, running int) {
	var m runtime.MemStats
	for range 20 {
		runtime.GC()
		runtime.ReadMemStats(&m)
		heap, running = int(m.HeapAlloc), runtime.NumGoroutine()
		if heap <= bytes && running <= goroutines {
			break
		}
		time.Sleep(10 * time.Millisecond) // what was closed ends in its own time
	}
	return heap, running
}
