package chain

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hyperledger/fabric/orderer/common/types"
	"github.com/hyperledger/fabric/protoutil"

	"github.com/fabric-kafka/orderer/chain/chaintest"
	"github.com/fabric-kafka/orderer/chain/fabric"
	"github.com/fabric-kafka/orderer/chain/log"
	"github.com/fabric-kafka/orderer/chain/log/memlog"
	"github.com/fabric-kafka/orderer/chain/status"
)

// compared keeps the result of a chain's last comparison.
type compared struct {
	mu    sync.Mutex
	found log.Comparison
	err   error
	times int
}

func (c *compared) take(found log.Comparison, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.found, c.err, c.times = found, err, c.times+1
}

func (c *compared) last() (log.Comparison, int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.found, c.times, c.err
}

// named starts the chain of an orderer of this name.
func (r *rig) named(name string, l *ledger, alarm ForkAlarm) (*Chain, *compared) {
	c, seen := r.chain(l), &compared{}
	c.opts.Member, c.opts.Members = "ours."+name, "ours."
	if alarm != "" {
		c.opts.ForkAlarm = alarm
	}
	c.opts.Events.Compared = seen.take
	c.Start()
	return c, seen
}

// finds checks the last comparison: the number of members, and the forks, each as the other member's name and the
// block.
func (r *rig) finds(seen *compared, published, compared int, forks ...string) {
	r.Helper()
	found, times, err := seen.last()
	var got []string
	for _, f := range found.Forks {
		got = append(got, fmt.Sprintf("%s %d", f.Members[1], f.Block))
	}
	if err != nil || times == 0 || found.Published != published || found.Compared != compared || fmt.Sprint(got) != fmt.Sprint(forks) {
		r.Errorf("after %d comparisons %+v, %v; want %d published, %d compared, forks %v", times, found, err, published, compared, forks)
	}
}

// publish does what anybody can do who may commit for the group.
func (r *rig) publish(p log.Progress) {
	r.Helper()
	if p.Rules == "" {
		p.Rules, p.Config = "strict", "0123456789abcdef"
	}
	p.At = time.Now()
	if err := r.broker.Open(channel, log.Settings{}).Publish(r.Context(), p); err != nil {
		r.Fatal(err)
	}
}

// hashesOf returns the hashes of some blocks of a ledger.
func hashesOf(l *ledger, numbers ...uint64) (all []log.BlockHash) {
	for _, n := range numbers {
		all = append(all, log.NewBlockHash(n, protoutil.BlockHeaderHash(l.Block(n).Header)))
	}
	return all
}

// grown returns a ledger of blocks 0 to n, and leaves the topic that they were made from.
func (r *rig) grown(n int) *ledger {
	r.Helper()
	l := newLedger()
	c := r.started(l)
	for i := range n {
		r.order(c, fmt.Sprint("a", i), fmt.Sprint("b", i), fmt.Sprint("c", i))
	}
	settle()
	c.Halt()
	if l.Height() != uint64(n)+1 {
		r.Fatalf("height %d, want %d", l.Height(), n+1)
	}
	return l
}

// forkedAt returns a ledger whose block of that number lacks its last envelope: each later block has the same
// envelopes, after a different block. The positions are the same.
func forkedAt(l *ledger, number int) *ledger {
	f := l.UpTo(number)
	for i, s := range l.Stored()[number:] {
		var envelopes []*fabric.Envelope
		for _, e := range s.Block.Data.Data {
			envelopes = append(envelopes, protoutil.UnmarshalEnvelopeOrPanic(e))
		}
		if i == 0 {
			envelopes = envelopes[:len(envelopes)-1]
		}
		f.WriteBlock(f.CreateNextBlock(envelopes), s.Metadata)
	}
	time.Sleep(time.Second)
	return f
}

// A real fork: one of three ledgers has a different block 2, so far back that nothing in the topic shows it. Its orderer
// notices that both others differ, they notice that it differs, and all continue.
func TestForkOnDisk(t *testing.T) {
	inBubble(t, func(r *rig) {
		l := r.grown(40)
		_, one := r.named("one", forkedAt(l, 2), "")
		c, two := r.named("two", l.UpTo(41), "")
		_, three := r.named("three", l.UpTo(41), "")
		settle()
		r.finds(one, 2, 2, "ours.three 16", "ours.two 16")
		r.finds(two, 2, 2, "ours.one 16")
		r.finds(three, 2, 2, "ours.one 16")
		found, _, _ := two.last()
		f := found.Forks[0]
		if f.Members[0] != "ours.two" || f.Hashes[0] != hashesOf(l, 16)[0].Hash || f.Hashes[1] == f.Hashes[0] || len(f.Hashes[1]) != len(f.Hashes[0]) {
			r.Errorf("fork %+v", f)
		}
		r.order(c, "d")
		r.reports(c, types.StatusActive)
	})
}

