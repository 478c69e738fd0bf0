package chain

import (
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	cb "github.com/hyperledger/fabric-protos-go/common"
	"github.com/hyperledger/fabric/orderer/common/types"
	"github.com/hyperledger/fabric/protoutil"

	"github.com/fabric-kafka/orderer/chain/block"
	"github.com/fabric-kafka/orderer/chain/chaintest"
	"github.com/fabric-kafka/orderer/chain/fabric"
	"github.com/fabric-kafka/orderer/chain/log"
	"github.com/fabric-kafka/orderer/chain/record"
	"github.com/fabric-kafka/orderer/chain/session"
	"github.com/fabric-kafka/orderer/chain/status"
)

// history returns a ledger of blocks of both kinds, and its chain.
func (r *rig) history() (*ledger, *Chain) {
	r.Helper()
	l := newLedger()
	c := r.started(l)
	for i := range 4 {
		r.order(c, fmt.Sprint("a", i), fmt.Sprint("b", i), fmt.Sprint("c", i), fmt.Sprint("d", i))
		if err := c.Configure(configEnvelope(fmt.Sprint("k", i), 0, 1), l.Sequence()); err != nil {
			r.Fatal(err)
		}
		settle()
	}
	return l, c
}

// pulling starts the chain of a ledger that can have blocks of others.
func (r *rig) pulling(l *ledger, p *chaintest.Puller) *Chain {
	c := r.chain(l)
	c.opts.NewPuller = func(Support) (Puller, error) { return p, nil }
	c.Start()
	return c
}

// From every height, and with the topic trimmed to any offset: the blocks that the topic has lost come from the other
// orderer, and both continue with equal blocks.
func TestPullsWhatWasTrimmed(t *testing.T) {
	inBubble(t, func(r *rig) {
		l, c := r.history()
		heights := len(l.Stored())
		for height := 1; height < heights; height++ {
			next := l.Stored()[height].Position().LastOffsetPersisted + 1
			r.broker.Trim(channel, log.Offset(next))
			again, p := l.UpTo(height), &chaintest.Puller{From: []*ledger{l}}
			d := r.pulling(again, p)
			settle()
			r.reports(d, types.StatusActive)
			r.equalLedgers(l, again)
			if p.Asked != 1 {
				r.Errorf("%d blocks were pulled from height %d, one was needed", p.Asked, height)
			}
			d.Halt()
		}
		fresh := newLedger()
		d := r.pulling(fresh, &chaintest.Puller{From: []*ledger{l}})
		settle()
		r.order(d, "x", "y")
		r.order(c, "z")
		settle()
		r.equalLedgers(l, fresh)
	})
}

// Until another orderer answers, the channel waits, and reports what it waits for.
func TestAwaitsABlock(t *testing.T) {
	inBubble(t, func(r *rig) {
		l, _ := r.history()
		r.broker.Trim(channel, 9)
		again := l.UpTo(2)
		c := r.chain(again)
		seen, p := &reported{}, &chaintest.Puller{From: []*ledger{l}, Silent: 16}
		seen.count(&c.opts)
		c.opts.NewPuller = func(Support) (Puller, error) { return p, nil }
		c.Start()
		time.Sleep(3 * time.Second)
		r.reports(c, types.StatusOnBoarding)
		err := c.Order(envelope("x"), 0)
		for _, says := range []string{"waiting for block 2 from another orderer", "the topic starts at offset 9, but this orderer continues at 4", "no orderer answers"} {
			if !errors.Is(err, status.ErrNotReady) || !strings.Contains(err.Error(), says) {
				r.Errorf("got %v, want it to say %q", err, says)
			}
		}
		settle()
		r.reports(c, types.StatusActive)
		r.equalLedgers(l, again)
		if seen.pulling.Load() != 1 || seen.waiting.Load() != 16 || seen.unavailable.Load() != 0 {
			r.Errorf("%d catch-ups, %d waits for a block, %d outages; want 1, 16, 0", seen.pulling.Load(), seen.waiting.Load(), seen.unavailable.Load())
		}
	})
}

// reported counts what operators see while a channel cannot be read.
type reported struct{ pulling, waiting, unavailable atomic.Int64 }

