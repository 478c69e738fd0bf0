package pool

import (
	"testing"
	"testing/synctest"
	"time"
)

type thing struct{ closed bool }

func (t *thing) Close() { t.closed = true }

// Calls wait for their turn, and not for long if those before them do not end.
func TestTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := New[*thing](time.Hour)
		began := time.Now()
		var first []Turn
		for range maxTurns {
			first = append(first, p.Await(t.Context()))
		}
		time.AfterFunc(turnTimeout/2, first[0].Over)
		next := p.Await(t.Context())
		if waited := time.Since(began); waited != turnTimeout/2 {
			t.Errorf("waited %s", waited)
		}
		late := p.Await(t.Context())
		if waited := time.Since(began); waited != turnTimeout {
			t.Errorf("waited %s", waited)
		}
		for _, turn := range append(first, next, late) {
			turn.Over()
		}
		synctest.Wait()
		if len(p.turns) != 0 {
			t.Errorf("%d turns are still taken", len(p.turns))
		}
	})
}

// What is kept is returned to the next call, the one used last before others, until it is too old.
func TestPool(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := New[*thing](time.Minute)
		one, two := &thing{}, &thing{}
		if _, ok := p.Take(); ok {
			t.Error("the pool began with a thing")
		}
		p.Keep(one, time.Now())
		p.Keep(two, time.Now())
		if got, ok := p.Take(); !ok || got != two {
			t.Error("want the one used last")
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if _, ok := p.Take(); ok || !one.closed {
			t.Error("it was kept for longer")
		}
		if two.closed || p.Keep(two, time.Now().Add(-time.Minute)) {
			t.Error("want it to remain the caller's")
		}
		p.Keep(two, time.Now())
		if p.Close(); !two.closed {
			t.Error("the pool has left a thing")
		}
	})
}
