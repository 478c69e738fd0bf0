package record

import (
	"bytes"
	"math"
	"reflect"
	"slices"
	"testing"

	cb "github.com/hyperledger/fabric-protos-go/common"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/fabric-kafka/orderer/chain/machine"
)

// inputDecoded is InputOf by decoders down to the headers of the envelope.
func inputDecoded(at machine.Offset, value []byte) machine.Input {
	in, ok := decodedInput(at, value).(machine.Regular)
	if !ok {
		return decodedInput(at, value)
	}
	e, w := headersOf(in.Envelope.Bytes).envelope(in.Envelope.Bytes, writes{})
	e.Written, e.Policies = w.written, w.policies
	in.Envelope = e
	return in
}

// sameInput fails unless a record is read in place as it is decoded, and reports whether it is plain down to its headers.
func sameInput(t *testing.T, value []byte) bool {
	t.Helper()
	got, want := InputOf(7, value), inputDecoded(7, value)
	if !reflect.DeepEqual(got, want) {
		t.Fatalf("%x\nin place %+v\ndecoded  %+v", value, got, want)
	}
	_, payload, ok := plainRegular(value)
	if !ok {
		return false
	}
	sameCanonical(t, payload)
	_, ok = plainHeaders(payload)
	return ok
}

// sameCanonical fails unless an envelope is in blocks as it is when it was encoded again.
func sameCanonical(t *testing.T, envelope []byte) {
	t.Helper()
	got, err := Canonical(envelope)
	want, wantErr := encodedAgain(envelope)
	if !bytes.Equal(got, want) || (err == nil) != (wantErr == nil) {
		t.Fatalf("%x is in blocks as %x, %v; encoded again it is %x, %v", envelope, got, err, want, wantErr)
	}
}

// An envelope is in blocks as it was encoded, if that is how Fabric encodes it.
func TestCanonical(t *testing.T) {
	payload, signature := bytesField(1, []byte("payload"), 0), bytesField(2, []byte("signature"), 0)
	for name, c := range map[string]struct {
		envelope []byte
		own      bool
	}{
		"both":            {slices.Concat(payload, signature), true},
		"no signature":    {payload, true},
		"no payload":      {signature, true},
		"another order":   {slices.Concat(signature, payload), false},
		"an empty field":  {slices.Concat(payload, bytesField(2, nil, 0)), false},
		"a long length":   {bytesField(1, []byte("payload"), 1), false},
		"twice":           {slices.Concat(payload, payload), false},
		"unknown field":   {slices.Concat(payload, bytesField(3, signature, 0)), false},
		"unknown first":   {slices.Concat(bytesField(3, signature, 0), payload), false},
		"it cannot be":    {[]byte{0x0a}, false},
		"a group of it":   {slices.Concat(payload, []byte{0x13, 0x14}), false},
		"number for text": {slices.Concat(payload, numberField(2, 9, 0)), false},
	} {
		t.Run(name, func(t *testing.T) {
			sameCanonical(t, c.envelope)
			if own := plainEnvelope(c.envelope); own != c.own {
				t.Errorf("taken as it is: %v", own)
			}
		})
	}
	sameCanonical(t, nil)
}

// channelHeader returns a channel header with every field that clients set.
func channelHeader(kind cb.HeaderType) *cb.ChannelHeader {
	return &cb.ChannelHeader{Type: int32(kind), Version: 1, Timestamp: &timestamppb.Timestamp{Seconds: 1780000000, Nanos: 5e8}, ChannelId: "ch",
		TxId: "0123456789abcdef", Epoch: 3, Extension: []byte("extension"), TlsCertHash: []byte("hash")}
}

// envelopeWith returns an envelope as clients make it.
func envelopeWith(channel *cb.ChannelHeader, data []byte) []byte {
	signer := marshal(&cb.SignatureHeader{Creator: bytes.Repeat([]byte("certificate "), 70), Nonce: make([]byte, 24)})
	header := &cb.Header{ChannelHeader: marshal(channel), SignatureHeader: signer}
	return marshal(&cb.Envelope{Payload: marshal(&cb.Payload{Header: header, Data: data}), Signature: make([]byte, 71)})
}

func encoded(m *Message) []byte {
	b, err := Encode(m)
	if err != nil {
		panic(err)
	}
	return b
}

// ours returns a record as our orderers write it, which begins with field 16.
func ours(m *Message) []byte {
	m.Writer = Writer
	return encoded(m)
}

