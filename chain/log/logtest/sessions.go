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

// sessions is the number of readers that a soak opens on one log. Hundreds show what each
// reader leaks; a larger number shows smaller leaks.
var sessions = flag.Int("logtest.sessions", 300, "readers that the soak of package logtest opens and closes")

// What a soak may leave behind, however many readers it opens.
const (
	leftBytes      = 8 << 20
	leftGoroutines = 20
)

const (
	records = 16 // of the topic: 1 MiB
	atATime = 16 // sessions
)

// soak: a log that lives as long as the process keeps nothing of closed readers,
// whatever they had fetched ahead.
func (s *suite) soak() {
	if fault := Soak(s.T, s.harness, *sessions); fault != "" {
		s.Error(fault)
	}
}

// Soak opens and closes readers on one log, and returns a description of what they leak;
// empty for nothing.
func Soak(t *testing.T, h Harness, readers int) (fault string) {
	value := string(make([]byte, 1<<20/records))
	return Left(t, h, readers, func(s log.Log, i int) error { return session(s, i%4, value) })
}

// Left calls do with one log the given number of times, several at a time, and returns a
// description of what the calls leak; empty for nothing. The topic has 1 MiB of records.
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
	repeat(4 * atATime) // for what is allocated once
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
// a record, or at the end of the log. The remaining kind makes the calls without a reader.
func session(l log.Log, kind int, value string) error {
	ctx, cancel := context.WithTimeout(context.Background(), stepTimeout)
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

// left returns the heap in use and the number of goroutines once both are within the
// given limits, or after several attempts.
func left(bytes, goroutines int) (heap, running int) {
	var m runtime.MemStats
	for range 20 {
		runtime.GC()
		runtime.ReadMemStats(&m)
		heap, running = int(m.HeapAlloc), runtime.NumGoroutine()
		if heap <= bytes && running <= goroutines {
			break
		}
		time.Sleep(10 * time.Millisecond) // goroutines end shortly after Close
	}
	return heap, running
}
