package session

import (
	"fmt"

	"github.com/fabric-kafka/orderer/chain/log"
	"github.com/fabric-kafka/orderer/chain/machine"
	"github.com/fabric-kafka/orderer/chain/record"
)

// comparison compares the next records of the log with what is known of them.
type comparison interface {
	take(log.Record)
	done() (bool, error) // an error if they differ
	last() log.Offset    // of the records that it needs
}

// seen is a record that was read.
type seen struct {
	at     log.Offset
	digest machine.Digest
	size   int
}

// newest holds the records that were read last. A few are enough: a log that was truncated
// and filled again since has others there.
type newest []seen

const (
	newestRecords = 16
	newestBytes   = 64 << 10
)

// with returns n with one more record, and without those that are no longer needed.
func (n newest) with(s seen) newest {
	if len(n) > 0 && s.at <= n[len(n)-1].at {
		return n // read again
	}
	n = append(n, s)
	first, size := len(n), 0
	for first > 0 && len(n)-first < newestRecords && size < newestBytes {
		first--
		size += n[first].size
	}
	return n[first:]
}

// newestComparison compares the records that were read last.
type newestComparison struct {
	driver *Driver
	want   newest
	got    []seen
}

func (c *newestComparison) last() log.Offset { return c.want[len(c.want)-1].at }

func (c *newestComparison) take(r log.Record) {
	c.got = append(c.got, seen{r.Offset, record.DigestOf(r.Value), len(r.Value)})
}

func (c *newestComparison) done() (bool, error) {
	for i, got := range c.got {
		if want := c.want[i]; got != want {
			return false, c.driver.differs(want.at, fmt.Sprintf("there was a record with digest %x, and now there is one with %x at %d", want.digest, got.digest, got.at))
		}
	}
	return len(c.got) == len(c.want), nil
}

// seenIn is the record of an input.
func seenIn(r log.Record, in machine.Input) seen {
	s := seen{at: r.Offset, size: len(r.Value)}
	switch in := in.(type) {
	case machine.Garbage:
		s.digest = in.Digest
	case machine.Connect:
		s.digest = in.Digest
	case machine.TimeToCut:
		s.digest = in.Digest
	case machine.Regular:
		s.digest = in.Digest
	}
	return s
}

// windowComparison compares the records of a window.
type windowComparison struct {
	driver *Driver
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
		return false, c.driver.differs(c.last(), fmt.Sprintf("the records from %d on had the sum %x, and now those from %d to %d have %x",
			c.want.FirstOffset, c.want.RecordsDigest, c.read.FirstOffset, c.read.LastOffset, c.read.RecordsDigest))
	}
	return true, nil
}

// cutComparison compares the record that the last block was cut for, which is as much
// a part of it. The machine has yet to take that record: it is the one read ahead.
type cutComparison struct {
	driver     *Driver
	want       machine.Digest
	lastOffset log.Offset // of the block
}

func (c *cutComparison) last() log.Offset { return c.lastOffset + 1 } // or after a gap

func (c *cutComparison) take(log.Record) {}

func (c *cutComparison) done() (bool, error) {
	got := c.driver.session.ahead
	if got == nil {
		return false, nil
	}
	if sum := record.DigestOf(got.Value); sum != c.want {
		return false, c.driver.differs(got.Offset, fmt.Sprintf("the record after %d, for which that block was cut, had digest %x, and now %x", c.lastOffset, c.want, sum))
	}
	return true, nil
}

// lastBlockComparison looks for the last block's envelopes, in their order, among the records that the
// block was made from: a block of an in-tree orderer carries no digest. It
// finds what the compatible rules must know of the block.
type lastBlockComparison struct {
	driver           *Driver
	block            *Block
	from, lastOffset log.Offset // of the records that the block can have
	trimmed          bool       // some of them were deleted: what is left is not enough to tell
	at               log.Offset // of the last one that was read
	found            int
	carried          log.Offset // of the last one that has an envelope of the block
	cut              bool       // the last of them is the time-to-cut that cut the block
}

func (c *lastBlockComparison) last() log.Offset { return c.lastOffset }

func (c *lastBlockComparison) take(r log.Record) {
	c.at = r.Offset
	if c.block == nil || c.at > c.lastOffset {
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
	case c.block == nil || len(c.block.Envelopes) == 0:
		return false, stop(fmt.Errorf("the ledger has no block %d, its last", c.driver.start.Next-1))
	case c.at < c.lastOffset:
		return false, nil
	case c.found < len(c.block.Envelopes) && c.trimmed && !c.block.Config:
		c.driver.events.LastRecordUnchecked(machine.Offset(c.lastOffset))
	case c.found < len(c.block.Envelopes):
		how := fmt.Sprintf("the records from offset %d on hold %d of the %d envelopes of block %d", c.from, c.found, len(c.block.Envelopes), c.block.Number)
		if len(c.block.Metadata) == 0 {
			how += ", which names no offset, as a block of another consensus type"
		}
		return false, c.driver.differs(c.lastOffset, how)
	case c.block.Config && c.carried != c.lastOffset: // the position may be signed by nobody; a config block's is its own record's
		return false, c.driver.differs(c.lastOffset, fmt.Sprintf("block %d ends, and its config is the record at offset %d", c.block.Number, c.carried))
	}
	c.driver.start.Tip = sizeOfLastBlock(c.block, c.cut)
	return true, nil
}
