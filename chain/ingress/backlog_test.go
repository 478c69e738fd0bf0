package ingress

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fabric-kafka/orderer/chain/log"
)

var three = Limit{Records: 3, Bytes: 100}

const soon = 5 * time.Second

func enters(t *testing.T, b *Backlog, size int) {
	t.Helper()
	if err := b.Enter(t.Context(), 0, size, three); err != nil {
		t.Fatalf("a record of %d bytes: %v", size, err)
	}
}

func isFull(t *testing.T, b *Backlog, size int) {
	t.Helper()
	before := time.Now()
	if err := b.Enter(t.Context(), soon, size, three); !errors.Is(err, ErrFull) || time.Since(before) != soon {
		t.Fatalf("a record of %d bytes: %v after %s", size, err, time.Since(before))
	}
}

func TestLimitOf(t *testing.T) {
	for block, want := range map[[2]uint32]Limit{
		{10, 2 << 20}:          {512, 16 << 20},
		{500, 2 << 20}:         {2000, 16 << 20},
		{500, 64 << 20}:        {2000, 256 << 20},
		{1<<32 - 1, 1<<32 - 1}: {4 * (1<<32 - 1), 4 * (1<<32 - 1)},
	} {
		if got := LimitOf(block[0], block[1]); got != want {
			t.Errorf("%v: %v, want %v", block, got, want)
		}
	}
}

// A record leaves with the block that it is in, and one that is not in the log at once.
func TestBacklogOfRecords(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &Backlog{}
		for range 3 {
			enters(t, b, 1)
		}
		isFull(t, b, 1)
		b.Appended(-1, 1)
		enters(t, b, 1)
		b.Appended(12, 1)
		b.Appended(10, 1)
		b.Appended(11, 1)
		b.Settle(10)
		isFull(t, b, 1)
		b.Settle(11)
		enters(t, b, 1)
		isFull(t, b, 1)
		b.Settle(10) // from a session that began before
		isFull(t, b, 1)
		b.Settle(20)
		b.Appended(15, 1) // was written before its caller knew that it is acknowledged
		for range 3 {
			enters(t, b, 1)
		}
		isFull(t, b, 1)
	})
}

func TestBacklogOfBytes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &Backlog{}
		enters(t, b, 1000) // there is no other
		isFull(t, b, 1)
		b.Appended(1, 1000)
		b.Settle(2)
		enters(t, b, 60)
		enters(t, b, 40)
		isFull(t, b, 1)
	})
}

// What the log may have lost does not keep others out.
func TestForget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &Backlog{}
		b.Forget()
		for at := range log.Offset(3) {
			enters(t, b, 1)
			b.Appended(at, 1)
		}
		isFull(t, b, 1)
		b.Forget()
		for range 3 {
			enters(t, b, 1)
		}
		isFull(t, b, 1)
	})
}

// Room is given in the order of arrival: a large record is not overtaken by small ones for which there is room.
func TestBacklogIsInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &Backlog{}
		enters(t, b, 90)
		var mu sync.Mutex
		var entered []int
		for i, size := range []int{50, 5, 5} {
			go func() {
				if err := b.Enter(t.Context(), soon, size, three); err != nil {
					t.Error(err)
				}
				mu.Lock()
				defer mu.Unlock()
				entered = append(entered, i)
			}()
			synctest.Wait()
		}
		if len(entered) > 0 {
			t.Errorf("%v have entered", entered)
		}
		b.Appended(7, 90)
		b.Settle(8)
		synctest.Wait()
		if len(entered) != 3 {
			t.Errorf("%v have entered", entered)
		}
	})
}

// One that gives up makes room for those behind it.
func TestGivingUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &Backlog{}
		enters(t, b, 60)
		ctx, cancel := context.WithCancel(t.Context())
		go func() {
			if err := b.Enter(ctx, time.Hour, 50, three); !errors.Is(err, ErrFull) {
				t.Error(err)
			}
		}()
		synctest.Wait()
		behind := make(chan error, 1)
		go func() { behind <- b.Enter(t.Context(), time.Hour, 40, three) }()
		synctest.Wait()
		cancel()
		if err := <-behind; err != nil {
			t.Error(err)
		}
	})
}

// Any number of callers, of whom some fail, leave nothing behind.
func TestBacklogEndsEmpty(t *testing.T) {
	b := &Backlog{}
	var callers sync.WaitGroup
	var mu sync.Mutex
	next := log.Offset(0)
	for i := range 200 {
		callers.Go(func() {
			if err := b.Enter(t.Context(), time.Minute, i, three); err != nil {
				t.Error(err)
				return
			}
			mu.Lock()
			at := next
			next++
			mu.Unlock()
			if i%7 == 0 {
				at = -1
			}
			b.Appended(at, i)
			b.Settle(at + 1)
		})
	}
	callers.Wait()
	b.Settle(next)
	if b.records != 0 || b.bytes != 0 || len(b.placed) != 0 || len(b.waiting) != 0 {
		t.Errorf("%d records of %d bytes, %d placed, %d waiting", b.records, b.bytes, len(b.placed), len(b.waiting))
	}
}

// BenchmarkBacklog measures a record that finds room.
func BenchmarkBacklog(b *testing.B) {
	l, at := &Backlog{}, log.Offset(0)
	b.ReportAllocs()
	for b.Loop() {
		if err := l.Enter(b.Context(), 0, 2000, three); err != nil {
			b.Fatal(err)
		}
		l.Appended(at, 2000)
		at++
		l.Settle(at)
	}
}
