package sim

import (
	"bytes"
	"fmt"
	"slices"
)

// Checker checks one invariant. Its name is the number by which transcripts and
// reports refer to it: I for safety, L for liveness.
type Checker struct {
	Name     string
	Sentence string
	check    func(*evidence) string // returns what is wrong; empty for nothing
}

// Checkers look at ledgers, log and the clients' history after the world has healed. I9, I12, L1, L3 and
// L4 are also checked during the run.
var Checkers = []Checker{
	{"I1", "An envelope that was acknowledged to its client is in a block of every orderer.", (*evidence).acknowledged},
	{"I2", "No envelope is ordered more often than it was appended.", (*evidence).once},
	{"I3", "Every ordered envelope is byte for byte an envelope that was submitted.", (*evidence).fabricated},
	{"I4", "Blocks with the same number are equal on all orderers, metadata included.", (*evidence).agree},
	{"I5", "Each block names the last offset that it covers, and holds envelopes of records up to that offset.", (*evidence).offsets},
	{"I6", "An orderer that restarts from any block writes the same blocks.", (*evidence).restarts},
	{"I7", "An envelope that was acknowledged before another was submitted is ordered before it.", (*evidence).ackOrder},
	{"I8", "Only the log and the channel config decide where blocks are cut.", (*evidence).cuts},
	{"I9", "A config block holds one config that follows the one in force; nothing else changes the config.", (*evidence).configs},
	{"I10", "The offset in block metadata increases from block to block.", (*evidence).positions},
	{"I11", "No orderer extends its ledger from a log other than the one that the ledger was made from.", (*evidence).identity},
	{"I12", "A channel stops only for a reason, and then accepts no envelope.", (*evidence).failStop},
	{"I13", "No record stops a channel.", (*evidence).poison},
	{"I14", "Clocks and restarts of an orderer do not affect its ledger, which follows from the log alone.", (*evidence).clockless},
	{"I15", "An envelope is in the log when it is acknowledged; one that was denied never gets there.", (*evidence).ackedInLog},
	{"I16", "A channel that leaves ends with the same block on every orderer.", (*evidence).leaves},
	{"L2", "An orderer that has no broker waits; it does not stop.", (*evidence).waits},
	{"L4", "All orderers reach the same height.", (*evidence).heights},
}

// evidence is what checkers read.
type evidence struct {
	w       *World
	log     [][]byte
	ref     *reference // of the log
	old     *reference // of the log before a loss; the same as ref if there was none
	live    []*Orderer
	stopped []*Orderer
	first   *Orderer         // that the chain is of: a live one, or, if nothing was lost, one whose channel has left; nil for none
	chain   map[string][]int // of the longest ledger: positions of each envelope
	carried map[int]carried  // by the records of the log
	inLog   map[string][]int // offsets of each normal envelope
	foreign map[string]int   // how often foreign writers wrote each

	texts   map[string][]int // positions in the chain
	updates map[int]int      // how often in the chain
}

func newEvidence(w *World) *evidence {
	e := &evidence{w: w, log: w.values(), chain: map[string][]int{}}
	e.ref = newReference(e.log, w.read)
	e.old = e.ref
	if w.loss != nil {
		e.old = newReference(w.loss.values, w.read)
	}
	for _, o := range w.orderers {
		if o.live() {
			e.live = append(e.live, o)
			continue
		}
		e.stopped = append(e.stopped, o)
	}
	defer e.index()
	for _, o := range append(slices.Clone(e.live), e.stopped...) {
		if e.first == nil && (o.live() || w.loss == nil && o.ledger.config().left()) {
			e.first = o
		}
	}
	if e.first == nil {
		return e
	}
	at := 0
	for _, b := range e.first.ledger.blocks {
		for _, envelope := range b.Envelopes {
			e.chain[string(envelope)] = append(e.chain[string(envelope)], at)
			at++
		}
	}
	return e
}

// check runs all checkers and returns what they found.
func check(w *World) (found []violation) {
	e := newEvidence(w)
	for _, c := range Checkers {
		if text := c.check(e); text != "" {
			found = append(found, violation{c.Name, text})
		}
	}
	return found
}

// agree compares each live ledger with the first, and stopped ones with each other
// unless the log lost records.
func (e *evidence) agree() string {
	for _, o := range e.live {
		if text := sameBlocks(e.live[0].ledger.blocks, o.ledger.blocks); text != "" {
			return fmt.Sprintf("%s and %s: %s", e.live[0], o, text)
		}
	}
	for i, o := range e.stopped {
		for _, p := range e.stopped[:i] {
			if text := sameBlocks(p.ledger.blocks, o.ledger.blocks); text != "" && e.w.loss == nil {
				return fmt.Sprintf("%s and %s: %s", p, o, text)
			}
		}
	}
	return ""
}

