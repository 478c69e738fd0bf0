package record

import (
	"bytes"
	"encoding/hex"
	"testing"

	oldproto "github.com/golang/protobuf/proto"
	cb "github.com/hyperledger/fabric-protos-go/common"
	"google.golang.org/protobuf/proto"
)

func TestGoldenMetadata(t *testing.T) {
	for _, g := range []struct {
		name string
		md   *Metadata
		hex  string
	}{
		{"all three", &Metadata{LastOffsetPersisted: 5, LastOriginalOffsetProcessed: 3, LastResubmittedConfigOffset: 4}, "080510031804"},
		{"zeros", &Metadata{}, ""},
		{"minus one", &Metadata{LastOffsetPersisted: -1}, "08ffffffffffffffffff01"},
		{"strict", &Metadata{LastOffsetPersisted: 5, RuleSet: RuleSet_RULE_SET_STRICT}, "0805800101"},
	} {
		t.Run(g.name, func(t *testing.T) {
			got, err := EncodeMetadata(g.md)
			if err != nil || hex.EncodeToString(got) != g.hex {
				t.Errorf("encoded %x, %v; want %s", got, err, g.hex)
			}
			back, err := DecodeMetadata(unhex(t, g.hex))
			if err != nil || !proto.Equal(back, g.md) {
				t.Errorf("decoded %v, %v; want %v", back, err, g.md)
			}
		})
	}
}

// The value of the SIGNATURES slot as Fabric's block writer wraps ours.
func TestGoldenSignaturesValue(t *testing.T) {
	for _, g := range []struct {
		lastConfig uint64
		md         *Metadata
		hex        string
	}{
		{0, &Metadata{LastOffsetPersisted: 5, LastOriginalOffsetProcessed: 3, LastResubmittedConfigOffset: 4}, "0a0012080a06080510031804"},
		{7, &Metadata{LastOffsetPersisted: 5, LastOriginalOffsetProcessed: 3, LastResubmittedConfigOffset: 4}, "0a02080712080a06080510031804"},
		{7, &Metadata{}, "0a020807"},
	} {
		value, err := EncodeMetadata(g.md)
		if err != nil {
			t.Fatal(err)
		}
		inner, err := oldproto.Marshal(&cb.Metadata{Value: value})
		if err != nil {
			t.Fatal(err)
		}
		got, err := oldproto.Marshal(&cb.OrdererBlockMetadata{LastConfig: &cb.LastConfig{Index: g.lastConfig}, ConsenterMetadata: inner})
		if err != nil || hex.EncodeToString(got) != g.hex {
			t.Errorf("got %x, %v; want %s", got, err, g.hex)
		}
	}
}

// A later version may add fields; an older orderer must preserve them.
func TestMetadataKeepsUnknownFields(t *testing.T) {
	value := unhex(t, "0805f2ff0703616263") // field 16382, bytes "abc"
	md, err := DecodeMetadata(value)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := EncodeMetadata(md); err != nil || !bytes.Equal(again, value) {
		t.Fatalf("got %x, %v; want %x", again, err, value)
	}
}

func FuzzMetadata(f *testing.F) {
	f.Add(unhex(f, "080510031804"))
	f.Add(unhex(f, "0805800101"))
	f.Fuzz(func(t *testing.T, value []byte) {
		roundTrip(t, value, func(b []byte) (proto.Message, error) { m, err := DecodeMetadata(b); return m, err })
	})
}
