// Package record is the codec of a channel's topic: the values of its records,
// the description at its head, and the consenter metadata of a block, to and from
// the types of package machine. The formats and their numbers are in record.proto.
//
// Decoders never panic, hold no more than a small multiple of their input, and
// return an error that says what is wrong with the bytes, not where they were.
// Fields that this version does not know survive decoding and encoding.
package record

import (
	"crypto/sha256"
	"fmt"

	"google.golang.org/protobuf/proto"

	"github.com/fabric-kafka/orderer/chain/fabric"
	"github.com/fabric-kafka/orderer/chain/machine"
)

// Writer is the value of [Message.Writer] in every record that our orderers write.
const Writer = 1

// Decode reads the value of a record. A value that holds none of the known
// types (an empty one, for instance) decodes; its Type is nil.
func Decode(value []byte) (*Message, error) {
	m := &Message{}
	if err := proto.Unmarshal(dropOverwritten(value), m); err != nil {
		return nil, fmt.Errorf("decode record value: %w", err)
	}
	return m, nil
}

// Encode writes the value of a record: fields in ascending order, zero values left out.
func Encode(m *Message) ([]byte, error) {
	return encode("record value", m)
}

// NewRegular returns a record that carries a serialized envelope, validated at config sequence seq.
func NewRegular(payload []byte, seq uint64, class Regular_Class) *Message {
	return &Message{Type: &Message_Regular{Regular: &Regular{Payload: payload, ConfigSeq: seq, Class: class}}}
}

// NewTimeToCut returns a record that asks for the pending batch to be cut as the block of that number.
func NewTimeToCut(number uint64) *Message {
	return &Message{Type: &Message_TimeToCut{TimeToCut: &TimeToCut{BlockNumber: number}}}
}

// NewConnect returns a record that carries a serialized description, or nothing.
func NewConnect(payload []byte) *Message {
	return &Message{Type: &Message_Connect{Connect: &Connect{Payload: payload}}}
}

func encode(what string, m proto.Message) ([]byte, error) {
	b, err := proto.MarshalOptions{Deterministic: true}.Marshal(m)
	if err != nil {
		return nil, fmt.Errorf("encode %s: %w", what, err)
	}
	return b, nil
}

// InputOf returns a record as the machine takes it: a pure function of its offset and
// value, the same on every orderer, whatever the bytes are. The input keeps value, which must not be
// changed any more.
func InputOf(at machine.Offset, value []byte) machine.Input {
	if in, payload, ok := plainRegular(value); ok {
		in.Offset, in.Digest, in.Size = at, DigestOf(value), len(value)
		in.Envelope = EnvelopeOf(payload)
		return in
	}
	return decodedInput(at, value)
}

// decodedInput is InputOf for a record that is not plain.
func decodedInput(at machine.Offset, value []byte) machine.Input {
	sum, size := DigestOf(value), len(value)
	m, err := Decode(value)
	if err != nil {
		return machine.Garbage{Offset: at, Digest: sum, Size: size, Flaw: err.Error()}
	}
	switch t := m.Type.(type) {
	case *Message_Regular:
		return machine.Regular{
			Offset:    at,
			Digest:    sum,
			Size:      size,
			Class:     machine.Class(t.Regular.Class),
			ConfigSeq: machine.ConfigSeq(t.Regular.ConfigSeq),
			Original:  machine.Offset(t.Regular.OriginalOffset),
			Envelope:  EnvelopeOf(t.Regular.Payload),
		}
	case *Message_TimeToCut:
		return machine.TimeToCut{Offset: at, Digest: sum, Size: size, Block: machine.BlockNumber(t.TimeToCut.BlockNumber)}
	case *Message_Connect:
		return connectOf(at, sum, size, t.Connect.Payload)
	}
	return machine.Garbage{Offset: at, Digest: sum, Size: size, Flaw: "record of no known type"}
}

func connectOf(at machine.Offset, sum machine.Digest, size int, payload []byte) machine.Connect {
	if len(payload) == 0 {
		return machine.Connect{Offset: at, Digest: sum, Size: size}
	}
	d, err := DecodeDescription(payload)
	if err != nil {
		return machine.Connect{Offset: at, Digest: sum, Size: size, Flaw: err.Error()}
	}
	return machine.Connect{Offset: at, Digest: sum, Size: size, Description: &machine.Description{
		FormatVersion: d.FormatVersion,
		RuleSet:       machine.RuleSet(d.RuleSet),
		Channel:       d.ChannelId,
		GenesisHash:   d.GenesisHash,
		Topic:         d.TopicId,
		Cluster:       d.ClusterId,
	}}
}

