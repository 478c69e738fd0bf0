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
	if m.Digest != (machine.Digest{}) {
		r.TailDigest, r.TailOffset = m.Digest[:], int64(m.From)
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
		return machine.Metadata{}, errors.New("block 0 names a position in a topic, which nobody signs and no genesis block does: it was altered; " +
			"remove the channel from this orderer and join it again with a genesis block that you trust")
	}
	const remedy = "remove the channel from this orderer and join it again, with block 0 or with a later config block of an orderer that works"
	m, err := record.DecodeMetadata(metadata)
	if err != nil {
		return machine.Metadata{}, fmt.Errorf("block %d: %w; %s", height-1, err, remedy)
	}
	set := machine.RuleSet(m.RuleSet)
	switch {
	case !machine.Known(set):
		return machine.Metadata{}, fmt.Errorf("block %d was cut by rule set %d, which this build does not have; use a newer one", height-1, set)
	case m.LastOffsetPersisted < 0:
		return machine.Metadata{}, fmt.Errorf("block %d names offset %d, which no record has; %s", height-1, m.LastOffsetPersisted, remedy)
	case m.TailOffset < 0 || m.TailOffset > m.LastOffsetPersisted:
		return machine.Metadata{}, fmt.Errorf("block %d covers offsets %d to %d; %s", height-1, m.TailOffset, m.LastOffsetPersisted, remedy)
	case !digestSized(m.TailDigest) || !digestSized(m.CutDigest):
		return machine.Metadata{}, fmt.Errorf("block %d has digests of %d and %d bytes, want %d; %s",
			height-1, len(m.TailDigest), len(m.CutDigest), len(machine.Digest{}), remedy)
	}
	return metadataOf(m, set), nil
}

// InTree reports whether a block's metadata can be an in-tree orderer's.
func InTree(metadata []byte) bool {
	m, err := record.DecodeMetadata(metadata)
	if err != nil {
		return false
	}
	again, err := record.EncodeMetadata(&record.Metadata{
		LastOffsetPersisted:         m.LastOffsetPersisted,
		LastOriginalOffsetProcessed: m.LastOriginalOffsetProcessed,
		LastResubmittedConfigOffset: m.LastResubmittedConfigOffset,
	})
	return err == nil && bytes.Equal(again, metadata)
}

// digestSized reports whether bytes are a digest, or none.
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
	copy(out.Digest[:], m.TailDigest)
	copy(out.Cut[:], m.CutDigest)
	if out.Digest != (machine.Digest{}) { // without a sum there is no window, and nothing that it begins with
		out.From = machine.Offset(m.TailOffset)
	}
	return out
}