// realRecords returns records of every kind, as orderers of ours and in-tree orderers write them.
func realRecords() map[string][]byte {
	transaction := envelopeWith(channelHeader(cb.HeaderType_ENDORSER_TRANSACTION), layered(written("cc", "other")))
	return map[string][]byte{
		"a transaction":                   ours(NewRegular(transaction, 5, Regular_NORMAL)),
		"one that an in-tree orderer has": encoded(NewRegular(transaction, 5, Regular_NORMAL)),
		"a copy":                          encoded(withOriginal(NewRegular(transaction, 300, Regular_NORMAL), 1<<40)),
		"a config":                        ours(NewRegular(envelopeWith(channelHeader(cb.HeaderType_CONFIG), []byte("config")), 0, Regular_CONFIG)),
		"a message":                       ours(NewRegular(envelopeWith(&cb.ChannelHeader{ChannelId: "ch"}, nil), 0, Regular_UNKNOWN)),
		"the largest numbers":             encoded(withOriginal(NewRegular(transaction, math.MaxUint64, Regular_Class(math.MaxInt32)), math.MaxInt64)),
	}
}

// Records of envelopes are read in place, and others are not.
func TestRealRecordsArePlain(t *testing.T) {
	for name, value := range realRecords() {
		if !sameInput(t, value) {
			t.Errorf("%s is left to the decoder", name)
		}
	}
	for _, value := range [][]byte{ours(NewTimeToCut(7)), ours(NewConnect([]byte("text"))), nil} {
		if sameInput(t, value) {
			t.Errorf("%x is read in place", value)
		}
	}
}

// numberField and bytesField return a field; more is the number of bytes by which its number or length is too long.
func numberField(number protowire.Number, v uint64, more int) []byte {
	return overlong(protowire.AppendVarint(protowire.AppendTag(nil, number, protowire.VarintType), v), more)
}

func bytesField(number protowire.Number, value []byte, more int) []byte {
	b := protowire.AppendVarint(protowire.AppendTag(nil, number, protowire.BytesType), uint64(len(value)))
	return append(overlong(b, more), value...)
}

// overlong returns b, which ends with a number, with more bytes for that.
func overlong(b []byte, more int) []byte {
	if more == 0 {
		return b
	}
	b[len(b)-1] |= 0x80
	return append(append(b, bytes.Repeat([]byte{0x80}, more-1)...), 0)
}

// oddities returns fields that no encoder writes into a message that has fields 1 and 2.
func oddities() map[string][]byte {
	return map[string][]byte{
		"field 1 is empty":       bytesField(1, nil, 0),
		"field 1 again":          bytesField(1, []byte("again"), 0),
		"field 1 is a number":    numberField(1, 5, 0),
		"field 2 again":          bytesField(2, []byte("again"), 0),
		"field 2 is a number":    numberField(2, 5, 0),
		"field 3 is a number":    numberField(3, 1, 0),
		"a number of 0":          numberField(3, 0, 0),
		"a negative number":      numberField(3, math.MaxUint64, 0),
		"a number over 32 bits":  numberField(3, 1<<32|1, 0),
		"a negative field 4":     numberField(4, math.MaxUint64, 0),
		"a length that is long":  bytesField(4, []byte("text"), 2),
		"a number that is long":  numberField(2, 5, 3),
		"more bytes than a uint": overlong(numberField(2, 5, 0), 10),
		"a tag that is long":     {0x8a, 0x00, 0x01, 'x'},
		"bytes beyond the end":   {0x22, 0x09, 'x'},
		"a tag without a value":  {0x22},
		"field 0":                {0x02, 0x01, 'x'},
		"field 16 as bytes":      bytesField(16, []byte("x"), 0),
		"field 16 as a number":   numberField(16, 9, 0),
		"a large writer":         numberField(16, math.MaxUint64, 0),
		"field 33":               numberField(33, 9, 0),
		"an unknown field":       bytesField(9, []byte("x"), 0),
		"a large field number":   bytesField(protowire.MaxValidNumber, []byte("x"), 0),
		"an invalid number":      {0xc9, 0xc9, 0xc9, 0xc9, 0x30, 0, 0, 0, 0, 0, 0, 0, 0},
		"a fixed number":         protowire.AppendFixed32(protowire.AppendTag(nil, 4, protowire.Fixed32Type), 5),
		"a long fixed number":    protowire.AppendFixed64(protowire.AppendTag(nil, 4, protowire.Fixed64Type), 5),
		"a group":                {0x23, 0x08, 0x01, 0x24},
		"a group of field 1":     {0x0b, 0x0c},
		"a group without an end": {0x23},
		"an end without a group": {0x24},
		"a field that is text":   bytesField(5, []byte{0xff}, 0),
		"a channel that is text": bytesField(4, []byte{0xff}, 0),
		"another type":           bytesField(3, nil, 0),
		"a time-to-cut":          bytesField(2, numberField(1, 9, 0), 0),
		"a bad time-to-cut":      bytesField(2, []byte{0xff}, 0),
	}
}

