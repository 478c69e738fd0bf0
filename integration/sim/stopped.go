package sim

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/fabric-kafka/orderer/chain/machine"
	"github.com/fabric-kafka/orderer/chain/status"
)

// identity looks for ledgers that were extended after the log lost what they were made from.
func (e *evidence) identity() string {
	l := e.w.loss
	if n := e.w.elsewhere.Len(channelID); n > 0 {
		return fmt.Sprintf("the channel was started in another cluster: the topic has %d records there", n)
	}
	if l == nil {
		return ""
	}
	if o := e.begunAgain(); o != nil {
		return fmt.Sprintf("%s started the channel again after its topic was recreated, and has %d blocks", o, o.ledger.height())
	}
	for _, o := range e.live {
		if height, known := l.heights[o]; known && l.contradicts(o.ledger.blocks[:height], e.log) {
			return fmt.Sprintf("%s continues at height %d, though %s at offset %d lost records that its block %d was made from", o, o.ledger.height(), l.verb, l.at, height-1)
		}
	}
	for _, o := range e.stopped {
		if height, known := l.heights[o]; known && l.contradicts(o.ledger.blocks[:height], e.log) && o.ledger.height() > height && !l.takenBefore(o) {
			return fmt.Sprintf("%s wrote block %d after %s at offset %d", o, height, l.verb, l.at)
		}
	}
	return ""
}

// begunAgain returns an orderer that had only the genesis block when the topic was lost,
// while others had more, and that has more blocks now; nil for none. In-tree orderers, and
// those that read topics without a description, cannot notice the loss.
func (e *evidence) begunAgain() *Orderer {
	l := e.w.loss
	if l.verb != Recreate || e.w.profile.Compatible {
		return nil
	}
	begun := false
	for _, height := range l.heights {
		begun = begun || height > 1
	}
	for _, o := range e.w.orderers {
		if height, known := l.heights[o]; begun && known && height == 1 && o.ledger.height() > 1 {
			return o
		}
	}
	return nil
}

// takenBefore reports whether an orderer's last block is made from records that it had taken from a topic before that was
// deleted: they are the log's, whenever they get into blocks.
func (l *loss) takenBefore(o *Orderer) bool {
	return l.verb == Recreate && o.ledger.last().position().LastOffsetPersisted < int64(l.taken[o])
}

// contradicts reports whether a ledger as it was at the loss covers records that are
// no longer in the log.
func (l *loss) contradicts(blocks []stored, log [][]byte) bool {
	if len(blocks) == 1 {
		return false
	}
	next := blocks[len(blocks)-1].position().LastOffsetPersisted + 1
	switch l.verb {
	case Trim:
		return false // it may have read further than its last block covers
	case Recreate:
		return true
	}
	for at := int64(l.at); at < next; at++ {
		if at >= int64(len(log)) || !bytes.Equal(log[at], l.values[at]) {
			return true
		}
	}
	return false // the lost records were written again, unchanged
}

// covered reports whether a ledger had, at the loss, all blocks up to the records that
// are left.
func (l *loss) covered() bool {
	for _, next := range l.covers {
		if next >= int64(l.at) {
			return true
		}
	}
	return false
}

// failStop looks for orderers that accept envelopes after they stopped.
func (e *evidence) failStop() string {
	for _, o := range e.stopped {
		if o.fault == nil {
			return fmt.Sprintf("%s is not running after everything has healed", o)
		}
		if o.ready.Phase != status.Failed || o.ready.Ready() == nil {
			return fmt.Sprintf("%s has stopped and accepts envelopes", o)
		}
	}
	return ""
}

// mustStop reports whether an orderer has reached a config that its build does not
// support, and has written no block of it.
func (e *evidence) mustStop(o *Orderer) bool {
	height, at := o.ledger.height(), o.next()-1
	return slices.ContainsFunc(e.ref.blocks[min(height, len(e.ref.blocks)):], func(b refBlock) bool {
		return b.level > o.knows && (b.at == at || b.at == e.pulled(height))
	})
}

// pulled returns the offset of the block that an orderer of this height would pull.
func (e *evidence) pulled(height int) int64 {
	if height >= len(e.ref.blocks) {
		return -1
	}
	return e.ref.blocks[height].at
}

// poison looks for orderers that stopped without a loss.
func (e *evidence) poison() string {
	for _, o := range e.stopped {
		if e.mustStop(o) || o.ledger.config().left() {
			continue
		}
		if e.w.loss == nil && o.fault != nil {
			return fmt.Sprintf("%s has stopped: %v", o, o.fault)
		}
		if l := e.w.loss; l != nil && l.verb == Trim && o.fault != nil && (o.next() >= int64(l.at) || l.covered()) {
			return fmt.Sprintf("%s has stopped at offset %d, and the log still has that, or another orderer has the blocks up to there: %v", o, o.next(), o.fault)
		}
	}
	return ""
}

// waits looks for orderers that are not ready after an outage and have not stopped.
func (e *evidence) waits() string {
	for _, o := range e.live {
		if err := o.ready.Ready(); err != nil {
			return fmt.Sprintf("%s: %v", o, err)
		}
	}
	return ""
}

// restarts restarts one of the live orderers from some block of its ledger, with its
// appends discarded, and compares ledger and state.
func (e *evidence) restarts() string {
	if e.w.loss != nil || len(e.live) == 0 {
		return ""
	}
	o := e.live[len(e.log)%len(e.live)]
	height := 1 + (7*len(e.log)+len(e.w.calls))%o.ledger.height()
	again := &Orderer{w: e.w, id: o.id, speed: o.speed, knows: o.knows, ledger: o.ledger.upTo(height), crash: map[Point]int{}, mute: true}
	again.boot()
	again.advance(1 << 20)
	if text := sameBlocks(o.ledger.blocks, again.ledger.blocks); text != "" || again.ledger.height() != o.ledger.height() {
		return fmt.Sprintf("%s, restarted at height %d, reaches height %d, was %d: %s", o, height, again.ledger.height(), o.ledger.height(), text)
	}
	if again.driver.Machine() == nil {
		return fmt.Sprintf("%s does not start again at height %d: %v", o, height, again.fault)
	}
	return sameState(o.driver.Machine(), again.driver.Machine())
}

func sameState(a, b *machine.Machine) string {
	if x, y := fmt.Sprint(a.State()), fmt.Sprint(b.State()); x != y {
		return fmt.Sprintf("state %s, was %s", y, x)
	}
	return ""
}
