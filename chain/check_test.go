package chain

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hyperledger/fabric/orderer/common/types"

	"github.com/fabric-kafka/orderer/chain/log"
	"github.com/fabric-kafka/orderer/chain/machine"
	"github.com/fabric-kafka/orderer/chain/stall"
)

// lateLog is a log whose brokers answer questions about the topic late.
type lateLog struct {
	log.Log
	by    *atomic.Int64 // time.Duration
	asked *atomic.Int64 // questions
}

func (l lateLog) Identity(ctx context.Context) (log.Identity, error) {
	l.asked.Add(1)
	select {
	case <-time.After(time.Duration(l.by.Load())):
		return l.Log.Identity(ctx)
	case <-ctx.Done():
		return log.Identity{}, ctx.Err()
	}
}

// late gives a chain such a log.
func (r *rig) late(c *Chain) lateLog {
	late := lateLog{by: &atomic.Int64{}, asked: &atomic.Int64{}}
	r.through(c, func(l log.Log) log.Log { return lateLog{l, late.by, late.asked} })
	return late
}

// Brokers that are slow to answer a check of the topic hold up no block.
func TestACheckDoesNotStopTheReading(t *testing.T) {
	inBubble(t, func(r *rig) {
		l := newLedger()
		c := r.chain(l)
		late := r.late(c)
		var written stall.Last
		var longest atomic.Int64 // time.Duration
		event := c.opts.Events.BlockCut
		c.opts.Events.BlockCut = func(n machine.BlockNumber, envelopes int, cause machine.CutCause, at machine.Offset) {
			longest.Store(max(longest.Load(), int64(written.Ago())))
			written.Now()
			event(n, envelopes, cause, at)
		}
		c.Start()
		settle()
		late.by.Store(int64(20 * time.Second))
		late.asked.Store(0)
		written.Now()
		longest.Store(0)
		for i := range int(3 * DefaultCheckInterval / time.Second) {
			r.order(c, fmt.Sprint("a", i), fmt.Sprint("b", i), fmt.Sprint("c", i))
			time.Sleep(time.Second)
		}
		if longest := time.Duration(longest.Load()); longest > 2*time.Second {
			r.Errorf("%s without a block", longest)
		}
		if n := late.asked.Load(); n < 2 {
			r.Errorf("the topic was checked %d times", n)
		}
		c.Halt()
	})
}

// Brokers that never answer a check end the session, and the channel says that it waits for them.
func TestACheckWithoutAnAnswerEnds(t *testing.T) {
	inBubble(t, func(r *rig) {
		c := r.chain(newLedger())
		late := r.late(c)
		c.Start()
		settle()
		late.by.Store(int64(24 * time.Hour))
		time.Sleep(DefaultCheckInterval + requestTimeout + time.Second)
		r.reports(c, types.StatusInactive)
		late.by.Store(0)
		long()
		r.reports(c, types.StatusActive)
		c.Halt()
	})
}

// So does the end of the chain, at once.
func TestHaltsDuringACheck(t *testing.T) {
	inBubble(t, func(r *rig) {
		c := r.chain(newLedger())
		late := r.late(c)
		c.Start()
		settle()
		late.by.Store(int64(24 * time.Hour))
		time.Sleep(DefaultCheckInterval + time.Second)
		began := time.Now()
		c.Halt()
		if took := time.Since(began); took > time.Second {
			r.Errorf("it took %s", took)
		}
	})
}

// A channel that always has another record to read is checked, and halts at once.
func TestAChannelThatIsBehindIsCheckedAndHalts(t *testing.T) {
	inBubble(t, func(r *rig) {
		l := r.large(1)
		c := r.chain(l)
		late := r.late(c)
		r.through(c, func(l log.Log) log.Log { return fullLog{l} })
		c.opts.Events.Skipped = func(machine.Offset, machine.Reason, string) { time.Sleep(time.Millisecond) }
		c.Start()
		settle()
		late.asked.Store(0)
		time.Sleep(5 * DefaultCheckInterval)
		if n := late.asked.Load(); n < 4 {
			r.Errorf("the topic was checked %d times in five intervals", n)
		}
		began := time.Now()
		c.Halt()
		if took := time.Since(began); took > time.Second {
			r.Errorf("it halts after %s", took)
		}
	})
}

// fullLog is a log that has more records at once, whenever it is read: garbage after its own.
type fullLog struct{ log.Log }

type fullReader struct {
	log.Reader
	end, next log.Offset
}

func (f fullLog) Bounds(ctx context.Context) (log.Bounds, error) {
	b, err := f.Log.Bounds(ctx)
	return log.Bounds{Start: b.Start, End: b.End + 1e9}, err
}

func (f fullLog) Read(ctx context.Context, from log.Offset) (log.Reader, error) {
	b, err := f.Log.Bounds(ctx)
	if err != nil {
		return nil, err
	}
	r, err := f.Log.Read(ctx, from)
	return &fullReader{r, b.End, from}, err
}

func (f *fullReader) Next(ctx context.Context) (r log.Record, err error) {
	if f.next < f.end {
		r, err = f.Reader.Next(ctx)
	} else {
		r = log.Record{Offset: f.next, Value: []byte("garbage")}
	}
	f.next++
	return r, err
}
