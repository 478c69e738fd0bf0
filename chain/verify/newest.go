package verify

import (
	"fmt"

	"github.com/fabric-kafka/orderer/chain/log"
	"github.com/fabric-kafka/orderer/chain/machine"
	"github.com/fabric-kafka/orderer/chain/record"
)

// seen is a record that was read.
type seen struct {
	at     log.Offset
	digest machine.Digest
	size   int
}

// newest holds the records that were read last. A few are enough: a log that has been
// truncated and filled again since has others at their offsets.
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
	want newest
	got  []seen
}

func (c *newestComparison) last() log.Offset { return c.want[len(c.want)-1].at }

func (c *newestComparison) take(r log.Record) {
	c.got = append(c.got, seen{r.Offset, record.DigestOf(r.Value), len(r.Value)})
}

func (c *newestComparison) done() (bool, error) {
	for i, got := range c.got {
		if want := c.want[i]; got != want {
			return false, Difference{want.at, fmt.Sprintf("there was a record with digest %x, and now there is one with %x at %d", want.digest, got.digest, got.at)}
		}
	}
	return len(c.got) == len(c.want), nil
}

// seenIn returns the record of an input.
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
