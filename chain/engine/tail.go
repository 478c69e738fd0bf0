package engine

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"

	"github.com/fabric-kafka/orderer/chain/fabric"
	"github.com/fabric-kafka/orderer/chain/log"
	"github.com/fabric-kafka/orderer/chain/machine"
	"github.com/fabric-kafka/orderer/chain/record"
)

// open opens the session's reader at the next offset, after it has read the
// records of the last block and those since again: a log that was cut and filled
// anew holds other records there, and every record after them is another as well.
func (e *Engine) open(ctx context.Context, topic log.Log, b log.Bounds) error {
	tail := log.Offset(e.Next()) - 1
	known := e.windows()
	switch {
	case tail < 0:
		return e.begin(ctx, topic, machine.Tip{})
	case b.Start > tail:
		e.events.TailUnchecked(machine.Offset(tail))
		return e.begin(ctx, topic, machine.Tip{})
	case len(known) > 0:
		return e.reread(ctx, topic, log.Offset(b.Start), known)
	}
	found, err := e.matchTip(ctx, topic, max(b.Start, e.tipStart()), tail)
	if err != nil {
		return err
	}
	return e.begin(ctx, topic, found)
}

// enough is how many offsets the windows should have together that are compared:
// the window of a block of one record may be the same in another log, if that
// record was written again.
const enough = 64

// windows are what is known of the log, in its order: the records since the last
// block, those of that block, and of as many before it as make enough.
func (e *Engine) windows() (known []machine.Window) {
	tip, since := e.start.Metadata.Window(), machine.Window{}
	if e.machine != nil {
		tip, since = e.machine.Windows()
	}
	if since.Known() {
		known = append(known, since)
	}
	next := e.Next()
	for w, n := tip, e.nextBlock()-1; w.Known(); w = e.windowOf(n) {
		known = append(known, w)
		if n--; n < 1 || next-w.From >= enough {
			break
		}
	}
	slices.Reverse(known)
	return known
}

// windowOf is the window of a block of the ledger, or of one that was held back;
// not known if it has none.
func (e *Engine) windowOf(number machine.BlockNumber) machine.Window {
	for _, effect := range e.effects {
		switch f := effect.(type) {
		case machine.WriteBlock:
			if f.Number == number {
				return f.Metadata.Window()
			}
		case machine.WriteConfigBlock:
			if f.Number == number {
				return f.Metadata.Window()
			}
		}
	}
	block := e.host.Block(number)
	if block == nil {
		return machine.Window{}
	}
	m, err := Position(uint64(number)+1, block.Metadata)
	if err != nil {
		return machine.Window{}
	}
	return m.Window()
}

// begin makes the machine, in the first session, and opens the reader.
func (e *Engine) begin(ctx context.Context, topic log.Log, tip machine.Tip) (err error) {
	if e.machine == nil {
		e.start.Tip = tip
		e.machine = machine.New(e.start)
		e.events.Started(e.machine.NextOffset(), e.start.Next)
	}
	if e.reader == nil {
		e.reader, err = topic.Read(ctx, log.Offset(e.Next()))
	}
	return err
}

// reread compares the windows that the log still has, and opens the reader after
// them. What a block was cut for, the record after its own, is as much a part of it.
func (e *Engine) reread(ctx context.Context, topic log.Log, start log.Offset, known []machine.Window) (err error) {
	first := slices.IndexFunc(known, func(w machine.Window) bool { return log.Offset(w.From) >= start })
	if first < 0 {
		e.events.TailUnchecked(e.Next() - 1)
		return e.begin(ctx, topic, machine.Tip{})
	}
	if e.reader, err = topic.Read(ctx, log.Offset(known[first].From)); err != nil {
		return err
	}
	for _, w := range known[first:] {
		if err := e.compare(ctx, w); err != nil {
			return err
		}
	}
	return e.rereadCut(ctx, topic, log.Offset(known[len(known)-1].To))
}

// compare reads the records of a window and holds them against it.
func (e *Engine) compare(ctx context.Context, w machine.Window) error {
	for read := (machine.Window{}); w.Known(); {
		r, err := e.again(ctx, e.reader, log.Offset(w.To))
		if err != nil {
			return err
		}
		if machine.Offset(r.Offset) < w.From {
			continue // between two windows: they have a width
		}
		read = read.With(machine.Offset(r.Offset), DigestOf(r.Value))
		switch {
		case read.To < w.To:
		case read != w.Counted(read):
			return e.differs(log.Offset(w.To), fmt.Sprintf("the records from %d on had the sum %x, and now those from %d to %d have %x",
				w.From, w.Sum, read.From, read.To, read.Sum))
		default:
			return nil
		}
	}
	return nil
}

