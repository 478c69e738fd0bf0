package sim

import (
	"slices"

	"github.com/fabric-kafka/orderer/chain/log"
	"github.com/fabric-kafka/orderer/chain/record"
)

// unread are the records that an unclean election lost before any orderer had read
// them. No orderer may stop because of that, and only those records may be missing.
type unread struct {
	texts   map[string]bool  // of clients' envelopes
	updates map[int][]writer // of config updates; who wrote the copy, the zero writer for a client
}

// writer is one life of an orderer's process: it remembers what it wrote until it ends.
type writer struct {
	orderer *Orderer
	life    int
}

// alive reports whether the process is still running.
func (p writer) alive() bool { return p.orderer != nil && p.orderer.live() && p.orderer.life == p.life }

// forget elects a leader that lacks records that were acknowledged and that no
// orderer has read.
func (w *World) forget(a Action) {
	if w.loss != nil || w.end() == 0 {
		return
	}
	least := w.end() - 1 - a.A
	if a.C == 1 {
		least = w.end()
		w.provoke(int64(a.B))
	}
	w.loseFrom(max(w.consumed(), least))
}

// loseFrom elects a leader that lacks the records from an offset on, which no
// orderer has read.
func (w *World) loseFrom(at int) {
	values := w.values()
	if w.loss != nil || at >= len(values) {
		return
	}
	for _, value := range values[at:] {
		w.lost(value)
	}
	if at == 0 {
		w.late = nil // they would precede the description, as records of a foreign writer do
	}
	w.epoch++
	w.broker.CutTail(channelID, log.Offset(at))
}

// consumed is the offset after the last record that an orderer was given, as far as
// its process or its ledger knows.
func (w *World) consumed() (next int) {
	for _, o := range w.orderers {
		ledger := o.ledger.next()
		if o.ledger.height() > 1 && len(o.ledger.last().position().CutDigest) > 0 {
			ledger++ // the last block was cut for the record after it
		}
		next = max(next, int(o.seen), int(ledger))
	}
	return next
}

// provoke lets every orderer read to the current end of the log, and fire its timer
// after a while. What they append meanwhile, copies and time-to-cuts, is after that
// end, and unread.
func (w *World) provoke(while int64) {
	end := int64(w.end())
	for _, o := range w.orderers {
		for range end + attempts {
			if o.live() && o.next() < end {
				o.advance(1)
			}
		}
	}
	w.now += while
	for _, o := range w.orderers {
		o.fire()
	}
}

// attempts is how many steps of a loop may read no record.
const attempts = 8

// lost records what an election has lost.
func (w *World) lost(value []byte) {
	w.happened["lost "+kindOf(value)]++
	m, err := record.Decode(value)
	if err != nil || m.GetRegular() == nil {
		return
	}
	switch c, _ := w.read(m.GetRegular().Payload); {
	case c.update != nil:
		w.unread.updates[c.update.id] = append(w.unread.updates[c.update.id], w.own[string(value)])
	case c.text != "":
		w.unread.texts[c.text] = true
	}
}

// kindOf names the type of a record.
func kindOf(value []byte) string {
	m, err := record.Decode(value)
	switch {
	case err != nil:
		return "garbage"
	case m.GetConnect() != nil:
		return "description"
	case m.GetTimeToCut() != nil:
		return "time-to-cut"
	case m.GetRegular().GetClass() == record.Regular_CONFIG:
		return "config"
	}
	return "envelope"
}

// gone reports whether an update may be missing: its record was lost, or every
// process that wrote a copy which was lost has ended since.
func (u *unread) gone(update int) bool {
	copies := u.updates[update]
	return len(copies) > 0 && !slices.ContainsFunc(copies, writer.alive)
}
