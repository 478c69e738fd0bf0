package conn

import (
	"testing"
	"testing/synctest"
	"time"
)

// pooled returns the cluster of a log with pools.
func pooled(p *Pools, brokers ...string) *Cluster {
	return Open(Config{Brokers: brokers, DialTimeout: time.Second, ReadTimeout: time.Second, WriteTimeout: time.Second, Pools: p}, "topic")
}

// returned takes a client for a log, and returns it as after a call that went well.
func returned(t *testing.T, c *Cluster) *Client {
	t.Helper()
	taken := c.Take(t.Context(), Errand{})
	taken.Return(true)
	return taken
}

// A client goes from log to log, is used by one call at a time, and is closed with the last log of its brokers.
func TestPool(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pools := NewPools(0)
		one, two, other := pooled(pools, "a:1", "b:1"), pooled(pools, "b:1", "a:1"), pooled(pools, "a:1")
		kept := returned(t, one)
		foreign := other.Take(t.Context(), Errand{})
		if foreign == kept || foreign.Kept {
			t.Error("a client went to a log with other brokers")
		}
		first, second := two.Take(t.Context(), Errand{AnyBroker: true}), one.Take(t.Context(), Errand{})
		if first != kept || !first.Kept || second == kept || second.Kept {
			t.Error("want the client that was kept, and another one while it is in use")
		}
		if e := first.Gate.errand.Load(); e.brokers != two.brokers || !e.AnyBroker {
			t.Error("the client still makes requests for the other log")
		}
		second.Return(false)
		if !second.Gate.Closed() {
			t.Error("a client was kept whose call has failed")
		}
		first.Return(true)
		one.Close()
		one.Close()
		if first.Gate.Closed() || len(pools.pools) != 2 {
			t.Error("the first log to close has closed what another one uses")
		}
		two.Close()
		if !first.Gate.Closed() {
			t.Error("the last log has left a client")
		}
		foreign.Return(true)
		other.Close()
		if !foreign.Gate.Closed() || len(pools.pools) != 0 {
			t.Errorf("left: %v", pools.pools)
		}
	})
}

// A client is used for a limited time, since what it has logged in with may be accepted no longer.
func TestPooledClientsExpire(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := pooled(NewPools(time.Minute), "a:1")
		defer c.Close()
		kept := returned(t, c)
		time.Sleep(time.Minute - 1)
		if taken := c.Take(t.Context(), Errand{}); taken != kept {
			t.Error("it has expired too early")
		}
		time.Sleep(time.Second)
		kept.Return(true)
		if !kept.Gate.Closed() {
			t.Error("it was kept for longer, because it was in use")
		}
		idle := returned(t, c)
		time.Sleep(time.Minute + time.Second)
		if taken := c.Take(t.Context(), Errand{}); taken == idle || !idle.Gate.Closed() {
			t.Error("it was kept for longer, because it was not in use")
		}
	})
}

// A client with a request that is not answered yet, or with a pause that a broker has asked for, would keep the next call
// waiting.
func TestBusyClientsAreNotKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := pooled(NewPools(0), "a:1")
		defer c.Close()
		busy := c.Take(t.Context(), Errand{})
		w := busy.Gate.begin("a:1", connecting, func(error) {})
		busy.Return(true)
		w.end()
		w.end()
		if taken := c.Take(t.Context(), Errand{}); taken == busy || busy.Gate.busy.Load() != 0 {
			t.Error("a client was kept that waits for a broker")
		}
		paused := c.Take(t.Context(), Errand{})
		paused.Gate.throttled("a:1", keyMetadata, time.Second)
		paused.Return(true)
		if taken := c.Take(t.Context(), Errand{}); taken == paused {
			t.Error("a client was kept whose next request has to wait")
		}
		time.Sleep(time.Minute)
	})
}
