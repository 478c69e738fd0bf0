package ingress

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// Calls that begin at about the same time share a context; none lasts longer than the limit, or much shorter.
func TestTimeLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		parent, end := context.WithCancel(t.Context())
		defer end()
		l := NewTimeLimit(parent, 10*time.Second)
		all := map[context.Context]bool{}
		for range 1000 {
			ctx := l.Context()
			all[ctx] = true
			if at, ok := ctx.Deadline(); !ok || time.Until(at) > l.timeout || time.Until(at) <= l.timeout*19/20 {
				t.Fatalf("%s are left, want at most %s", time.Until(at), l.timeout)
			}
			time.Sleep(10 * time.Millisecond)
		}
		if len(all) != sharing {
			t.Errorf("%d contexts in %s", len(all), l.timeout)
		}
		alone := l.Context()
		time.Sleep(l.timeout)
		synctest.Wait()
		if err := alone.Err(); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("after the limit: %v", err)
		}
		last := l.Context()
		end()
		if last.Err() == nil || l.Context().Err() == nil {
			t.Error("a context outlasts its parent")
		}
	})
}
