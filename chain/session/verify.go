package session

import (
	"context"
	"errors"
	"fmt"

	"github.com/fabric-kafka/orderer/chain/log"
	"github.com/fabric-kafka/orderer/chain/machine"
	"github.com/fabric-kafka/orderer/chain/status"
	"github.com/fabric-kafka/orderer/chain/verify"
)

// open opens the session's reader and leaves it at the next offset, once the records of
// the last blocks and those since were verified. They are read through the same reader, so
// that no election goes unnoticed.
//
// It returns the bounds, with a lower end if the last offsets turn out to have no records.
func (d *Driver) open(ctx context.Context, topic log.Log, b log.Bounds) (log.Bounds, error) {
	if w := d.written; d.machine == nil && w != nil && len(d.windows()) == 0 && d.host.Block(w.Number) == nil {
		return b, fmt.Errorf("block %d, pulled from another orderer, is still being committed to the ledger; waiting for the disk", w.Number)
	}
	if err := d.openVerification(ctx, topic, b.Start); err != nil {
		return b, err
	}
	if d.verification.Complete() && d.lost && log.Offset(d.NextOffset()) < b.End {
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

// verify reads the records that are left to compare.
func (d *Driver) verify(ctx context.Context) error {
	for {
		if err := d.verification.Decide(d.NextOffset()); err != nil {
			return d.differs(err)
		}
		if d.verification.Complete() {
			break
		}
		if err := d.verifyNext(ctx); err != nil {
			return err
		}
	}
	if d.machine == nil {
		d.start.LastBlock = d.verification.LastBlock()
	}
	return nil
}

// verifyNext reads the next of the records to compare.
func (d *Driver) verifyNext(ctx context.Context) error {
	r, err := d.session.reader.Next(ctx)
	if errors.Is(err, log.ErrNoRecord) {
		return d.differs(d.verification.Missing())
	}
	if err != nil {
		return err
	}
	if d.verification.Take(r, d.NextOffset()) {
		d.session.ahead = &r
	}
	return nil
}

// readAhead reads the next record for Advance, if the connection was lost and there is nothing to verify: a session
// that cannot read must not start, or the channel would become ready again and again.
func (d *Driver) readAhead(ctx context.Context) error {
	r, err := d.session.reader.Next(ctx)
	if err == nil {
		d.session.ahead = &r
	}
	return err
}

// verifyAgain has the newest records read again after the connection was lost.
func (d *Driver) verifyAgain() {
	if d.verification != nil {
		d.verification = d.verification.Again(d.NextOffset(), d.end)
	}
}

// openVerification opens a reader where the verification continues or, if it cannot, where another one begins.
func (d *Driver) openVerification(ctx context.Context, topic log.Log, start log.Offset) error {
	if at := d.resumable(); at >= start {
		if err := d.read(ctx, topic, at); err != nil {
			return err
		}
		if d.session.reader.Term() == d.verification.Term() {
			return nil
		}
		d.Close()
	}
	d.verification = nil
	v := verify.New(d.known(), start)
	if err := d.read(ctx, topic, v.From(d.NextOffset())); err != nil {
		return err
	}
	v.ReadIn(d.session.reader.Term())
	d.verification = v
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

// resumable returns the offset at which the verification continues; -1 if there is none that can.
func (d *Driver) resumable() log.Offset {
	if v := d.verification; v != nil && v.Term().Known() {
		return v.From(d.NextOffset())
	}
	return -1
}

// known returns what is known of the log.
func (d *Driver) known() verify.Known {
	k := verify.Known{
		Next:      d.NextOffset(),
		Windows:   d.windows(),
		Last:      d.lastBlock,
		Unchecked: func(last log.Offset) { d.events.LastRecordUnchecked(machine.Offset(last)) },
	}
	if d.NextOffset() == d.start.Metadata.Offset+1 {
		k.Cut = d.start.Metadata.Cut
	}
	return k
}

// lastBlock returns the ledger's last block.
func (d *Driver) lastBlock() verify.LastBlock {
	last := verify.LastBlock{Number: d.start.Next - 1, First: d.lastBlockStart()}
	if b := d.host.Block(last.Number); b != nil {
		last.Number, last.Envelopes, last.Config, last.Positioned = b.Number, b.Envelopes, b.Config, len(b.Metadata) > 0
	}
	return last
}

// differs returns the error for a log that is not the ledger's.
func (d *Driver) differs(err error) error {
	other := verify.Difference{}
	if !errors.As(err, &other) {
		return stop(fmt.Errorf("block %d: %w", d.start.Next-1, err))
	}
	return stop(because(status.CauseOtherRecords, fmt.Errorf("topic %q is not the log that the ledger was made from: at offset %d, which was read for block %d or one before it, %s: "+
		"records were lost and replaced by others (an unclean leader election, or a topic that was refilled)",
		d.start.Channel, other.Offset, d.nextBlock(), other.How)))
}

// begin creates the machine, in the first session.
func (d *Driver) begin() {
	if d.machine == nil {
		d.machine = machine.New(d.start)
		d.events.Started(d.machine.NextOffset(), d.start.Next)
	}
}