// stops checks that a chain has stopped because of the fork between two members.
func (r *rig) stops(c *Chain, says ...string) {
	r.Helper()
	r.reports(c, types.StatusFailed)
	for _, err := range []error{c.WaitReady(), c.Order(envelope("x"), 0)} {
		for _, text := range says {
			if !errors.Is(err, status.ErrFailed) || !strings.Contains(err.Error(), text) {
				r.Errorf("got %v, want it to say %q", err, text)
			}
		}
	}
}

func TestForkStopsTheChannel(t *testing.T) {
	inBubble(t, func(r *rig) {
		l := r.grown(4)
		f := forkedAt(l, 2)
		a, _ := r.named("one", f, ForkStop)
		b, _ := r.named("two", l, ForkWarn)
		settle()
		r.stops(a, "orderers ours.one and ours.two have different blocks 3", hashesOf(f, 3)[0].Hash, hashesOf(l, 3)[0].Hash)
		if !closed(a.Errored()) {
			r.Error("readers still wait")
		}
		r.order(b, "d", "e", "f")
		settle()
		r.reports(b, types.StatusActive)
		if l.Height() != 6 || f.Height() != 5 {
			r.Errorf("heights %d and %d, want 6 of the one that warns and 5 of the one that stopped", l.Height(), f.Height())
		}
		a.Halt() // also after the stop
	})
}

// What somebody commits for another orderer's group raises the alarm as if that orderer had published it; not what is
// committed for the own group, which is replaced.
func TestForgedCommit(t *testing.T) {
	inBubble(t, func(r *rig) {
		l := r.grown(3)
		wrong := log.NewBlockHash(2, make([]byte, 32))
		r.publish(log.Progress{Member: "ours.one", Block: 2, Hashes: []log.BlockHash{wrong}})
		c, one := r.named("one", l, ForkStop)
		settle()
		r.finds(one, 0, 0)
		r.reports(c, types.StatusActive)

		r.publish(log.Progress{Member: "ours.evil\n", Block: 2, Hashes: []log.BlockHash{wrong}}) // no orderer's name
		r.publish(log.Progress{Member: "theirs.two", Block: 2, Hashes: []log.BlockHash{wrong}})
		settle()
		r.finds(one, 0, 0)

		r.publish(log.Progress{Member: "ours.two", Block: 2, Hashes: []log.BlockHash{wrong}})
		settle()
		r.finds(one, 1, 1, "ours.two 2")
		r.stops(c, "ours.two", wrong.Hash)
	})
}

// An orderer that is behind, ahead or equal agrees; a block that is not known yet, or was never published, is not a
// contradiction.
func TestWhatIsNotAFork(t *testing.T) {
	inBubble(t, func(r *rig) {
		l := r.grown(20)
		unknown := log.NewBlockHash(25, make([]byte, 32))
		c, seen := r.named("one", l, ForkStop)
		r.publish(log.Progress{Member: "ours.behind", Block: 7, Hashes: hashesOf(l, 7, 6, 0)})
		r.publish(log.Progress{Member: "ours.equal", Block: 20, Hashes: hashesOf(l, 20, 19, 16, 0)})
		r.publish(log.Progress{Member: "ours.ahead", Block: 25, Hashes: append([]log.BlockHash{unknown}, hashesOf(l, 16, 0)...)})
		r.publish(log.Progress{Member: "ours.further", Block: 25, Hashes: []log.BlockHash{unknown}})
		r.publish(log.Progress{Member: "ours.older-build", Block: 20})
		settle()
		r.finds(seen, 5, 3)
		r.reports(c, types.StatusActive)

		for range 4 { // blocks 21 to 24
			r.order(c, "x", "y", "z")
		}
		settle()
		r.finds(seen, 5, 3)
		r.order(c, "x", "y", "z")
		settle()
		r.finds(seen, 5, 4, "ours.ahead 25", "ours.further 25") // now it is
		r.stops(c, "blocks 25")
	})
}

// The remedy: the channel is removed from the orderer that is wrong, and joined again.
// What it had published before does not count against it.
func TestForkIsResolved(t *testing.T) {
	inBubble(t, func(r *rig) {
		l := r.grown(5)
		wrong, _ := r.named("one", forkedAt(l, 3), ForkWarn)
		_, two := r.named("two", l.UpTo(6), ForkWarn)
		settle()
		r.finds(two, 1, 1, "ours.one 4")
		wrong.Halt()
		c, one := r.named("one", l.UpTo(3), ForkStop)
		settle()
		r.reports(c, types.StatusActive)
		r.finds(one, 1, 1)
		r.finds(two, 1, 1)
	})
}

