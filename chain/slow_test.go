package chain

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hyperledger/fabric/orderer/common/types"

	"github.com/fabric-kafka/orderer/chain/log"
	"github.com/fabric-kafka/orderer/chain/log/memlog"
)

// through gives a chain a log that wraps that of the broker.
func (r *rig) through(c *Chain, wrap func(log.Log) log.Log) {
	plain := c.opts.OpenLog
	c.opts.OpenLog = func(brokers []string, topic string, limit uint32) (log.Log, error) {
		l, err := plain(brokers, topic, limit)
		return wrap(l), err
	}
}

// A record that takes longer than CheckInterval comes to its end all the same.
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
		settle()
		r.equalLedgers(a, b)
	})
}

// deafLog has readers of which the first ones, so many, return nothing.
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
		if len(l.Stored()) != 7 {
			r.Errorf("%d blocks, want 7", len(l.Stored()))
		}
		other.Halt()
		c.Halt()
	})
}

// slowAppends are acknowledged after a while. Each that the caller did not wait for is
// in the log all the same, as with a client that has handed it over.
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

// A config that another one has overtaken is appended again before anything else is
// read. That ends although Kafka takes longer than AppendTimeout to acknowledge it.
func TestResubmitsThroughASlowLink(t *testing.T) {
	inBubble(t, func(r *rig) {
		l, other := newLedger(), newLedger()
		c, beside := r.chain(l), r.started(other)
		r.through(c, func(l log.Log) log.Log { return slowAppends{l, 5 * c.opts.AppendTimeout} })
		c.Start()
		settle()
		for _, key := range []string{"one", "two"} {
			if err := beside.Configure(configEnvelope(key, 0, 1), 0); err != nil {
				r.Fatal(err)
			}
		}
		beside.Halt() // so that only the slow one can append the copy
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