func sameBlocks(a, b []stored) string {
	for n := 1; n < min(len(a), len(b)); n++ {
		if !equalData(a[n].Envelopes, b[n].Envelopes) || a[n].Config != b[n].Config {
			return fmt.Sprintf("block %d holds other envelopes", n)
		}
		if !bytes.Equal(a[n].Metadata, b[n].Metadata) {
			return fmt.Sprintf("block %d has metadata %v and %v", n, a[n].position(), b[n].position())
		}
	}
	return ""
}

func equalData(a, b [][]byte) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if !bytes.Equal(a[i], b[i]) {
			return false
		}
	}
	return true
}

// leaves compares orderers once one of them has the block with which the channel leaves.
func (e *evidence) leaves() string {
	left := slices.ContainsFunc(e.w.orderers, func(o *Orderer) bool { return o.ledger.config().left() })
	if !left && e.ref.left < 0 || e.w.loss != nil {
		return ""
	}
	for _, o := range e.w.orderers {
		switch {
		case e.mustStop(o):
		case o.live() || !o.ledger.config().left():
			return fmt.Sprintf("%s orders at height %d, though the channel has left at offset %d: %v", o, o.ledger.height(), e.ref.left, o.fault)
		case o.ledger.height() != len(e.ref.blocks):
			return fmt.Sprintf("%s has height %d, the log gives %d", o, o.ledger.height(), len(e.ref.blocks))
		}
	}
	return ""
}

// heights compares the heights of live orderers.
func (e *evidence) heights() string {
	for _, o := range e.live {
		if o.ledger.height() != e.live[0].ledger.height() {
			return fmt.Sprintf("%s has height %d, %s has %d", e.live[0], e.live[0].ledger.height(), o, o.ledger.height())
		}
	}
	return ""
}

// follows returns how a ledger differs from the blocks that a log gives; empty if it does not.
func follows(l *Ledger, r *reference) string {
	for n := 1; n < l.height(); n++ {
		b := l.blocks[n]
		switch {
		case n >= len(r.blocks):
			return fmt.Sprintf("block %d is not in the log", n)
		case b.Config != r.blocks[n].config || !equalData(b.Envelopes, r.blocks[n].envelopes):
			return fmt.Sprintf("block %d holds %d envelopes, the log gives %d, or others", n, len(b.Envelopes), len(r.blocks[n].envelopes))
		}
	}
	return ""
}

// cuts compares live ledgers with what the log gives.
func (e *evidence) cuts() string {
	for _, o := range e.live {
		if text := follows(o.ledger, e.ref); text != "" {
			return fmt.Sprintf("%s: %s", o, text)
		}
		if o.ledger.height() != len(e.ref.blocks) {
			return fmt.Sprintf("%s has height %d, the log gives %d", o, o.ledger.height(), len(e.ref.blocks))
		}
	}
	return ""
}

// clockless compares the ledgers of stopped orderers with the log before and after a loss.
func (e *evidence) clockless() string {
	for _, o := range e.stopped {
		if before, now := follows(o.ledger, e.old), follows(o.ledger, e.ref); before != "" && now != "" {
			return fmt.Sprintf("%s: %s by the log before its loss, and %s by the log as it is now", o, before, now)
		}
	}
	return ""
}

// offsets compares the position of each block with what the log gives.
func (e *evidence) offsets() string {
	for _, o := range e.live {
		for n := 1; n < min(o.ledger.height(), len(e.ref.blocks)); n++ {
			if got, want := o.ledger.blocks[n].position().LastOffsetPersisted, e.ref.blocks[n].at; got != want {
				return fmt.Sprintf("%s: block %d names offset %d, it covers those up to %d", o, n, got, want)
			}
		}
	}
	return ""
}

func (e *evidence) positions() string {
	for _, o := range e.w.orderers {
		last := int64(-1)
		for n := 1; n < o.ledger.height(); n++ {
			if o.ledger.blocks[n].after.left() {
				break // the next consenter wants no position
			}
			at := o.ledger.blocks[n].position().LastOffsetPersisted
			if at <= last {
				return fmt.Sprintf("%s: block %d names offset %d after %d", o, n, at, last)
			}
			last = at
		}
	}
	return ""
}
