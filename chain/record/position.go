package record

import (
	"fmt"

	"github.com/fabric-kafka/orderer/chain/machine"
)

// NewMetadata returns the metadata that records in a block where the machine was when it cut the block.
func NewMetadata(m machine.Metadata) *Metadata {
	r := &Metadata{
		LastOffsetPersisted:         int64(m.Offset),
		LastOriginalOffsetProcessed: int64(m.Marks.Processed),
		LastResubmittedConfigOffset: int64(m.Marks.Shown),
		RuleSet:                     RuleSet(m.RuleSet),
		TopicId:                     m.Topic,
		ResubmittedConfigOffset:     int64(m.Marks.Resubmitted),
		Overflow:                    m.Marks.Overflow,
		UpgradedOffset:              int64(m.Marks.Upgraded),
	}
	if m.RecordsDigest != (machine.Digest{}) {
		r.TailDigest, r.TailOffset = m.RecordsDigest[:], int64(m.FirstOffset)
	}
	if m.Cut != (machine.Digest{}) {
		r.CutDigest = m.Cut[:]
	}
	return r
}

// Position returns where the machine was when it cut the block. It reads an in-tree
// orderer's metadata too, which names no rule set. If all fields are zero, the block has
// no bytes of it: then the record at offset 0 was the last, or the block is another
// consensus type's, which a comparison with the topic will show.
func (m *Metadata) Position() machine.Metadata {
	set := machine.RuleSet(m.RuleSet)
	marks := machine.Marks{
		Processed:   machine.Offset(m.LastOriginalOffsetProcessed),
		Resubmitted: machine.Offset(m.ResubmittedConfigOffset),
		Overflow:    m.Overflow,
		Upgraded:    machine.Offset(m.UpgradedOffset),
	}
	if set == machine.Undescribed {
		set, marks.Resubmitted = machine.Compatible, machine.Offset(m.LastResubmittedConfigOffset)
	}
	out := machine.Metadata{Offset: machine.Offset(m.LastOffsetPersisted), RuleSet: set, Topic: m.TopicId, Marks: marks}
	copy(out.RecordsDigest[:], m.TailDigest)
	copy(out.Cut[:], m.CutDigest)
	if out.RecordsDigest != (machine.Digest{}) { // without a digest there is no window, and no first record
		out.FirstOffset = machine.Offset(m.TailOffset)
	}
	return out
}

// Flaw returns what in the metadata no orderer writes; empty if there is nothing.
func (m *Metadata) Flaw() string {
	switch {
	case m.LastOffsetPersisted < 0:
		return fmt.Sprintf("names offset %d, which no record has", m.LastOffsetPersisted)
	case m.TailOffset < 0 || m.TailOffset > m.LastOffsetPersisted:
		return fmt.Sprintf("covers offsets %d to %d", m.TailOffset, m.LastOffsetPersisted)
	case !digestSized(m.TailDigest) || !digestSized(m.CutDigest):
		return fmt.Sprintf("has digests of %d and %d bytes, want %d", len(m.TailDigest), len(m.CutDigest), len(machine.Digest{}))
	}
	return ""
}

// digestSized reports whether b has the length of a digest, or is empty.
func digestSized(b []byte) bool { return len(b) == 0 || len(b) == len(machine.Digest{}) }
