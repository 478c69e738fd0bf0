package chain

import (
	"context"
	"errors"
	"math"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hyperledger/fabric/orderer/common/types"

	"github.com/fabric-kafka/orderer/chain/chaintest"
	"github.com/fabric-kafka/orderer/chain/log"
)

// stale is a log of which some records are acknowledged and not read yet: those
// from an offset on, which is the same for all clients.
type stale struct {
	log.Log
	limit *atomic.Int64
}

type laggingReader struct {
	log.Reader
	next  log.Offset
	limit *atomic.Int64
}

func (l stale) Read(ctx context.Context, from log.Offset) (log.Reader, error) {
	r, err := l.Log.Read(ctx, from)
	return &laggingReader{r, from, l.limit}, err
}

func (l *laggingReader) Next(ctx context.Context) (log.Record, error) {
	if int64(l.next) >= l.limit.Load() {
		return log.Record{}, &log.Error{Class: log.Retryable, Op: "read", Err: errors.New("no leader")}
	}
	r, err := l.Reader.Next(ctx)
	if err == nil {
		l.next = r.Offset + 1
	}
	return r, err
}

// election is a rig whose topic loses records that nobody has read, while the
// orderers run.
type election struct {
	*rig
	limit atomic.Int64
}

func inElection(t *testing.T, f func(*election)) {
	inBubble(t, func(r *rig) { f(&election{rig: r}) })
}

// begin starts the chain of a ledger, which reads no record from offset end on.
func (e *election) begin(l *ledger, end log.Offset, change ...func(*Options)) *Chain {
	e.limit.Store(int64(end))
	c := e.chain(l)
	fast := c.opts.OpenLog
	c.opts.OpenLog = func(brokers []string, topic string, limit uint32) (log.Log, error) {
		l, err := fast(brokers, topic, limit)
		return stale{l, &e.limit}, err
	}
	for _, f := range change {
		f(&c.opts)
	}
	c.Start()
	settle()
	return c
}

// loses waits until at least this many records after end are acknowledged, and elects a leader that has none of them.
func (e *election) loses(least int) {
	e.Helper()
	settle()
	end := log.Offset(e.limit.Load())
	if n := e.broker.Len(channel); n < int(end)+least {
		e.Fatalf("the topic has %d records, want %d and %d after them", n, end, least)
	}
	e.broker.CutTail(channel, end)
}

// ends lets everything be read.
func (e *election) ends() {
	e.limit.Store(math.MaxInt64)
	settle()
}

// A time-to-cut that was acknowledged and lost, while the envelope that it is for was not, is posted again, as often
// as necessary.
func TestTimeToCutIsLost(t *testing.T) {
	inElection(t, func(e *election) {
		a, b := newLedger(), newLedger()
		c, _ := e.begin(a, 2), e.begin(b, 2)
		e.order(c, "a")
		e.loses(2) // each orderer's
		e.loses(1) // an orderer that finds one in the topic does not post another
		e.ends()
		e.equalLedgers(a, b)
		e.holds(a, "a @2")
	})
}

func TestDescriptionIsLost(t *testing.T) {
	inElection(t, func(e *election) {
		l := newLedger()
		c := e.begin(l, 0)
		e.loses(1)
		e.loses(1)
		e.ends()
		e.order(c, "a")
		settle()
		e.holds(l, "a @2")
	})
}

// So is the copy of a stale config update, whose client got SUCCESS.
func TestReproducedConfigIsLost(t *testing.T) {
	inElection(t, func(e *election) {
		l := newLedger()
		c := e.begin(l, 3)
		if err := errors.Join(c.Configure(configEnvelope("one", 0, 1), 0), c.Configure(configEnvelope("two", 0, 1), 0)); err != nil {
			e.Fatal(err)
		}
		e.loses(1)
		e.loses(1)
		e.ends()
		e.holds(l, "one @1; two @3")
	})
}

