package chain

import (
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hyperledger/fabric/orderer/common/types"

	"github.com/fabric-kafka/orderer/chain/chaintest"
	"github.com/fabric-kafka/orderer/chain/status"
)

// disk has room as long as the requested bytes are free.
type disk struct{ free atomic.Int64 }

func (d *disk) room(bytes int, _ func() bool) error {
	if free := d.free.Load(); free < int64(bytes) {
		return fmt.Errorf("the disk has %d bytes free", free)
	}
	return nil
}

// A channel whose disk is full writes nothing, accepts nothing, reports why, and continues by itself: with the block
// that was held back, even if it is a config block.
func TestWaitsForRoom(t *testing.T) {
	inBubble(t, func(r *rig) {
		l, other := newLedger(), newLedger()
		c, second := r.chain(l), r.started(other)
		d := &disk{}
		d.free.Store(1 << 20)
		c.opts.Room = d.room
		c.Start()
		r.order(c, "a", "b", "c")
		settle()

		d.free.Store(-1)
		r.order(second, "d", "e", "f")
		if err := second.Configure(configEnvelope("k", 0, 1), 0); err != nil {
			r.Fatal(err)
		}
		r.order(second, "g")
		settle()
		r.holds(l, "a b c @3")
		r.reports(c, types.StatusInactive)
		if err := c.Order(envelope("x"), 0); !errors.Is(err, status.ErrNotReady) || !strings.Contains(err.Error(), "the disk has -1 bytes free") {
			r.Errorf("order: %v", err)
		}

		d.free.Store(1 << 20)
		settle()
		r.reports(c, types.StatusActive)
		r.order(c, "h", "i", "j")
		settle()
		r.equalLedgers(l, other)
		c.Halt()
		second.Halt()
	})
}

// The free space is enough for a small block, not for a large one.
func TestRoomForTheBlock(t *testing.T) {
	inBubble(t, func(r *rig) {
		l := newLedger()
		c := r.chain(l)
		d := &disk{}
		d.free.Store(500)
		c.opts.Room = d.room
		c.Start()
		r.order(c, "a", "b", "c")
		settle()
		r.holds(l, "a b c @3")
		r.order(c, strings.Repeat("d", 1000))
		settle()
		r.holds(l, "a b c @3")
		r.reports(c, types.StatusInactive)
		if !closed(c.Errored()) {
			r.Error("it seems to continue, again and again")
		}
		d.free.Store(1 << 20)
		settle()
		if len(l.Stored()) != 3 {
			r.Errorf("%d blocks, want 3", len(l.Stored()))
		}
		c.Halt()
	})
}

// Blocks of other orderers are not written either.
func TestPullsOnlyWithRoom(t *testing.T) {
	inBubble(t, func(r *rig) {
		l, _ := r.history()
		r.broker.Trim(channel, 9)
		again := l.UpTo(2)
		c := r.chain(again)
		d := &disk{}
		c.opts.Room = d.room
		c.opts.NewPuller = func(Support) (Puller, error) { return &chaintest.Puller{From: []*ledger{l}}, nil }
		c.Start()
		time.Sleep(3 * time.Second)
		r.reports(c, types.StatusOnBoarding)
		if err := c.Order(envelope("x"), 0); err == nil || !strings.Contains(err.Error(), "the disk has 0 bytes free") {
			r.Errorf("order: %v", err)
		}
		if len(again.Stored()) != 2 {
			r.Errorf("%d blocks, want the 2 that were there", len(again.Stored()))
		}
		d.free.Store(1 << 20)
		settle()
		r.reports(c, types.StatusActive)
		r.equalLedgers(l, again)
		c.Halt()
	})
}

// A disk grants room until it is used. What is not written yet is not granted to another channel: several channels
// that each check for room would all find the same.
func TestRoomIsGrantedUntilTheBlockIsCommitted(t *testing.T) {
	inBubble(t, func(r *rig) {
		l := newLedger()
		c := r.chain(l)
		var granted []func() bool
		c.opts.Room = func(bytes int, done func() bool) error {
			if bytes > 0 {
				granted = append(granted, done)
			}
			return nil
		}
		c.Start()
		stalled := make(chan struct{})
		l.Stall(stalled)
		r.order(c, "a", "b", "c")
		settle()
		if len(granted) != 1 || granted[0]() {
			r.Fatalf("%d grants; on the disk before it is committed", len(granted))
		}
		close(stalled)
		time.Sleep(time.Second)
		if !granted[0]() {
			r.Error("the grant of a block that was committed lasts")
		}
		if err := c.Configure(configEnvelope("k", 0, 1), 0); err != nil {
			r.Fatal(err)
		}
		r.order(c, "d")
		settle()
		c.Halt()
		for i, done := range granted {
			if !done() {
				r.Errorf("grant %d of %d outlasts the chain", i, len(granted))
			}
		}
	})
}

// What is granted and then not written is given back: the session ended between, and the
// block is asked for again.
func TestGrantOfABlockThatIsHeldBack(t *testing.T) {
	inBubble(t, func(r *rig) {
		l := newLedger()
		c := r.chain(l)
		var held []func() bool
		var refuse atomic.Bool
		refuse.Store(true)
		c.opts.Room = func(bytes int, done func() bool) error {
			if bytes == 0 {
				return nil
			}
			if refuse.Load() {
				return errors.New("full")
			}
			held = append(held, done)
			return nil
		}
		c.Start()
		r.order(c, "a", "b", "c")
		settle()
		refuse.Store(false)
		settle()
		r.holds(l, "a b c @3")
		if len(held) < 2 || !held[0]() || !held[len(held)-1]() {
			r.Errorf("%d grants for a block that was asked for twice", len(held))
		}
		c.Halt()
	})
}
