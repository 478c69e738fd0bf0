package verify

import (
	"bytes"
	"fmt"

	"github.com/fabric-kafka/orderer/chain/log"
	"github.com/fabric-kafka/orderer/chain/machine"
	"github.com/fabric-kafka/orderer/chain/record"
)

// LastBlock is the last block of a ledger, without what the block writer adds.
type LastBlock struct {
	Number     machine.BlockNumber
	Envelopes  [][]byte // none: the ledger does not have the block
	Config     bool
	Positioned bool       // it names an offset
	First      log.Offset // the first at which it can have a record
}

// info describes the block to the compatible rules; cut reports whether its last record is the time-to-cut that cut it.
func (b LastBlock) info(cut bool) machine.BlockInfo {
	last := machine.BlockInfo{Envelopes: len(b.Envelopes), Config: b.Config, Cut: cut}
	for _, envelope := range b.Envelopes {
		last.Bytes += uint64(record.EnvelopeOf(envelope).Size)
	}
	return last
}

// lastBlockComparison looks for the last block's envelopes, in their order, among the records that the
// block was made from: a block of an in-tree orderer carries no digest. It
// finds what the compatible rules must know of the block.
type lastBlockComparison struct {
	verification     *Verification
	block            LastBlock
	from, lastOffset log.Offset // of the records that the block can have
	trimmed          bool       // some of them were deleted: what is left is not enough to decide
	at               log.Offset // of the last one that was read
	found            int
	carried          log.Offset // of the last one that has an envelope of the block
	cut              bool       // the last of them is the time-to-cut that cut the block
	unchecked        func(last log.Offset)
}

func (c *lastBlockComparison) last() log.Offset { return c.lastOffset }

func (c *lastBlockComparison) take(r log.Record) {
	c.at = r.Offset
	if c.at > c.lastOffset {
		return
	}
	in := record.InputOf(machine.Offset(r.Offset), r.Value)
	if c.found < len(c.block.Envelopes) && carries(in, c.block.Envelopes[c.found]) {
		c.found, c.carried = c.found+1, c.at
	}
	cut, ok := in.(machine.TimeToCut)
	c.cut = ok && c.at == c.lastOffset && cut.Block == c.block.Number
}

func (c *lastBlockComparison) done() (bool, error) {
	switch {
	case len(c.block.Envelopes) == 0:
		return false, ErrNoLastBlock
	case c.at < c.lastOffset:
		return false, nil
	case c.found < len(c.block.Envelopes) && c.trimmed && !c.block.Config:
		c.unchecked(c.lastOffset)
	case c.found < len(c.block.Envelopes):
		how := fmt.Sprintf("the records from offset %d on hold %d of the %d envelopes of block %d", c.from, c.found, len(c.block.Envelopes), c.block.Number)
		if !c.block.Positioned {
			how += ", which names no offset, as a block of another consensus type"
		}
		return false, Difference{c.lastOffset, how}
	case c.block.Config && c.carried != c.lastOffset: // the position may not be signed; that of a config block is its own record's
		return false, Difference{c.lastOffset, fmt.Sprintf("block %d ends, but its config is the record at offset %d", c.block.Number, c.carried)}
	}
	c.verification.info = c.block.info(c.cut)
	return true, nil
}

// carries reports whether a record carries an envelope as blocks have it: encoded again.
func carries(in machine.Input, envelope []byte) bool {
	r, ok := in.(machine.Regular)
	if !ok || r.Envelope.Flaw != "" {
		return false
	}
	again, err := record.Canonical(r.Envelope.Bytes)
	return err == nil && bytes.Equal(again, envelope)
}
