package session

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/fabric-kafka/orderer/chain/log"
	"github.com/fabric-kafka/orderer/chain/machine"
	"github.com/fabric-kafka/orderer/chain/record"
)

// proof is what was read again of the topic, to know it for the log that the ledger
// was made from: one that was cut and filled again holds other records there, and
// every record after them is another as well.
//
// It is good for the term in which it was read, in which nothing that was read should
// be replaced. Within it a proof that was interrupted is continued where it was, and
// what was proven is not read again, nor are the records that were taken since, as long
// as the brokers were never lost: see doubt.
type proof struct {
	term log.Term
	next log.Offset     // first that was not read for it
	left []comparison   // in the log's order; none once it is complete
	at   machine.Offset // next offset when it became complete
}

// comparison holds the next records of the log against what is known of them.
type comparison interface {
	take(log.Record)
	done() (bool, error) // an error if they differ
	last() log.Offset    // of the records that it needs
}

// open opens the session's reader at the next offset, once the records of the last
// block and those since were read again, in the reader's term. The reader is opened
// before, so that no election goes unnoticed.
//
// It returns the bounds with the end to which the log has records, if it met that.
func (e *Engine) open(ctx context.Context, topic log.Log, b log.Bounds) (log.Bounds, error) {
	e.Close()
	if w := e.written; e.machine == nil && w != nil && len(e.windows()) == 0 && e.host.Block(w.Number) == nil {
		return b, fmt.Errorf("block %d, taken from another orderer, is still being committed to the ledger; awaiting the disk", w.Number)
	}
	if err := e.openProof(ctx, topic, b.Start); err != nil {
		return b, err
	}
	if len(e.proof.left) == 0 && e.lost && log.Offset(e.Next()) < b.End {
		err := e.readAhead(ctx)
		switch {
		case errors.Is(err, log.ErrNoRecord):
			b.End = log.Offset(e.Next())
		case err != nil:
			return b, err
		}
	}
	if err := e.prove(ctx); err != nil {
		return b, err
	}
	e.begin()
	return b, nil
}

// prove makes the comparisons that are left.
func (e *Engine) prove(ctx context.Context) error {
	for len(e.proof.left) > 0 {
		done, err := e.proof.left[0].done()
		switch {
		case err != nil:
			return err
		case done:
			e.proof.left, e.proof.at = e.proof.left[1:], e.Next()
			continue
		}
		if err := e.proveNext(ctx); err != nil {
			return err
		}
	}
	return nil
}

// readAhead takes the next record for Advance, when the brokers were lost and nothing is
// to be proven: a session that cannot read is not to begin, or the channel would be ready
// again and again.
func (e *Engine) readAhead(ctx context.Context) error {
	r, err := e.reader.Next(ctx)
	if err == nil {
		e.ahead = &r
	}
	return err
}

// doubt has the newest records read again once the brokers were lost: what comes back
// may be another log, even by the same name, id and epoch. A complete proof under which nothing
// was taken yet although there is more is kept, or a connection that breaks before
// each next record would lead to the same being read for ever.
func (e *Engine) doubt() {
	p := e.proof
	if p == nil || len(p.left) > 0 || e.Next() == p.at && e.Next() < e.end {
		return
	}
	want := slices.DeleteFunc(slices.Clone(e.newest), func(s seen) bool { return s.at >= log.Offset(e.Next()) })
	if len(want) == 0 {
		e.proof = nil
		return
	}
	c := &newestComparison{engine: e, want: want}
	e.proof = &proof{term: p.term, next: c.want[0].at, left: []comparison{c}, at: p.at}
}

// openProof opens a reader where the proof is to go on, or else where another begins.
func (e *Engine) openProof(ctx context.Context, topic log.Log, start log.Offset) (err error) {
	if at := e.resumable(); at >= start {
		if e.reader, err = topic.Read(ctx, at); err != nil {
			return err
		}
		if e.reader.Term() == e.proof.term {
			return nil
		}
		e.Close()
	}
	e.proof, e.newest = nil, nil
	left, from := e.comparisons(start)
	if e.reader, err = topic.Read(ctx, from); err != nil {
		return err
	}
	e.proof = &proof{term: e.reader.Term(), next: from, left: left, at: e.Next()}
	return nil
}

// resumable is the offset at which the proof goes on; -1 if there is none that can.
func (e *Engine) resumable() log.Offset {
	switch {
	case e.proof == nil || !e.proof.term.Known():
		return -1
	case len(e.proof.left) > 0:
		return e.proof.next
	}
	return log.Offset(e.Next())
}

// proveNext reads the next record of those that are compared.
func (e *Engine) proveNext(ctx context.Context) error {
	p := e.proof
	r, err := e.reader.Next(ctx)
	if errors.Is(err, log.ErrNoRecord) {
		return e.differs(p.left[0].last(), "there was a record, and now there is none")
	}
	if err != nil {
		return err
	}
	p.next = r.Offset + 1
	if machine.Offset(r.Offset) >= e.Next() { // what the last block was cut for, after a gap perhaps
		e.ahead = &r
	}
	p.left[0].take(r)
	e.newest = e.newest.with(seen{r.Offset, record.DigestOf(r.Value), len(r.Value)})
	return nil
}

