package session

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/fabric-kafka/orderer/chain/machine"
	"github.com/fabric-kafka/orderer/chain/record"
	"github.com/fabric-kafka/orderer/chain/status"
)

// EncodeMetadata returns the value of a block's consenter metadata.
func EncodeMetadata(m machine.Metadata) ([]byte, error) {
	return record.EncodeMetadata(record.NewMetadata(m))
}

// Position returns where the last block of a ledger left off. Only a ledger that
// holds nothing but its genesis block may start at the head of the topic:
// starting there with any other ledger would order the old records a second time.
func Position(height uint64, metadata []byte) (machine.Metadata, error) {
	if height == 1 && len(metadata) == 0 {
		return machine.Metadata{Offset: -1, RuleSet: machine.Undescribed}, nil
	}
	if height == 1 {
		return machine.Metadata{}, because(status.CauseLedger, errors.New("block 0 names a position in a topic, which nobody signs and no genesis block does: it was altered"))
	}
	m, err := record.DecodeMetadata(metadata)
	if err != nil {
		return machine.Metadata{}, because(status.CauseLedger, fmt.Errorf("block %d: %w", height-1, err))
	}
	set := machine.RuleSet(m.RuleSet)
	if !machine.Known(set) {
		return machine.Metadata{}, because(status.Cause(machine.HaltUnknownFormat), fmt.Errorf("block %d was cut by rule set %d, which this build does not have", height-1, set))
	}
	if flaw := m.Flaw(); flaw != "" {
		return machine.Metadata{}, because(status.CauseLedger, fmt.Errorf("block %d %s", height-1, flaw))
	}
	return m.Position(), nil
}

// Strict reports whether a block's metadata is that of a block cut by the strict rules, which that of Raft and of in-tree
// orderers is not.
func Strict(metadata []byte) bool {
	m, err := record.DecodeMetadata(metadata)
	return err == nil && m.RuleSet == record.RuleSet_RULE_SET_STRICT
}

// InTree reports whether a block's metadata may be that of an in-tree orderer.
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
