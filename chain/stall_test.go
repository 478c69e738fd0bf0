package chain

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hyperledger/fabric/orderer/common/types"

	"github.com/fabric-kafka/orderer/chain/log"
	"github.com/fabric-kafka/orderer/chain/log/memlog"
	"github.com/fabric-kafka/orderer/chain/status"
)

// through gives a chain a log that wraps that of the broker.
func (r *rig) through(c *Chain, wrap func(log.Log) log.Log) {
	plain := c.opts.OpenLog
	c.opts.OpenLog = func(brokers []string, topic string, limit uint32) (log.Log, error) {
		l, err := plain(brokers, topic, limit)
		return wrap(l), err
	}
}

// A record that takes longer than CheckInterval is read nevertheless.
func TestSlowerThanTheCheck(t *testing.T) {
	inBubble(t, func(r *rig) {
		a := newLedger()
		r.order(r.started(a), "a", "b", "c", "d")
		settle()
		r.broker.SetPace(memlog.Pace{Record: 5 * time.Second})
		b := newLedger()
		c := r.chain(b)
		c.opts.CheckInterval = time.Second
		c.Start()
		long()
		r.equalLedgers(a, b)
	})
}

// deafLog is a log whose first few readers return nothing.
type deafLog struct {
	log.Log
	left *atomic.Int64
}

type deafReader struct{ log.Reader }

func (d deafLog) Read(ctx context.Context, from log.Offset) (log.Reader, error) {
	r, err := d.Log.Read(ctx, from)
	if err != nil || d.left.Add(-1) < 0 {
		return r, err
	}
	return deafReader{r}, nil
}

func (deafReader) Next(ctx context.Context) (log.Record, error) {
	<-ctx.Done()
	return log.Record{}, ctx.Err()
}

// A reader that returns nothing, though the log has more, is replaced: while the chain
// connects, and while it reads.
func TestReplacesAReaderThatIsStuck(t *testing.T) {
	inBubble(t, func(r *rig) {
		l := r.large(5)
		c := r.chain(l)
		left := &atomic.Int64{}
		left.Store(3)
		r.through(c, func(l log.Log) log.Log { return deafLog{l, left} })
		c.Start()
		long()
		r.reports(c, types.StatusActive)
		left.Store(3)
		r.broker.Elect(channel)
		other := r.started(l.UpTo(6))
		r.order(other, "a", "b", "c")
		long()
		if len(l.Stored()) != 9 {
			r.Errorf("%d blocks, want 9", len(l.Stored()))
		}
		other.Halt()
		c.Halt()
	})
}

// tiringLog is a log whose readers return nothing more after a few records.
type tiringLog struct{ log.Log }

type tiringReader struct {
	log.Reader
	left int
}

func (d tiringLog) Read(ctx context.Context, from log.Offset) (log.Reader, error) {
	r, err := d.Log.Read(ctx, from)
	return &tiringReader{r, 3}, err
}

func (d *tiringReader) Next(ctx context.Context) (log.Record, error) {
	if d.left == 0 {
		<-ctx.Done()
		return log.Record{}, ctx.Err()
	}
	r, err := d.Reader.Next(ctx)
	if err == nil {
		d.left--
	}
	return r, err
}

// A reader that makes progress and then hangs does not make the chain wait longer for the next one.
func TestReadersThatTire(t *testing.T) {
	inBubble(t, func(r *rig) {
		a := newLedger()
		c := r.started(a)
		for range 20 {
			r.order(c, "a", "b", "c")
		}
		b := newLedger()
		d := r.chain(b)
		r.through(d, func(l log.Log) log.Log { return tiringLog{l} })
		d.Start()
		time.Sleep(25 * 2 * DefaultCheckInterval)
		r.equalLedgers(a, b)
	})
}

// slowAppends is a log that acknowledges appends after a while. A record is in the log even if its caller did not wait,
// as with a client that has sent it.
type slowAppends struct {
	log.Log
	while time.Duration
}

func (s slowAppends) Append(ctx context.Context, value []byte) error {
	if err := s.Log.Append(ctx, value); err != nil {
		return err
	}
	select {
	case <-time.After(s.while):
		return nil
	case <-ctx.Done():
		return &log.Error{Class: log.Ambiguous, Op: "append", Topic: channel, Err: ctx.Err()}
	}
}

