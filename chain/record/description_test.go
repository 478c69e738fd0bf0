package record

import (
	"bytes"
	"errors"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
)

func TestDescription(t *testing.T) {
	d := &Description{FormatVersion: 1, RuleSet: RuleSet_RULE_SET_STRICT, ChannelId: "mychannel", GenesisHash: []byte{1, 2}}
	b, err := EncodeDescription(d)
	if err != nil {
		t.Fatal(err)
	}
	back, err := DecodeDescription(b)
	if err != nil || !proto.Equal(d, back) {
		t.Fatalf("got %v, %v", back, err)
	}
	if _, err := DecodeDescription(nil); !errors.Is(err, ErrEmpty) {
		t.Fatalf("empty payload: %v", err)
	}
	if _, err := DecodeDescription([]byte{0xff}); err == nil {
		t.Fatal("garbage decoded")
	}
}

// A build that does not know the cluster's id reads the rest as it was.
func TestDescriptionForOlderBuilds(t *testing.T) {
	d := &Description{FormatVersion: 1, RuleSet: RuleSet_RULE_SET_STRICT, ChannelId: "mychannel", GenesisHash: []byte{1, 2}, TopicId: "a topic"}
	before, err := EncodeDescription(d)
	if err != nil {
		t.Fatal(err)
	}
	d.ClusterId = "a cluster"
	now, err := EncodeDescription(d)
	if err != nil {
		t.Fatal(err)
	}
	rest, ok := bytes.CutPrefix(now, before)
	number, kind, n := protowire.ConsumeField(rest)
	if !ok || number != 6 || kind != protowire.BytesType || n != len(rest) {
		t.Fatalf("what was added is % x", rest)
	}
}

func FuzzDescription(f *testing.F) {
	f.Add(unhex(f, "080110011a096d796368616e6e656c22020102"))
	f.Fuzz(func(t *testing.T, value []byte) {
		roundTrip(t, value, func(b []byte) (proto.Message, error) { m, err := DecodeDescription(b); return m, err })
	})
}
