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

// verification is the progress of reading records of the topic again, to make sure that it
// is the log that the ledger was made from. A log that was truncated and filled again has
// other records at those offsets, and so at every offset after them.
//
// A verification holds for the term in which its records were read, since a leader does
// not replace what it has. Within that term an interrupted verification is continued, and
// records that were verified or handled are not read again unless the connection to the
// brokers was lost: see verifyAgain.
type verification struct {
	term log.Term
	next log.Offset     // first that was not read for it
	left []comparison   // in the log's order; none once it is complete
	at   machine.Offset // next offset when it became complete
}

// open opens the session's reader and leaves it at the next offset, once the records of
// the last blocks and those since were verified. They are read through the same reader, so
// that no election goes unnoticed.
//
// It returns the bounds, with a lower end if the last offsets turn out to have no records.
func (d *Driver) open(ctx context.Context, topic log.Log, b log.Bounds) (log.Bounds, error) {
	if w := d.written; d.machine == nil && w != nil && len(d.windows()) == 0 && d.host.Block(w.Number) == nil {
		return b, fmt.Errorf("block %d, taken from another orderer, is still being committed to the ledger; awaiting the disk", w.Number)
	}
	if err := d.openVerification(ctx, topic, b.Start); err != nil {
		return b, err
	}
	if len(d.verification.left) == 0 && d.lost && log.Offset(d.NextOffset()) < b.End {
		err := d.readAhead(ctx)
		switch {
		case errors.Is(err, log.ErrNoRecord):
			b.End = log.Offset(d.NextOffset())
		case err != nil:
			return b, err
		}
	}
	if err := d.verify(ctx); err != nil {
		return b, err
	}
	d.begin()
	return b, nil
}

// verify runs the comparisons that are left.
func (d *Driver) verify(ctx context.Context) error {
	for len(d.verification.left) > 0 {
		done, err := d.verification.left[0].done()
		switch {
		case err != nil:
			return err
		case done:
			d.verification.left, d.verification.at = d.verification.left[1:], d.NextOffset()
			continue
		}
		if err := d.verifyNext(ctx); err != nil {
			return err
		}
	}
	return nil
}

// readAhead takes the next record for Advance, when the brokers were lost and nothing is
// to be proven: a session that cannot read is not to begin, or the channel would be ready
// again and again.
func (d *Driver) readAhead(ctx context.Context) error {
	r, err := d.session.reader.Next(ctx)
	if err == nil {
		d.session.ahead = &r
	}
	return err
}

// verifyAgain has the newest records read again once the brokers were lost: what comes back
// may be another log, even by the same name, id and epoch. A complete verification under which nothing
// was taken yet although there is more is kept, or a connection that breaks before
// each next record would lead to the same being read without end.
func (d *Driver) verifyAgain() {
	p := d.verification
	if p == nil || len(p.left) > 0 || d.NextOffset() == p.at && d.NextOffset() < d.end {
		return
	}
	want := slices.DeleteFunc(slices.Clone(d.newest), func(s seen) bool { return s.at >= log.Offset(d.NextOffset()) })
	if len(want) == 0 {
		d.verification = nil
		return
	}
	c := &newestComparison{driver: d, want: want}
	d.verification = &verification{term: p.term, next: c.want[0].at, left: []comparison{c}, at: p.at}
}

// openVerification opens a reader where the verification continues, or else where another begins.
func (d *Driver) openVerification(ctx context.Context, topic log.Log, start log.Offset) error {
	if at := d.resumable(); at >= start {
		if err := d.read(ctx, topic, at); err != nil {
			return err
		}
		if d.session.reader.Term() == d.verification.term {
			return nil
		}
		d.Close()
	}
	d.verification, d.newest = nil, nil
	left, from := d.comparisons(start)
	if err := d.read(ctx, topic, from); err != nil {
		return err
	}
	d.verification = &verification{term: d.session.reader.Term(), next: from, left: left, at: d.NextOffset()}
	return nil
}

// read begins a session with a reader at an offset.
func (d *Driver) read(ctx context.Context, topic log.Log, from log.Offset) error {
	reader, err := topic.Read(ctx, from)
	if err != nil {
		return err
	}
	d.session = &session{topic: topic, reader: reader}
	return nil
}

// resumable is the offset at which the verification continues; -1 if there is none that can.
func (d *Driver) resumable() log.Offset {
	switch {
	case d.verification == nil || !d.verification.term.Known():
		return -1
	case len(d.verification.left) > 0:
		return d.verification.next
	}
	return log.Offset(d.NextOffset())
}

// verifyNext reads the next record of those that are compared.
func (d *Driver) verifyNext(ctx context.Context) error {
	p := d.verification
	r, err := d.session.reader.Next(ctx)
	if errors.Is(err, log.ErrNoRecord) {
		return d.differs(p.left[0].last(), "there was a record, and now there is none")
	}
	if err != nil {
		return err
	}
	p.next = r.Offset + 1
	if machine.Offset(r.Offset) >= d.NextOffset() { // what the last block was cut for, after a gap perhaps
		d.session.ahead = &r
	}
	p.left[0].take(r)
	d.newest = d.newest.with(seen{r.Offset, record.DigestOf(r.Value), len(r.Value)})
	return nil
}

// comparisons are those of a verification from its beginning, and where that is.
func (d *Driver) comparisons(start log.Offset) (left []comparison, from log.Offset) {
	next := log.Offset(d.NextOffset())
	last := next - 1
	known := d.windows()
	first := slices.IndexFunc(known, func(w machine.Window) bool { return log.Offset(w.FirstOffset) >= start })
	switch {
	case last < 0:
		return nil, next
	case start > last, first < 0 && len(known) > 0:
		d.events.LastRecordUnchecked(machine.Offset(last))
		return nil, next
	case len(known) == 0:
		first := d.lastBlockStart()
		from = max(start, first)
		left = append(left, &lastBlockComparison{driver: d, block: d.host.Block(d.start.Next - 1), from: from, at: from - 1, lastOffset: last, trimmed: start > first})
	default:
		from = log.Offset(known[first].FirstOffset)
		for _, w := range known[first:] {
			left = append(left, &windowComparison{driver: d, want: w})
		}
	}
	if cut := d.start.Metadata.Cut; cut != (machine.Digest{}) && d.NextOffset() == d.start.Metadata.Offset+1 {
		left = append(left, &cutComparison{driver: d, want: cut, lastOffset: last})
	}
	return left, from
}

// begin makes the machine, in the first session.
func (d *Driver) begin() {
	if d.machine == nil {
		d.machine = machine.New(d.start)
		d.events.Started(d.machine.NextOffset(), d.start.Next)
	}
}