// So is the copy of a stale envelope, by the compatible rules.
func TestResubmittedEnvelopeIsLost(t *testing.T) {
	inElection(t, func(e *election) {
		l := newLedger()
		c := e.begin(l, 3, func(o *Options) { o.Settings.AllowUndescribed = true })
		if err := errors.Join(c.Configure(configEnvelope("one", 0, 1), 0), c.Order(envelope("a"), 0)); err != nil {
			e.Fatal(err)
		}
		e.loses(1)
		e.loses(1)
		e.ends()
		e.holds(l, "one @1; a @4")
	})
}

// What was read is not appended again, however often sessions end.
func TestWhatWasReadIsNotAppendedAgain(t *testing.T) {
	inBubble(t, func(r *rig) {
		l := newLedger()
		c := r.started(l)
		err := errors.Join(c.Configure(configEnvelope("one", 0, 1), 0), c.Configure(configEnvelope("two", 0, 1), 0), c.Order(envelope("a"), 0))
		if err != nil {
			r.Fatal(err)
		}
		settle()
		n := r.broker.Len(channel)
		for range 3 {
			r.broker.Elect(channel)
			settle()
		}
		if now := r.broker.Len(channel); now != n || n < 5 {
			r.Errorf("the topic has %d records after elections, want %d", now, n)
		}
	})
}

// Sessions that end before the batch timer expires do not delay the cut.
func TestSessionsDoNotDelayTheCut(t *testing.T) {
	inBubble(t, func(r *rig) {
		l := chaintest.NewLedger(channel, chaintest.Settings{Timeout: 20 * DefaultCheckInterval})
		c := r.started(l)
		r.order(c, "a")
		time.Sleep(19 * DefaultCheckInterval)
		r.holds(l, "")
		time.Sleep(4 * DefaultCheckInterval)
		r.holds(l, "a @2")
	})
}

// A chain that was to read up to an end which is then lost has caught up where the topic ends now.
func TestEndOfTheLogIsLost(t *testing.T) {
	inElection(t, func(e *election) {
		first := e.started(newLedger())
		e.order(first, "a", "b", "c", "d")
		first.Halt()
		c := e.begin(newLedger(), 3)
		e.reports(c, types.StatusInactive)
		e.broker.CutTail(channel, 3)
		e.ends()
		e.reports(c, types.StatusActive)
	})
}

// lying acknowledges some records and has none of them, without a new leader.
type lying struct {
	log.Log
	drops *atomic.Int64 // how many records it accepts before it drops one; negative for none
}

func (l lying) Append(ctx context.Context, value []byte) error {
	if l.drops.Add(-1) == -1 {
		return nil
	}
	return l.Log.Append(ctx, value)
}

// TestNothingIsThere: an acknowledged record that was never in the topic, whose leader stays the same, is appended
// again after the next check.
func TestNothingIsThere(t *testing.T) {
	for name, test := range map[string]struct {
		takes int64 // records before the one that is dropped
		order func(*Chain) error
		want  string
	}{
		"description": {0, func(c *Chain) error { return errors.Join(c.WaitReady(), c.Order(envelope("a"), 0)) }, "a @2"},
		"time-to-cut": {2, func(c *Chain) error { return c.Order(envelope("a"), 0) }, "a @2"},
		"config": {3, func(c *Chain) error {
			return errors.Join(c.Configure(configEnvelope("one", 0, 1), 0), c.Configure(configEnvelope("two", 0, 1), 0))
		}, "one @1; two @3"},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(r *rig) {
				l := newLedger()
				c := r.chain(l)
				var drops atomic.Int64
				drops.Store(test.takes)
				sound := c.opts.OpenLog
				c.opts.OpenLog = func(brokers []string, topic string, limit uint32) (log.Log, error) {
					l, err := sound(brokers, topic, limit)
					return lying{l, &drops}, err
				}
				c.Start()
				settle()
				if err := test.order(c); err != nil {
					r.Fatal(err)
				}
				settle()
				r.holds(l, test.want)
				if drops.Load() > -2 {
					r.Errorf("no record was dropped")
				}
			})
		})
	}
}