// count counts from now on; the chain must not have been started.
func (t *reported) count(o *Options) {
	o.Events.Pulling = func(error) { t.pulling.Add(1) }
	o.Events.Waiting = func(error, time.Duration) { t.waiting.Add(1) }
	o.Events.Unavailable = func(error, time.Duration) { t.unavailable.Add(1) }
}

// Nothing that does not continue the ledger gets into it.
func TestPullsNothingElse(t *testing.T) {
	metadata := func(b *fabric.Block, value []byte) {
		l := newLedger()
		l.SetMetadata(value)
		b.Metadata = l.Block(0).Metadata
	}
	for says, alter := range map[string]func(*fabric.Block){
		"but what follows this ledger's last block has": func(b *fabric.Block) { b.Header.PreviousHash = []byte("another") },
		"of another orderer has hash": func(b *fabric.Block) {
			b.Data.Data[0] = protoutil.MarshalOrPanic(envelope("forged"))
		},
		"names offset 3, and the block before it 3": func(b *fabric.Block) { metadata(b, []byte{0x08, 0x03}) },
		"decode block metadata":                     func(b *fabric.Block) { metadata(b, []byte{0xff}) },
		"does not follow the one in force": func(b *fabric.Block) {
			b.Data.Data = [][]byte{protoutil.MarshalOrPanic(configEnvelope("k", 7, 9))}
			asConfig(b)
		},
	} {
		t.Run(says, func(t *testing.T) {
			inBubble(t, func(r *rig) {
				l, _ := r.history()
				r.broker.Trim(channel, 9)
				again := l.UpTo(2)
				before := again.Contents()
				c := r.pulling(again, &chaintest.Puller{From: []*ledger{l}, Alter: alter})
				settle()
				if err := c.WaitReady(); !errors.Is(err, status.ErrFailed) || !strings.Contains(err.Error(), says) {
					r.Errorf("got %v, want it to say %q", err, says)
				}
				r.holds(again, before)
			})
		})
	}
}

// asConfig turns a block into one that was written as a config block.
func asConfig(b *fabric.Block) {
	value, err := block.ConsenterMetadata(b)
	if err != nil {
		panic(err)
	}
	b.Metadata.Metadata[cb.BlockMetadataIndex_SIGNATURES] = valueOf(&cb.OrdererBlockMetadata{
		LastConfig: &cb.LastConfig{Index: b.Header.Number}, ConsenterMetadata: protoutil.MarshalOrPanic(&fabric.Metadata{Value: value})})
}

// after returns a channel that is closed after a while.
func after(d time.Duration) <-chan struct{} {
	over := make(chan struct{})
	time.AfterFunc(d, func() { close(over) })
	return over
}

// The orderer that all others wait for cuts the block at the end of its BatchTimeout, or is back after a
// restart: until then nobody has it.
func TestWaitsForABlockThatIsAboutToBeCut(t *testing.T) {
	for _, late := range []time.Duration{3 * time.Second, leastMissingTimeout - time.Second} {
		inBubble(t, func(r *rig) {
			l, _ := r.history()
			r.broker.Trim(channel, 9)
			again := l.UpTo(2)
			c := r.pulling(again, &chaintest.Puller{From: []*ledger{l}, Late: after(late)})
			time.Sleep(late - time.Second)
			r.reports(c, types.StatusOnBoarding)
			settle()
			r.reports(c, types.StatusActive)
			r.equalLedgers(l, again)
		})
	}
}

// An orderer that gets no block stops once nobody has had it for a while, and at once if it cannot ask.
func TestNobodyHasTheBlock(t *testing.T) {
	inBubble(t, func(r *rig) {
		l, _ := r.history()
		r.broker.Trim(channel, 9)
		for says, p := range map[string]*chaintest.Puller{"none of 0 has it": {}, "none of 1 has it": {From: []*ledger{l.UpTo(2)}}} {
			c := r.pulling(l.UpTo(2), p)
			time.Sleep(leastMissingTimeout - time.Second)
			r.reports(c, types.StatusOnBoarding)
			time.Sleep(2 * DefaultRetryMax)
			r.reports(c, types.StatusFailed)
			if err := c.WaitReady(); !strings.Contains(err.Error(), says) {
				r.Errorf("got %v, want it to say %q", err, says)
			}
		}
		c := r.chain(l.UpTo(2))
		c.Start()
		time.Sleep(time.Second)
		r.reports(c, types.StatusFailed)
	})
}

