package session_test

import (
	"testing"

	"github.com/fabric-kafka/orderer/chain/machine"
	"github.com/fabric-kafka/orderer/chain/record"
	"github.com/fabric-kafka/orderer/chain/session"
	"github.com/fabric-kafka/orderer/chain/status"
)

// Only a ledger that holds nothing but the genesis block starts at the head of the topic.
func TestPosition(t *testing.T) {
	metadata := func(m *record.Metadata) []byte {
		b, err := record.EncodeMetadata(m)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	for name, test := range map[string]struct {
		height   uint64
		metadata []byte
		offset   machine.Offset
		cause    status.Cause
	}{
		"a genesis block":               {1, nil, -1, ""},
		"a genesis block that was read": {1, metadata(&record.Metadata{LastOffsetPersisted: 5}), 0, status.CauseLedger},
		"a block of in-tree orderers":   {3, metadata(&record.Metadata{LastOffsetPersisted: 5}), 5, ""},
		"a block without metadata":      {3, nil, 0, ""},
		"no metadata":                   {3, []byte{0xff}, 0, status.CauseLedger},
		"later rules":                   {3, metadata(&record.Metadata{LastOffsetPersisted: 5, RuleSet: 99}), 0, status.Cause(machine.HaltUnknownFormat)},
		"a negative offset":             {3, metadata(&record.Metadata{LastOffsetPersisted: -5}), 0, status.CauseLedger},
	} {
		m, err := session.Position(test.height, test.metadata)
		if m.Offset != test.offset || status.CauseOf(err) != test.cause {
			t.Errorf("%s: offset %d, %v", name, m.Offset, err)
		}
	}
}

// In-tree orderers write three fields and no other.
func TestInTree(t *testing.T) {
	const inTree = "\b\x05\x10\x04\x18\x03" // offsets 5, 4 and 3
	ours, err := session.EncodeMetadata(machine.Metadata{Offset: 5, RuleSet: machine.Strict})
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]bool{inTree: true, "": true, string(ours): false, inTree + "\x20\x01": false, "\xff": false} {
		if got := session.InTree([]byte(text)); got != want {
			t.Errorf("%x: %t, want %t", text, got, want)
		}
	}
}