// Nothing depends on the comparison, and it can be turned off.
func TestComparisonDisturbsNothing(t *testing.T) {
	inBubble(t, func(r *rig) {
		l := r.grown(3)
		r.broker.SetFault(func(op, _ string, _ int) *memlog.Failure {
			if op == "published" {
				return &memlog.Failure{Err: errors.New("no rights")}
			}
			return nil
		})
		c, seen := r.named("one", l, ForkStop)
		settle()
		if _, times, err := seen.last(); times == 0 || err == nil {
			r.Errorf("%d comparisons, %v", times, err)
		}
		r.order(c, "a")
		r.reports(c, types.StatusActive)
		c.Halt()
		r.broker.SetFault(nil)

		r.publish(log.Progress{Member: "ours.two", Block: 2, Hashes: []log.BlockHash{log.NewBlockHash(2, make([]byte, 32))}})
		c, seen = r.named("one", l, ForkOff)
		settle()
		if _, times, _ := seen.last(); times != 0 {
			r.Errorf("%d comparisons", times)
		}
		r.reports(c, types.StatusActive)
	})
}

// counted is a ledger that counts how often its blocks are read.
type counted struct {
	*ledger
	mu    sync.Mutex
	reads map[uint64]int
}

func (c *counted) Block(number uint64) *fabric.Block {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.reads[number]++
	return c.ledger.Block(number)
}

// Blocks may be large: their hashes are read once, and never waited for.
func TestHashesAreReadOnce(t *testing.T) {
	l := &counted{ledger: chaintest.NewLedger(channel, chaintest.Settings{}), reads: map[uint64]int{}}
	h := hashes{support: l, now: map[uint64]log.BlockHash{}}
	for range 3 {
		h.turn()
		if got := h.published(0); len(got) != 1 || got[0] != hashesOf(l.ledger, 0)[0] {
			t.Fatalf("published %v", got)
		}
		if _, ok := h.of(1); ok {
			t.Error("a block that is not there has a hash")
		}
	}
	if l.reads[0] != 1 || l.reads[1] != 0 {
		t.Errorf("reads by block: %v", l.reads)
	}
	h.turn()
	h.turn()
	if len(h.before)+len(h.now) != 0 {
		t.Error("hashes that nobody asks for are kept")
	}
}

// partLog does not get an answer from one of its brokers on what members have published, the first few times, and
// returns what the others have.
type partLog struct {
	log.Log
	left  *atomic.Int64
	hides string
}

func (p partLog) Published(ctx context.Context, prefix string) (some []log.Progress, err error) {
	all, err := p.Log.Published(ctx, prefix)
	if p.left.Add(-1) < 0 {
		return all, err
	}
	for _, m := range all {
		if m.Member != p.hides {
			some = append(some, m)
		}
	}
	return some, errors.New("a broker hangs")
}

// A broker that does not return what some orderers have published does not hide a fork with another, and is asked
// again before the next check.
func TestForksBesideASlowBroker(t *testing.T) {
	inBubble(t, func(r *rig) {
		l := r.grown(4)
		for _, name := range []string{"two", "three"} {
			r.publish(log.Progress{Member: "ours." + name, Block: 2, Hashes: []log.BlockHash{log.NewBlockHash(2, make([]byte, 32))}})
		}
		c, seen, left := r.chain(l), &compared{}, &atomic.Int64{}
		left.Store(2)
		c.opts.Member, c.opts.Members, c.opts.CheckInterval = "ours.one", "ours.", time.Minute
		c.opts.Events.Compared = seen.take
		r.through(c, func(l log.Log) log.Log { return partLog{l, left, "ours.three"} })
		c.Start()
		time.Sleep(compareAgain / 2)
		if found, _, err := seen.last(); err == nil || len(found.Forks) != 1 || found.Forks[0].Members[1] != "ours.two" {
			r.Errorf("at first %+v, %v", found, err)
		}
		time.Sleep(3 * compareAgain)
		r.finds(seen, 2, 2, "ours.three 2", "ours.two 2")
	})
}

// If a broker never answers, each check reports that once.
func TestComparisonsThatFail(t *testing.T) {
	inBubble(t, func(r *rig) {
		c, seen, left := r.chain(r.grown(1)), &compared{}, &atomic.Int64{}
		left.Store(1000)
		c.opts.Member, c.opts.Members, c.opts.CheckInterval = "ours.one", "ours.", 30*time.Second
		c.opts.Events.Compared = seen.take
		r.through(c, func(l log.Log) log.Log { return partLog{l, left, ""} })
		c.Start()
		time.Sleep(59 * time.Second)
		if _, times, err := seen.last(); err == nil || times != 2 {
			r.Errorf("%d events, the last %v; want one for each check", times, err)
		}
	})
}