// Only an uninterrupted time counts: while an orderer does not answer, or the brokers do not, they may have the
// block.
func TestMissingTimeoutBeginsAgain(t *testing.T) {
	for name, trouble := range map[string]func(*rig, *atomic.Bool){
		"an orderer does not answer": func(_ *rig, silent *atomic.Bool) { silent.Store(true) },
		"the brokers are down":       func(r *rig, _ *atomic.Bool) { r.broker.Stop(); time.Sleep(leastMissingTimeout); r.broker.Resume() },
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(r *rig) {
				l, _ := r.history()
				r.broker.Trim(channel, 9)
				c, silent := r.chain(l.UpTo(2)), &atomic.Bool{}
				c.opts.NewPuller = func(Support) (Puller, error) {
					if silent.Swap(false) {
						return nil, errors.New("no orderer answers")
					}
					return &chaintest.Puller{}, nil
				}
				c.Start()
				time.Sleep(leastMissingTimeout - 2*DefaultRetryMax)
				trouble(r, silent)
				time.Sleep(leastMissingTimeout - DefaultRetryMax)
				r.reports(c, types.StatusOnBoarding)
				settle()
				r.reports(c, types.StatusFailed)
			})
		})
	}
}

// If BatchTimeout is long, the limit is ten times that.
func TestMissingTimeoutFollowsTheBatchTimeout(t *testing.T) {
	for timeout, want := range map[time.Duration]time.Duration{2 * time.Second: 30 * time.Second, time.Minute: 10 * time.Minute} {
		if got := missingTimeout(timeout); got != want {
			t.Errorf("with a BatchTimeout of %v: %v, want %v", timeout, got, want)
		}
	}
}

// A block that another orderer had moves the channel away from Kafka.
func TestPullsTheMigration(t *testing.T) {
	inBubble(t, func(r *rig) {
		l := newLedger()
		c := r.started(l)
		r.order(c, "a", "b", "c")
		if err := c.Configure(configEnvelope("etcdraft", 0, 1), 0); err != nil {
			r.Fatal(err)
		}
		settle()
		r.broker.Write(channel, nil, nil)
		r.broker.Trim(channel, 6)
		again := newLedger()
		d := r.pulling(again, &chaintest.Puller{From: []*ledger{l}})
		settle()
		r.equalLedgers(l, again)
		if err := d.Order(envelope("x"), 0); !errors.Is(err, session.ErrMigrated) {
			r.Errorf("order: %v", err)
		}
	})
}

// Halt does not wait for other orderers.
func TestHaltWhilePulling(t *testing.T) {
	inBubble(t, func(r *rig) {
		l, _ := r.history()
		r.broker.Trim(channel, 9)
		c := r.pulling(l.UpTo(2), &chaintest.Puller{Silent: 1 << 30})
		settle()
		began := time.Now()
		c.Halt()
		if took := time.Since(began); took > time.Second {
			r.Errorf("took %v", took)
		}
	})
}

// The last block that was pulled is an in-tree orderer's, and the disk is slow: a block
// that is still being committed is not one that the ledger lacks.
func TestPulledBlockIsBeingCommitted(t *testing.T) {
	inBubble(t, func(r *rig) {
		l, c := r.history()
		c.Halt()
		height := len(l.Stored()) - 1
		at := l.Stored()[height].Position().LastOffsetPersisted
		value, err := record.EncodeMetadata(&record.Metadata{LastOffsetPersisted: at})
		if err != nil {
			r.Fatal(err)
		}
		l.SetMetadata(value)
		r.broker.Trim(channel, log.Offset(at))
		again, slow := l.UpTo(height), make(chan struct{})
		again.Stall(slow)
		d := r.pulling(again, &chaintest.Puller{From: []*ledger{l}})
		settle()
		if _, status := d.StatusReport(); status == types.StatusFailed {
			r.Error(d.WaitReady())
		}
		close(slow)
		settle()
		r.reports(d, types.StatusActive)
		d.Halt()
	})
}

func valueOf(m *cb.OrdererBlockMetadata) []byte {
	return protoutil.MarshalOrPanic(&fabric.Metadata{Value: protoutil.MarshalOrPanic(m)})
}
