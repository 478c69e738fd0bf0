package record

import (
	"bytes"
	"encoding/hex"
	"runtime"
	"strings"
	"testing"

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

// golden has vectors that were recorded from the in-tree consenter.
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

func FuzzMessage(f *testing.F) {
	for _, g := range golden {
		f.Add(unhex(f, g.hex))
	}
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, value []byte) {
		sameAsPlain(t, value)
		roundTrip(t, value, func(b []byte) (proto.Message, error) { m, err := Decode(b); return m, err })
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
