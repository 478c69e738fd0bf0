// Package verify compares records of a topic, read again, with what is known of the log that
// a ledger was made from. A log that was truncated and filled again has other records at
// those offsets, and so at every offset after them.
//
// A [Verification] says where to read from. The reader passes it each record with Take, and
// calls Decide before the next, until it is Complete. It holds for the term in which its
// records were read, since a leader does not replace what it has. Within that term an
// interrupted verification is continued, and records that were verified or handled are not
// read again, unless the connection to the brokers was lost: see Again.
//
// The package does no I/O. It compares records only; whether the topic is the channel's, by
// id and cluster, is for package session.
package verify

import (
	"errors"
	"fmt"
	"slices"

	"github.com/fabric-kafka/orderer/chain/log"
	"github.com/fabric-kafka/orderer/chain/machine"
	"github.com/fabric-kafka/orderer/chain/record"
)

// Known is what is known of a log from the ledger's last blocks and from the records handled since.
type Known struct {
	Next    machine.Offset   // of the record that is handled next
	Windows []machine.Window // in the log's order; none if the last block carries none
	Cut     machine.Digest   // of the record at Next, if the last block was cut for it; zero if not
	Last    func() LastBlock // the block to look for where there is no window

	// Unchecked is called when the records of the last block are no longer in the topic.
	Unchecked func(last log.Offset)
}

// Difference is the error of a log that is not the one that the ledger was made from.
type Difference struct {
	Offset log.Offset // of the record that differs, or of the last of several
	How    string
}

func (d Difference) Error() string { return fmt.Sprintf("at offset %d, %s", d.Offset, d.How) }

// ErrNoLastBlock is returned if the ledger does not have its last block.
var ErrNoLastBlock = errors.New("the ledger does not have its last block")

// Verification is the progress of reading records again. It is not safe for concurrent use.
type Verification struct {
	term   log.Term
	next   log.Offset     // the first that has not been read for it
	left   []comparison   // in the log's order; none once it is complete
	at     machine.Offset // next offset when it became complete
	newest newest         // records that were read for it and since
	ahead  *seen          // at or after the next offset; nil if none was read
	info   machine.BlockInfo
}

// New returns a verification of what is known, in a topic that starts at an offset.
func New(k Known, start log.Offset) *Verification {
	v := &Verification{next: log.Offset(k.Next), at: k.Next}
	last := v.next - 1
	first := slices.IndexFunc(k.Windows, func(w machine.Window) bool { return log.Offset(w.FirstOffset) >= start })
	switch {
	case last < 0:
		return v
	case start > last, first < 0 && len(k.Windows) > 0:
		k.Unchecked(last)
		return v
	case len(k.Windows) == 0:
		block := k.Last()
		from := max(start, block.First)
		v.left = append(v.left, &lastBlockComparison{verification: v, block: block, from: from, at: from - 1,
			lastOffset: last, trimmed: start > block.First, unchecked: k.Unchecked})
		v.next = from
	default:
		v.next = log.Offset(k.Windows[first].FirstOffset)
		for _, w := range k.Windows[first:] {
			v.left = append(v.left, &windowComparison{want: w})
		}
	}
	if k.Cut != (machine.Digest{}) {
		v.left = append(v.left, &cutComparison{verification: v, want: k.Cut, lastOffset: last})
	}
	return v
}

// Again returns a verification of the newest records alone, for a connection that was lost: what comes back may be
// another log, even by the same name, id and epoch. A complete verification under which nothing was handled yet,
// although the log has more, is kept: otherwise a connection that breaks before each next record would cause the same
// records to be read without end. It returns nil if there is nothing to compare.
func (v *Verification) Again(next, end machine.Offset) *Verification {
	if !v.Complete() || next == v.at && next < end {
		return v
	}
	want := slices.DeleteFunc(slices.Clone(v.newest), func(s seen) bool { return s.at >= log.Offset(next) })
	if len(want) == 0 {
		return nil
	}
	return &Verification{term: v.term, next: want[0].at, left: []comparison{&newestComparison{want: want}}, at: v.at, newest: v.newest}
}

// Term returns the term in which the records were read.
func (v *Verification) Term() log.Term { return v.term }

// ReadIn sets the term in which the records are read.
func (v *Verification) ReadIn(t log.Term) { v.term = t }

// From returns the offset to read from; next is that of the record that is handled next.
func (v *Verification) From(next machine.Offset) log.Offset {
	if len(v.left) > 0 {
		return v.next
	}
	return log.Offset(next)
}

// Complete reports whether all records that have to be compared were compared.
func (v *Verification) Complete() bool { return len(v.left) == 0 }

// Decide compares as far as the records taken so far allow. It returns a [Difference] if this is
// another log.
func (v *Verification) Decide(next machine.Offset) error {
	for len(v.left) > 0 {
		done, err := v.left[0].done()
		if err != nil || !done {
			return err
		}
		v.left, v.at = v.left[1:], next
	}
	return nil
}

// Take takes the next record of an incomplete verification. It reports whether the record is
// one that was not handled yet: the one that the last block was cut for, perhaps after a gap.
func (v *Verification) Take(r log.Record, next machine.Offset) (ahead bool) {
	s := seen{r.Offset, record.DigestOf(r.Value), len(r.Value)}
	v.next = r.Offset + 1
	if ahead = machine.Offset(r.Offset) >= next; ahead {
		v.ahead = &s
	}
	v.left[0].take(r)
	v.newest = v.newest.with(s)
	return ahead
}

// Missing returns the [Difference] of an incomplete verification whose next record does not exist.
func (v *Verification) Missing() error {
	return Difference{v.left[0].last(), "there was a record, and now there is none"}
}

// Handled takes a record that was read for the channel, as the machine takes it.
func (v *Verification) Handled(r log.Record, in machine.Input) {
	v.newest = v.newest.with(seenIn(r, in))
}

// LastBlock returns what the compatible rules must know of the last block; zero if it was not looked for.
func (v *Verification) LastBlock() machine.BlockInfo { return v.info }
