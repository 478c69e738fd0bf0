package chain

import (
	"context"
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