// A stale config is appended again before anything else is read. That ends although Kafka takes longer than
// AppendTimeout to acknowledge it.
func TestResubmitsThroughASlowLink(t *testing.T) {
	inBubble(t, func(r *rig) {
		l, other := newLedger(), newLedger()
		c, second := r.chain(l), r.started(other)
		r.through(c, func(l log.Log) log.Log { return slowAppends{l, 5 * c.opts.AppendTimeout} })
		c.Start()
		settle()
		for _, key := range []string{"one", "two"} {
			if err := second.Configure(configEnvelope(key, 0, 1), 0); err != nil {
				r.Fatal(err)
			}
		}
		second.Halt() // so that only the slow one can append the copy
		r.order(r.started(newLedger()), "a")
		long()
		if !strings.Contains(l.Contents(), "two") || !strings.Contains(l.Contents(), "a @") {
			r.Errorf("the ledger holds %s", l.Contents())
		}
		if n := len(r.broker.Values(channel)); n > 40 {
			r.Errorf("%d records in the topic", n)
		}
		c.Halt()
	})
}

// markedLog is a log that ends with an offset that has no record, and never will.
type markedLog struct {
	log.Log
	cut <-chan struct{} // breaks the reader that waits
}

type markedReader struct {
	log.Reader
	left int       // records before that offset
	says time.Time // when it is known
	cut  <-chan struct{}
}

func (m markedLog) Bounds(ctx context.Context) (log.Bounds, error) {
	b, err := m.Log.Bounds(ctx)
	return log.Bounds{Start: b.Start, End: b.End + 1}, err
}

func (m markedLog) Read(ctx context.Context, from log.Offset) (log.Reader, error) {
	b, err := m.Log.Bounds(ctx)
	if err != nil {
		return nil, err
	}
	r, err := m.Log.Read(ctx, from)
	return &markedReader{r, int(b.End - from), time.Now().Add(4 * DefaultCheckInterval), m.cut}, err
}

// Next returns ErrNoRecord once, after a while.
func (m *markedReader) Next(ctx context.Context) (log.Record, error) {
	m.left--
	if m.left != -1 {
		return m.Reader.Next(ctx)
	}
	select {
	case <-time.After(time.Until(m.says)):
		return log.Record{}, &log.Error{Class: log.Retryable, Op: "read", Topic: channel, Err: log.ErrNoRecord}
	case <-m.cut:
		return log.Record{}, &log.Error{Class: log.Retryable, Op: "read", Topic: channel, Err: errors.New("connection reset")}
	case <-ctx.Done():
		m.left++
		return log.Record{}, ctx.Err()
	}
}

// A topic that ends without a record is read to its end, even by a reader that replaces one that was stuck or lost.
func TestEndsWithoutARecord(t *testing.T) {
	for name, lost := range map[string]int{"stuck": 0, "lost": 1, "lost again": 2} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(r *rig) {
				l := r.large(2)
				c := r.chain(l)
				cut := make(chan struct{})
				r.through(c, func(l log.Log) log.Log { return markedLog{l, cut} })
				c.Start()
				for range lost {
					time.Sleep(10 * time.Second)
					cut <- struct{}{}
				}
				long()
				r.reports(c, types.StatusActive)
				c.Halt()
			})
		})
	}
}

// waitingLog is a log that waits for a broker.
type waitingLog struct{ log.Log }

func (waitingLog) Slow() string { return "broker a:9092 has not answered Fetch for 3s" }

// stalledLog is a log that waits for the leader of its topic while stalled is true.
type stalledLog struct {
	log.Log
	stalled *atomic.Bool
}

func (h stalledLog) Stalled() bool { return h.stalled.Load() }

// A channel whose reads wait for a broker that does not answer is not reported as active.
func TestAStalledChannelIsNotActive(t *testing.T) {
	inBubble(t, func(r *rig) {
		stalled := &atomic.Bool{}
		c := r.chain(newLedger())
		r.through(c, func(l log.Log) log.Log { return stalledLog{l, stalled} })
		c.Start()
		settle()
		r.reports(c, types.StatusActive)
		stalled.Store(true)
		r.reports(c, types.StatusInactive)
		stalled.Store(false)
		r.reports(c, types.StatusActive)
	})
}

// The error of a channel that is not ready names the broker that it waits for.
func TestASlowBrokerIsNamed(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.broker.Stop()
		c := r.chain(newLedger())
		r.through(c, func(l log.Log) log.Log { return waitingLog{l} })
		c.Start()
		if err := c.WaitReady(); !errors.Is(err, status.ErrNotReady) || !strings.Contains(err.Error(), "broker a:9092 has not answered Fetch for 3s") {
			r.Errorf("got %v", err)
		}
	})
}
