package verify

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

// windowComparison compares the records of a window.
type windowComparison struct {
	want machine.Window
	read machine.Window
}

func (c *windowComparison) last() log.Offset { return log.Offset(c.want.LastOffset) }

// take skips the records before the window: windows need not be adjacent, since their length is limited.
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
		return false, Difference{c.last(), fmt.Sprintf("the records from %d on had the digest %x, and now those from %d to %d have %x",
			c.want.FirstOffset, c.want.RecordsDigest, c.read.FirstOffset, c.read.LastOffset, c.read.RecordsDigest)}
	}
	return true, nil
}

// cutComparison compares the record that the last block was cut for, which matters as
// much as the records in it. The machine has yet to take that record: it is the one read ahead.
type cutComparison struct {
	verification *Verification
	want         machine.Digest
	lastOffset   log.Offset // of the block
}

func (c *cutComparison) last() log.Offset { return c.lastOffset + 1 } // or after a gap

func (c *cutComparison) take(log.Record) {}

func (c *cutComparison) done() (bool, error) {
	got := c.verification.ahead
	if got == nil {
		return false, nil
	}
	if got.digest != c.want {
		return false, Difference{got.at, fmt.Sprintf("the record after %d, for which that block was cut, had digest %x, and now %x", c.lastOffset, c.want, got.digest)}
	}
	return true, nil
}
