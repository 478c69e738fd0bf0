package session

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/fabric-kafka/orderer/chain/machine"
	"github.com/fabric-kafka/orderer/chain/record"
)

// EncodeMetadata is the value of a block's consenter metadata.
func EncodeMetadata(m machine.Metadata) ([]byte, error) {
	r := &record.Metadata{
		LastOffsetPersisted:         int64(m.Offset),
		LastOriginalOffsetProcessed: int64(m.Marks.Processed),
		LastResubmittedConfigOffset: int64(m.Marks.Shown),
		RuleSet:                     record.RuleSet(m.RuleSet),
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
	return record.EncodeMetadata(r)
}

// Position reads where the last block of a ledger left off. Only a ledger that
// holds nothing but its genesis block may start at the head of the topic:
// starting there with any other would order the old records a second time.
func Position(height uint64, metadata []byte) (machine.Metadata, error) {
	if height == 1 && len(metadata) == 0 {
		return machine.Metadata{Offset: -1, RuleSet: machine.Undescribed}, nil
	}
	if height == 1 {
		return machine.Metadata{}, because(CauseLedger, errors.New("block 0 names a position in a topic, which nobody signs and no genesis block does: it was altered"))
	}
	m, err := record.DecodeMetadata(metadata)
	if err != nil {
		return machine.Metadata{}, because(CauseLedger, fmt.Errorf("block %d: %w", height-1, err))
	}
	set := machine.RuleSet(m.RuleSet)
	if !machine.Known(set) {
		return machine.Metadata{}, because(Cause(machine.HaltUnknownFormat), fmt.Errorf("block %d was cut by rule set %d, which this build does not have", height-1, set))
	}
	if flaw := metadataFlaw(m); flaw != "" {
		return machine.Metadata{}, because(CauseLedger, fmt.Errorf("block %d %s", height-1, flaw))
	}
	return metadataOf(m, set), nil
}

// metadataFlaw returns what no orderer writes into a block's metadata; empty if there is nothing.
func metadataFlaw(m *record.Metadata) string {
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

// InTree reports whether a block's metadata can be an in-tree orderer's.
func InTree(metadata []byte) bool {
	m, err := record.DecodeMetadata(metadata)
	if err != nil {
		return false
	}
	anew, err := record.EncodeMetadata(&record.Metadata{
		LastOffsetPersisted:         m.LastOffsetPersisted,
		LastOriginalOffsetProcessed: m.LastOriginalOffsetProcessed,
		LastResubmittedConfigOffset: m.LastResubmittedConfigOffset,
	})
	return err == nil && bytes.Equal(anew, metadata)
}

// digestSized says whether bytes are a digest, or none.
func digestSized(b []byte) bool { return len(b) == 0 || len(b) == len(machine.Digest{}) }

// metadataOf reads an in-tree orderer's metadata too, which names no rule set.
// All of it zero is nothing at all in a block: then the record at offset 0 was
// the last, or the block is another consensus type's, which the tail will show.
func metadataOf(m *record.Metadata, set machine.RuleSet) machine.Metadata {
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
