package record

import (
	"bytes"
	"math"
	"testing"

	cb "github.com/hyperledger/fabric-protos-go/common"

	"github.com/fabric-kafka/orderer/chain/fabric"
	"github.com/fabric-kafka/orderer/chain/machine"
)

// sameEncoding fails unless encodeEnvelope writes what Encode does.
func sameEncoding(t *testing.T, e *fabric.Envelope, seq uint64, class Regular_Class) {
	t.Helper()
	value, serialized := encodeEnvelope(e, seq, class)
	if want := marshal(e); !bytes.Equal(serialized, want) {
		t.Errorf("the envelope is %x, want %x", serialized, want)
	}
	if want := ours(NewRegular(marshal(e), seq, class)); !bytes.Equal(value, want) || cap(value) != len(value) {
		t.Errorf("%x (capacity %d for %d bytes), want %x", value, cap(value), len(value), want)
	}
}

// withUnknown returns an envelope that has, in addition, fields which no release of Fabric knows.
func withUnknown(t *testing.T, fields []byte) *fabric.Envelope {
	t.Helper()
	e := &fabric.Envelope{}
	if err := fabric.Unmarshal(append(marshal(&fabric.Envelope{Payload: []byte("payload")}), fields...), e); err != nil {
		t.Fatal(err)
	}
	return e
}

func TestEncodeEnvelope(t *testing.T) {
	for name, e := range map[string]*fabric.Envelope{
		"empty":          {},
		"no signature":   {Payload: []byte("payload")},
		"no payload":     {Signature: []byte("signature")},
		"both":           {Payload: []byte("payload"), Signature: []byte("signature")},
		"large":          {Payload: make([]byte, 1<<21), Signature: make([]byte, 300)},
		"unknown fields": withUnknown(t, append(bytesField(9, []byte("x"), 0), numberField(2, 7, 0)...)),
	} {
		t.Run(name, func(t *testing.T) {
			for _, seq := range []uint64{0, 1, 127, 128, math.MaxUint64} {
				for class := range Regular_CONFIG + 1 {
					sameEncoding(t, e, seq, class)
				}
			}
		})
	}
}

func FuzzEncodeEnvelope(f *testing.F) {
	f.Add([]byte("payload"), []byte("signature"), uint64(5), true)
	f.Fuzz(func(t *testing.T, payload, signature []byte, seq uint64, config bool) {
		class := Regular_NORMAL
		if config {
			class = Regular_CONFIG
		}
		sameEncoding(t, &fabric.Envelope{Payload: payload, Signature: signature}, seq, class)
	})
}

// BenchmarkEncodeEnvelope measures what the record of an envelope of 2 KB costs.
func BenchmarkEncodeEnvelope(b *testing.B) {
	e := &fabric.Envelope{}
	if err := fabric.Unmarshal(envelopeWith(channelHeader(cb.HeaderType_MESSAGE), make([]byte, 1024)), e); err != nil {
		b.Fatal(err)
	}
	for name, encode := range map[string]func(){
		"one copy":   func() { _, _ = encodeEnvelope(e, 5, Regular_NORMAL) },
		"two copies": func() { ours(NewRegular(marshal(e), 5, Regular_NORMAL)) },
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				encode()
			}
		})
	}
}

// Broadcast accepts envelopes that would make peers refuse the block.
func TestOfEnvelopeNamesTheFlaw(t *testing.T) {
	e := &fabric.Envelope{}
	if err := fabric.Unmarshal(envelopeWith(channelHeader(cb.HeaderType_MESSAGE), []byte("data")), e); err != nil {
		t.Fatal(err)
	}
	if value, flaw := OfEnvelope(e, 5, machine.Normal); flaw != "" || len(value) == 0 {
		t.Errorf("%x, %q", value, flaw)
	}
	unsigned := &fabric.Envelope{Payload: e.Payload}
	if _, flaw := OfEnvelope(unsigned, 5, machine.Normal); flaw != "no signature" {
		t.Errorf("without a signature: %q", flaw)
	}
	garbage := &fabric.Envelope{Payload: []byte{0xff}, Signature: e.Signature}
	if _, flaw := OfEnvelope(garbage, 5, machine.Normal); flaw == "" {
		t.Error("a payload that does not decode has no flaw")
	}
}
