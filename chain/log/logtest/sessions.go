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
	atATime = 16 // readers
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
	s := &suite{T: t, harness: h, topic: fmt.Sprintf("soak-%d", time.Now().UnixNano())}
	l := s.created()
	value := string(make([]byte, 1<<20/records))
	for range records {
		s.appendAll(l, value)
	}
	s.sessions(l, 2*atATime, value) // what is made once
	heap, goroutines := s.left(0, 0)
	s.sessions(l, readers, value)
	nowHeap, nowGoroutines := s.left(heap+leftBytes, goroutines+leftGoroutines)
	if grown := nowHeap - heap; grown > leftBytes {
		return fmt.Sprintf("%d readers left %d KiB behind, %d KiB each", readers, grown>>10, grown>>10/readers)
	}
	if grown := nowGoroutines - goroutines; grown > leftGoroutines {
		return fmt.Sprintf("%d readers left %d goroutines behind", readers, grown)
	}
	return ""
}

// sessions opens readers and closes them, some at a time: with everything fetched and
// nothing read, after a record, and at the end, where nothing comes.
func (s *suite) sessions(l log.Log, readers int, value string) {
	s.Helper()
	var g errgroup.Group
	g.SetLimit(atATime)
	for i := range readers {
		g.Go(func() error { return s.session(l, i%3, value) })
	}
	s.ok(g.Wait())
}

func (s *suite) session(l log.Log, kind int, value string) error {
	from := log.Offset(records * (kind / 2))
	var r log.Reader
	err := s.settles(func(ctx context.Context) (err error) {
		r, err = l.Read(ctx, from)
		return err
	})
	if err != nil {
		return err
	}
	if kind == 1 {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		record, err := r.Next(ctx)
		if err != nil || string(record.Value) != value {
			return errors.Join(fmt.Errorf("got %d bytes at offset %d", len(record.Value), record.Offset), err, r.Close())
		}
	}
	return r.Close()
}

// left is how much of the heap is in use, and how many goroutines run, once both are
// at most so much, or do not become less.
func (s *suite) left(bytes, goroutines int) (heap, running int) {
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