// layers are what a record is made of, from the outside in; each has the next one in its field 1.
var layerNames = []string{"record", "regular", "envelope", "payload", "header", "channel header"}

// layersWith returns a record with odd fields before or behind the fields of one of its layers.
func layersWith(layer int, before, behind []byte) []byte {
	at := func(i int, fields []byte) []byte {
		if i != layer {
			return fields
		}
		return slices.Concat(before, fields, behind)
	}
	b := at(5, marshal(channelHeader(cb.HeaderType_ENDORSER_TRANSACTION)))
	b = at(4, slices.Concat(bytesField(1, b, 0), bytesField(2, bytesField(1, []byte("creator"), 0), 0)))
	b = at(3, slices.Concat(bytesField(1, b, 0), bytesField(2, layered(written("cc")), 0)))
	b = at(2, slices.Concat(bytesField(1, b, 0), bytesField(2, []byte("signature"), 0)))
	b = at(1, slices.Concat(bytesField(1, b, 0), numberField(2, 5, 0), numberField(3, 1, 0)))
	return at(0, slices.Concat(numberField(16, 1, 0), bytesField(1, b, 0)))
}

// What is odd at any layer is decoded, or is read in place as it would be decoded.
func TestOddRecordsAreReadAsDecoded(t *testing.T) {
	if !sameInput(t, layersWith(-1, nil, nil)) {
		t.Error("without oddities it is left to the decoder")
	}
	for name, odd := range oddities() {
		for layer := range layerNames {
			t.Run(name+" in the "+layerNames[layer], func(t *testing.T) {
				sameInput(t, layersWith(layer, odd, nil))
				sameInput(t, layersWith(layer, nil, odd))
			})
		}
	}
}

// Every change of one byte of a record is read as it would be decoded.
func TestChangedRecordsAreReadAsDecoded(t *testing.T) {
	value := layersWith(-1, nil, nil)
	for i := range value {
		sameInput(t, value[:i])
		sameInput(t, slices.Concat(value[:i], value[i+1:]))
		for _, with := range []byte{0, 1, 0x7f, 0x80, value[i] + 1, value[i] ^ 8, value[i] ^ 0x80} {
			changed := slices.Clone(value)
			changed[i] = with
			sameInput(t, changed)
			sameInput(t, slices.Insert(changed, i, value[i]))
		}
	}
}

// FuzzInput compares reading in place with decoding.
func FuzzInput(f *testing.F) {
	for _, value := range realRecords() {
		f.Add(value)
	}
	for _, g := range golden {
		f.Add(unhex(f, g.hex))
	}
	for _, odd := range oddities() {
		for layer := range layerNames {
			f.Add(layersWith(layer, odd, nil))
			f.Add(layersWith(layer, nil, odd))
		}
	}
	f.Fuzz(func(t *testing.T, value []byte) { sameInput(t, value) })
}

// The envelope of a plain record is part of the record's value.
func TestPlainRecordIsNotCopied(t *testing.T) {
	value := ours(NewRegular(envelopeWith(channelHeader(cb.HeaderType_MESSAGE), []byte("data")), 5, Regular_NORMAL))
	e := InputOf(7, value).(machine.Regular).Envelope
	if at := bytes.Index(value, e.Bytes); &e.Bytes[0] != &value[at] {
		t.Error("it is copied")
	}
	if got := testing.AllocsPerRun(100, func() { InputOf(7, value) }); got > 2 {
		t.Errorf("%v allocations, want that of the channel's name and that of the input", got)
	}
}

// BenchmarkInputOf measures what a record costs before the machine takes it.
func BenchmarkInputOf(b *testing.B) {
	large := make([]byte, 1024)
	for name, envelope := range map[string][]byte{
		"message of 2 KB": envelopeWith(channelHeader(cb.HeaderType_MESSAGE), large),
		"transaction":     envelopeWith(channelHeader(cb.HeaderType_ENDORSER_TRANSACTION), layered(written("cc", "other"))),
	} {
		value := ours(NewRegular(envelope, 5, Regular_NORMAL))
		for path, inputOf := range map[string]func(machine.Offset, []byte) machine.Input{"in place": InputOf, "decoded": inputDecoded} {
			b.Run(name+"/"+path, func(b *testing.B) {
				b.SetBytes(int64(len(value)))
				b.ReportAllocs()
				for b.Loop() {
					inputOf(7, value)
				}
			})
		}
		b.Run(name+"/digest alone", func(b *testing.B) {
			b.SetBytes(int64(len(value)))
			for b.Loop() {
				DigestOf(value)
			}
		})
	}
}
