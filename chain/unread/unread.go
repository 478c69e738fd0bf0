// Package unread remembers the copies of stale envelopes that a channel has appended and not read yet. An acknowledgement
// is not enough: a leader that is elected uncleanly lacks records that were acknowledged, and if nobody has read them,
// nobody notices.
package unread

import (
	"slices"

	"github.com/fabric-kafka/orderer/chain/machine"
	"github.com/fabric-kafka/orderer/chain/record"
)

// Copies are the copies that were acknowledged and not read yet. The zero value is ready for use, by one goroutine.
type Copies struct {
	recent    []Copy // appended since the end of the log was last asked for: the reader may not have reached them
	measuring []Copy // appended before the end was last asked for; the answer is not known yet
	due       []Copy // appended before the end that is known was asked for, so they were below it
}

// Copy is a copy of the record at an offset.
type Copy struct {
	Of     machine.Offset
	Value  []byte
	digest machine.Digest
}

// Appended records that a copy of the record at an offset was acknowledged.
func (c *Copies) Appended(of machine.Offset, value []byte) {
	c.recent = append(c.recent, Copy{of, value, record.DigestOf(value)})
}

// Measure records that the end of the log is asked for: what was appended until now is below it, or lost.
// If there is no answer, the next one covers it.
func (c *Copies) Measure() {
	c.measuring = append(c.measuring, c.recent...)
	c.recent = nil
}

// Measured records that the end that was last asked for is known.
func (c *Copies) Measured() {
	c.due = append(c.due, c.measuring...)
	c.measuring = nil
}

// Read forgets the copies that are equal to a record.
func (c *Copies) Read(value []byte) {
	if len(c.recent)+len(c.measuring)+len(c.due) == 0 {
		return
	}
	digest := record.DigestOf(value)
	equal := func(c Copy) bool { return c.digest == digest }
	c.recent = slices.DeleteFunc(c.recent, equal)
	c.measuring = slices.DeleteFunc(c.measuring, equal)
	c.due = slices.DeleteFunc(c.due, equal)
}

// Lost returns the oldest copy that was below the end that is known, for a caller that has read up to that end: it
// is lost.
func (c *Copies) Lost() (oldest Copy, ok bool) {
	if len(c.due) == 0 {
		return oldest, false
	}
	return c.due[0], true
}

// Forget forgets the copy that Lost has returned.
func (c *Copies) Forget() { c.due = c.due[1:] }