// comparisons are those of a proof from its beginning, and where that is.
func (e *Engine) comparisons(start log.Offset) (left []comparison, from log.Offset) {
	next := log.Offset(e.Next())
	tail := next - 1
	known := e.windows()
	first := slices.IndexFunc(known, func(w machine.Window) bool { return log.Offset(w.FirstOffset) >= start })
	switch {
	case tail < 0:
		return nil, next
	case start > tail, first < 0 && len(known) > 0:
		e.events.TailUnchecked(machine.Offset(tail))
		return nil, next
	case len(known) == 0:
		first := e.tipStart()
		from = max(start, first)
		left = append(left, &tipComparison{engine: e, block: e.host.Block(e.start.Next - 1), from: from, at: from - 1, tail: tail, trimmed: start > first})
	default:
		from = log.Offset(known[first].FirstOffset)
		for _, w := range known[first:] {
			left = append(left, &windowComparison{engine: e, want: w})
		}
	}
	if cut := e.start.Metadata.Cut; cut != (machine.Digest{}) && e.Next() == e.start.Metadata.Offset+1 {
		left = append(left, &cutComparison{engine: e, want: cut, tail: tail})
	}
	return left, from
}

// begin makes the machine, in the first session.
func (e *Engine) begin() {
	if e.machine == nil {
		e.machine = machine.New(e.start)
		e.events.Started(e.machine.NextOffset(), e.start.Next)
	}
}

// windowComparison compares the records of a window.
type windowComparison struct {
	engine *Engine
	want   machine.Window
	read   machine.Window
}

func (c *windowComparison) last() log.Offset { return log.Offset(c.want.LastOffset) }

// take skips what is between two windows: they have a width.
func (c *windowComparison) take(r log.Record) {
	if machine.Offset(r.Offset) >= c.want.FirstOffset {
		c.read = c.read.With(machine.Offset(r.Offset), record.DigestOf(r.Value), len(r.Value))
	}
}

func (c *windowComparison) done() (bool, error) {
	switch {
	case !c.read.Known() || c.read.LastOffset < c.want.LastOffset:
		return false, nil
	case c.read != c.want.Counted(c.read):
		return false, c.engine.differs(c.last(), fmt.Sprintf("the records from %d on had the digest %x, and now those from %d to %d have %x",
			c.want.FirstOffset, c.want.RecordsDigest, c.read.FirstOffset, c.read.LastOffset, c.read.RecordsDigest))
	}
	return true, nil
}

// cutComparison compares the record that the last block was cut for, which is as much
// a part of it. The machine has yet to take that record: it is the one read ahead.
type cutComparison struct {
	engine *Engine
	want   machine.Digest
	tail   log.Offset // of the block
}

func (c *cutComparison) last() log.Offset { return c.tail + 1 } // or after a gap

func (c *cutComparison) take(log.Record) {}

func (c *cutComparison) done() (bool, error) {
	got := c.engine.ahead
	if got == nil {
		return false, nil
	}
	if sum := record.DigestOf(got.Value); sum != c.want {
		return false, c.engine.differs(got.Offset, fmt.Sprintf("the record after %d, for which that block was cut, had digest %x, and now %x", c.tail, c.want, sum))
	}
	return true, nil
}

// tipComparison looks for the last block's envelopes, in their order, among the records that the
// block was made from: a block of an in-tree orderer carries no digest. It
// finds what the compatible rules must know of the block.
type tipComparison struct {
	engine     *Engine
	block      *Block
	from, tail log.Offset // of the records that the block can have
	trimmed    bool       // some of them were deleted: what is left is not enough to tell
	at         log.Offset // of the last one that was read
	found      int
	carried    log.Offset // of the last one that has an envelope of the block
	cut        bool       // the last of them is the time-to-cut that cut the block
}

func (c *tipComparison) last() log.Offset { return c.tail }

func (c *tipComparison) take(r log.Record) {
	c.at = r.Offset
	if c.block == nil || c.at > c.tail {
		return
	}
	in := record.InputOf(machine.Offset(r.Offset), r.Value)
	if c.found < len(c.block.Envelopes) && carries(in, c.block.Envelopes[c.found]) {
		c.found, c.carried = c.found+1, c.at
	}
	cut, ok := in.(machine.TimeToCut)
	c.cut = ok && c.at == c.tail && cut.Block == c.block.Number
}

func (c *tipComparison) done() (bool, error) {
	switch {
	case c.block == nil || len(c.block.Envelopes) == 0:
		return false, stop(because(CauseLedger, fmt.Errorf("the ledger has no block %d, its last", c.engine.start.Next-1)))
	case c.at < c.tail:
		return false, nil
	case c.found < len(c.block.Envelopes) && c.trimmed && !c.block.Config:
		c.engine.events.TailUnchecked(machine.Offset(c.tail))
	case c.found < len(c.block.Envelopes):
		how := fmt.Sprintf("the records from offset %d on hold %d of the %d envelopes of block %d", c.from, c.found, len(c.block.Envelopes), c.block.Number)
		if len(c.block.Metadata) == 0 {
			how += ", which names no offset, as a block of another consensus type"
		}
		return false, c.engine.differs(c.tail, how)
	case c.block.Config && c.carried != c.tail: // the position may be signed by nobody; a config block's is its own record's
		return false, c.engine.differs(c.tail, fmt.Sprintf("block %d ends, and its config is the record at offset %d", c.block.Number, c.carried))
	}
	c.engine.start.Tip = tipOf(c.block, c.cut)
	return true, nil
}