// EnvelopeOf returns an envelope as the machine takes it, decoded as far as peers do before
// they know whose it is.
func EnvelopeOf(b []byte) machine.Envelope {
	e, w := envelopeOf(b, writes{})
	e.Written, e.Policies = w.written, w.policies
	return e
}

// OfEnvelope returns the value of a record of ours that carries an envelope which Broadcast accepted at config sequence seq.
// Broadcast accepts envelopes that would make peers refuse the block: flaw says why, and is empty for others.
func OfEnvelope(e *fabric.Envelope, seq uint64, class machine.Class) (value []byte, flaw string) {
	value, serialized := encodeEnvelope(e, seq, Regular_Class(class))
	return value, peerFlaw(serialized)
}

// peerFlaw returns why no peer would accept a block with this envelope, which decodes; empty if peers would.
func peerFlaw(b []byte) string {
	e, _ := envelopeOf(b, writes{keyless: true})
	return e.HeaderFlaw + e.SignerFlaw
}

// headers is what is read of an envelope apart from what its data holds.
type headers struct {
	size    int    // of payload and signature, in bytes
	channel string // id
	kind    int32  // header type
	data    []byte

	// Why what is read does not decode, or why no peer would accept a block with it; see [machine.Envelope].
	flaw, headerFlaw, signerFlaw string
}

// headersOf decodes the headers of an envelope.
func headersOf(b []byte) (h headers) {
	envelope := &fabric.Envelope{}
	if err := fabric.Unmarshal(b, envelope); err != nil {
		h.flaw = "envelope: " + err.Error()
		return h
	}
	h.size = len(envelope.Payload) + len(envelope.Signature)
	payload, flaw := payloadOf(envelope)
	if flaw != "" {
		h.headerFlaw = flaw
		return h
	}
	channel := &fabric.ChannelHeader{}
	if err := fabric.Unmarshal(payload.Header.ChannelHeader, channel); err != nil {
		h.headerFlaw = "channel header: " + err.Error()
		return h
	}
	h.channel, h.kind, h.data = channel.ChannelId, channel.Type, payload.Data
	h.signerFlaw = signerFlaw(envelope, payload)
	return h
}

// envelopeOf returns an envelope without its keys, and what it writes.
func envelopeOf(b []byte, w writes) (machine.Envelope, writes) {
	h, ok := plainHeaders(b)
	if !ok {
		h = headersOf(b)
	}
	return h.envelope(b, w)
}

// envelope is envelopeOf for an envelope with these headers.
func (h headers) envelope(b []byte, w writes) (machine.Envelope, writes) {
	e := machine.Envelope{Bytes: b, Size: h.size, Channel: h.channel, Type: h.kind, Flaw: h.flaw, HeaderFlaw: h.headerFlaw, SignerFlaw: h.signerFlaw}
	if e.Flaw != "" || e.HeaderFlaw != "" {
		return e, w
	}
	c := contentOf(h.data)
	if e.SignerFlaw == "" {
		e.SignerFlaw = c.flaw(e.Type)
	}
	e.Opaque = e.Type != fabric.TypeEndorser || !c.readable
	if e.Opaque || e.SignerFlaw != "" {
		return e, w
	}
	if e.SignerFlaw = chaincodeFlaw(c.chaincode); e.SignerFlaw != "" {
		return e, w
	}
	read := w.read(c.results)
	if e.SignerFlaw = read.flaw; e.SignerFlaw != "" {
		return e, w // it gets into no block, and its keys are not needed
	}
	return e, read
}

// payloadOf decodes the payload of an envelope. An empty header counts as none: where the bytes have a
// number instead of a header, the messages of Fabric 3 have none, and older ones an empty one.
func payloadOf(envelope *fabric.Envelope) (*fabric.Payload, string) {
	payload := &fabric.Payload{}
	if err := fabric.Unmarshal(envelope.Payload, payload); err != nil {
		return nil, "payload: " + err.Error()
	}
	if h := payload.Header; len(h.GetChannelHeader())+len(h.GetSignatureHeader()) == 0 && (h == nil || fabric.Equal(h, &fabric.Header{})) {
		return nil, "payload has no header"
	}
	return payload, ""
}

// Canonical returns an envelope decoded and encoded again, which is how blocks have it; the
// envelope itself if that changes nothing.
func Canonical(envelope []byte) ([]byte, error) {
	if plainEnvelope(envelope) {
		return envelope, nil
	}
	return encodedAgain(envelope)
}

func encodedAgain(envelope []byte) ([]byte, error) {
	decoded := &fabric.Envelope{}
	if err := fabric.Unmarshal(envelope, decoded); err != nil {
		return nil, err
	}
	return fabric.Marshal(decoded)
}

// DigestOf returns the digest of a record's value.
func DigestOf(value []byte) (d machine.Digest) {
	sum := sha256.Sum256(value)
	copy(d[:], sum[:])
	return d
}
