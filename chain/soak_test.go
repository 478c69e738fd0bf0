package chain

import (
	"runtime"
	"testing"
	"testing/synctest"
	"time"
)

// A day of sessions, one for each CheckInterval, leaks nothing.
func TestSessionsLeaveNothing(t *testing.T) {
	const bound = 1 << 20
	inBubble(t, func(r *rig) {
		c := r.started(newLedger())
		r.order(c, "a", "b", "c", "d")
		ops := r.broker.Ops()
		heap := func() int {
			var m runtime.MemStats
			synctest.Wait()
			runtime.GC()
			runtime.ReadMemStats(&m)
			return int(m.HeapAlloc)
		}
		time.Sleep(time.Hour)
		before, goroutines := heap(), runtime.NumGoroutine()
		time.Sleep(24 * time.Hour)
		if sessions := r.broker.Ops() - ops; sessions < 3000 {
			r.Fatalf("%d operations are too few for 3000 sessions", sessions)
		}
		if grown := heap() - before; grown > bound {
			r.Errorf("a day left %d KiB behind", grown>>10)
		}
		if now := runtime.NumGoroutine(); now > goroutines {
			r.Errorf("%d goroutines after %d", now, goroutines)
		}
	})
}