// rereadCut goes on after the last block. The record that it was cut for is read
// twice: once to compare it, then for the next block.
func (e *Engine) rereadCut(ctx context.Context, topic log.Log, tail log.Offset) error {
	cut := e.start.Metadata.Cut
	if cut == (machine.Digest{}) || e.Next() != e.start.Metadata.Offset+1 {
		return e.begin(ctx, topic, machine.Tip{})
	}
	r, err := e.again(ctx, e.reader, tail+1) // or after a gap
	if err != nil {
		return err
	}
	if sum := DigestOf(r.Value); sum != cut {
		return e.differs(r.Offset, fmt.Sprintf("the record after %d, for which that block was cut, had digest %x, and now %x", tail, cut, sum))
	}
	e.Close()
	return e.begin(ctx, topic, machine.Tip{})
}

// again reads a record that was read before; one at that offset still is to come.
func (e *Engine) again(ctx context.Context, reader log.Reader, at log.Offset) (log.Record, error) {
	r, err := reader.Next(ctx)
	if errors.Is(err, log.ErrNoRecord) {
		return r, e.differs(at, "there was a record, and now there is none")
	}
	return r, err
}

func (e *Engine) differs(tail log.Offset, how string) error {
	return stop(fmt.Errorf("topic %q is not the log that the ledger was made from: at offset %d, which was read for block %d or one before it, %s: "+
		"records were lost and others written in their place (an unclean leader election, or a topic filled anew); "+
		"compare with the other orderers, bring the lost records back, or move the channel to a topic that has them, then restart the orderer",
		e.host.Channel(), tail, e.nextBlock(), how))
}

func (e *Engine) nextBlock() machine.BlockNumber {
	if e.machine == nil {
		return e.start.Next
	}
	return e.machine.State().Next
}

// tipStart is the first offset that the last block can have a record at.
func (e *Engine) tipStart() log.Offset {
	if e.start.Next < 2 {
		return 0
	}
	before := e.host.Block(e.start.Next - 2)
	if before == nil {
		return 0
	}
	m, err := record.DecodeMetadata(before.Metadata)
	if err != nil || before.Number == 0 {
		return 0
	}
	return log.Offset(m.LastOffsetPersisted) + 1
}

// matchTip looks for the last block's envelopes, in their order, among the records that the
// block was made from: a block of an in-tree orderer carries no digest. It
// returns what the compatible rules must know of the block.
func (e *Engine) matchTip(ctx context.Context, topic log.Log, from, tail log.Offset) (tip machine.Tip, err error) {
	block := e.host.Block(e.start.Next - 1)
	if block == nil || len(block.Envelopes) == 0 {
		return tip, stop(fmt.Errorf("the ledger has no block %d, its last", e.start.Next-1))
	}
	reader, err := topic.Read(ctx, from)
	if err != nil {
		return tip, err
	}
	defer reader.Close()
	found, last := 0, log.Offset(-1)
	for at := from - 1; at < tail; {
		r, err := e.again(ctx, reader, tail)
		if err != nil {
			return tip, err
		}
		in := InputOf(r)
		at = r.Offset
		if found < len(block.Envelopes) && carries(in, block.Envelopes[found]) {
			found, last = found+1, at
		}
		cut, ok := in.(machine.TimeToCut)
		tip.Cut = ok && at == tail && cut.Block == block.Number
	}
	if found < len(block.Envelopes) {
		how := fmt.Sprintf("the records from offset %d on hold %d of the %d envelopes of block %d", from, found, len(block.Envelopes), block.Number)
		if len(block.Metadata) == 0 {
			how += ", which names no offset, as a block of another consensus type"
		}
		return tip, e.differs(tail, how)
	}
	if block.Config && last != tail { // in-tree, the position may be signed by nobody; a config block's is its own record's
		return tip, e.differs(tail, fmt.Sprintf("block %d ends, and its config is the record at offset %d", block.Number, last))
	}
	return tipOf(block, tip.Cut), nil
}

// tipOf measures a block as the limits do.
func tipOf(b *Block, cut bool) machine.Tip {
	tip := machine.Tip{Envelopes: len(b.Envelopes), Config: b.Config, Cut: cut}
	for _, envelope := range b.Envelopes {
		tip.Bytes += uint64(envelopeOf(envelope).Size)
	}
	return tip
}

// carries says whether a record carries an envelope as blocks have it: encoded anew.
func carries(in machine.Input, envelope []byte) bool {
	r, ok := in.(machine.Regular)
	if !ok || r.Envelope.Flaw != "" {
		return false
	}
	anew, err := Canonical(r.Envelope.Bytes)
	return err == nil && bytes.Equal(anew, envelope)
}

// Canonical is the encoding that a block gives to an envelope.
func Canonical(envelope []byte) ([]byte, error) {
	decoded := &fabric.Envelope{}
	if err := fabric.Unmarshal(envelope, decoded); err != nil {
		return nil, err
	}
	return fabric.Marshal(decoded)
}

// DigestOf is the digest of a record's value.
func DigestOf(value []byte) (d machine.Digest) {
	sum := sha256.Sum256(value)
	copy(d[:], sum[:])
	return d
}
