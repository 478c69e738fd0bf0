package record

import (
	"bytes"
	"encoding/hex"
	"errors"
	"runtime"
	"strings"
	"testing"

	oldproto "github.com/golang/protobuf/proto"
	cb "github.com/hyperledger/fabric-protos-go/common"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func withOriginal(m *Message, offset int64) *Message {
	m.GetRegular().OriginalOffset = offset
	return m
}

// golden are the vectors recorded from the in-tree consenter (ordering protocol, 1.3).
var golden = []struct {
	name string
	msg  *Message
	hex  string
}{
	{"connect", NewConnect(nil), "1a00"},
	{"time-to-cut 0", NewTimeToCut(0), "1200"},
	{"time-to-cut 1", NewTimeToCut(1), "12020801"},
	{"time-to-cut 300", NewTimeToCut(300), "120308ac02"},
	{"normal", NewRegular([]byte("abc"), 1, Regular_NORMAL), "0a090a0361626310011801"},
	{"config with original offset", withOriginal(NewRegular([]byte("abc"), 1, Regular_CONFIG), 7), "0a0b0a03616263100118022007"},
	{"unknown class", NewRegular([]byte("abc"), 0, Regular_UNKNOWN), "0a050a03616263"},
	{"normal, nothing in it", NewRegular(nil, 0, Regular_NORMAL), "0a021801"},
}

func TestGoldenMessages(t *testing.T) {
	for _, g := range golden {
		t.Run(g.name, func(t *testing.T) {
			got, err := Encode(g.msg)
			if err != nil || hex.EncodeToString(got) != g.hex {
				t.Errorf("encoded %x, %v; want %s", got, err, g.hex)
			}
			back, err := Decode(unhex(t, g.hex))
			if err != nil || !proto.Equal(back, g.msg) {
				t.Errorf("decoded %v, %v; want %v", back, err, g.msg)
			}
		})
	}
}

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

// The value of the SIGNATURES slot as Fabric's block writer wraps ours (1.5).
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

func TestEmptyValueHasNoType(t *testing.T) {
	m, err := Decode(nil)
	if err != nil || m.GetType() != nil {
		t.Fatalf("got %v, %v", m, err)
	}
}

func TestUnknownFieldsSurvive(t *testing.T) {
	extra := unhex(t, "f2ff0703616263") // field 16382, bytes "abc"
	value := append(unhex(t, "12020801"), extra...)
	m, err := Decode(value)
	if err != nil {
		t.Fatal(err)
	}
	again, err := Encode(m)
	if err != nil || !bytes.Equal(again, value) {
		t.Fatalf("got %x, %v; want %x", again, err, value)
	}
	md, err := DecodeMetadata(append(unhex(t, "0805"), extra...))
	if err != nil {
		t.Fatal(err)
	}
	if b, _ := EncodeMetadata(md); !bytes.HasSuffix(b, extra) {
		t.Fatalf("metadata lost its unknown field: %x", b)
	}
}

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

func TestGarbageIsAnError(t *testing.T) {
	for _, h := range []string{"ff", "0a05", "0a0a0a0361", "ffffffffffffffffffff01", "08"} {
		if m, err := Decode(unhex(t, h)); err == nil {
			t.Errorf("%s decoded to %v", h, m)
		} else if !strings.HasPrefix(err.Error(), "decode record value: ") {
			t.Errorf("%s: %v", h, err)
		}
	}
}

// Fabric 2.5 registers orderer.KafkaMessage in the same process; a second
// registration of the name would panic at start.
func TestNamesAreOurOwn(t *testing.T) {
	for _, name := range []string{"orderer.KafkaMessage", "orderer.KafkaMetadata"} {
		if _, err := protoregistry.GlobalTypes.FindMessageByName(protoreflect.FullName(name)); err == nil {
			t.Errorf("%s is registered", name)
		}
	}
	if got := (&Message{}).ProtoReflect().Descriptor().FullName(); got != "fabrickafka.record.Message" {
		t.Errorf("message is named %s", got)
	}
}

// Hostile values of 1 MB must not cost more than a few times their size.
func TestDecodeAllocatesLittle(t *testing.T) {
	const size = 1 << 20
	hostile := map[string][]byte{
		"length prefix of 2 GB":     append([]byte{0x0a, 0xff, 0xff, 0xff, 0xff, 0x07}, make([]byte, size)...),
		"the same field repeatedly": bytes.Repeat(unhex(t, "0a050a03616263"), size/7),
		"types in turn":             bytes.Repeat(unhex(t, "0a0012001a00"), size/6),
		"unknown fields":            bytes.Repeat(unhex(t, "f2ff070161"), size/5),
	}
	for name, value := range hostile {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		m, err := Decode(value)
		runtime.ReadMemStats(&after)
		if got := after.TotalAlloc - before.TotalAlloc; got > 16*size {
			t.Errorf("%s: %d bytes allocated for %d (%v)", name, got, size, err)
		}
		runtime.KeepAlive(m)
	}
}

// Leaving out overwritten types must not change what is decoded, nor excuse what is malformed.
func TestDropOverwrittenChangesNothing(t *testing.T) {
	for _, h := range []string{"12020801" + "f2ff0703616263" + "1a00" + "0a021801" + "0a0518022001", "1a000a0518ff01", "0a001200ff", "1a030a01", "0a01ff1a00", "08011a000a00"} {
		value, plain := unhex(t, h), &Message{}
		want := proto.Unmarshal(value, plain)
		got, err := Decode(value)
		if (err == nil) != (want == nil) || err == nil && !proto.Equal(got, plain) {
			t.Errorf("%s: decoded %v, %v; want %v, %v", h, got, err, plain, want)
		}
	}
}

func FuzzMessage(f *testing.F) {
	for _, g := range golden {
		f.Add(unhex(f, g.hex))
	}
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, value []byte) {
		roundTrip(t, value, func(b []byte) (proto.Message, error) { m, err := Decode(b); return m, err })
	})
}

func FuzzMetadata(f *testing.F) {
	f.Add(unhex(f, "080510031804"))
	f.Add(unhex(f, "0805800101"))
	f.Fuzz(func(t *testing.T, value []byte) {
		roundTrip(t, value, func(b []byte) (proto.Message, error) { m, err := DecodeMetadata(b); return m, err })
	})
}

func FuzzDescription(f *testing.F) {
	f.Add(unhex(f, "080110011a096d796368616e6e656c22020102"))
	f.Fuzz(func(t *testing.T, value []byte) {
		roundTrip(t, value, func(b []byte) (proto.Message, error) { m, err := DecodeDescription(b); return m, err })
	})
}

func roundTrip(t *testing.T, value []byte, decode func([]byte) (proto.Message, error)) {
	m, err := decode(value)
	if err != nil {
		return
	}
	b, err := encode("it", m)
	if err != nil {
		t.Fatalf("decoded but does not encode: %v", err)
	}
	again, err := decode(b)
	if err != nil && len(b) > 0 || err == nil && !proto.Equal(m, again) {
		t.Fatalf("%x -> %v -> %x -> %v, %v", value, m, b, again, err)
	}
}
