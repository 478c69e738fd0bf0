package record

import (
	"crypto/sha256"

	"github.com/fabric-kafka/orderer/chain/fabric"
	"github.com/fabric-kafka/orderer/chain/machine"
)

// InputOf returns a record as the machine takes it: a pure function of its offset and
// value, the same on every orderer, whatever the bytes are.
func InputOf(at machine.Offset, value []byte) machine.Input {
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
	e := machine.Envelope{Bytes: b}
	envelope := &fabric.Envelope{}
	if err := fabric.Unmarshal(b, envelope); err != nil {
		e.Flaw = "envelope: " + err.Error()
		return e
	}
	e.Size = len(envelope.Payload) + len(envelope.Signature)
	payload, flaw := payloadOf(envelope)
	if flaw != "" {
		e.HeaderFlaw = flaw
		return e
	}
	channel := &fabric.ChannelHeader{}
	if err := fabric.Unmarshal(payload.Header.ChannelHeader, channel); err != nil {
		e.HeaderFlaw = "channel header: " + err.Error()
		return e
	}
	e.Channel, e.Type = channel.ChannelId, channel.Type
	e.SignerFlaw = peerFlaw(envelope, payload, channel.Type)
	return e
}

// payloadOf decodes the payload of an envelope. An empty header is none: where the bytes have a
// number instead of it, the messages of Fabric 3 have no header, and older ones an empty one.
func payloadOf(envelope *fabric.Envelope) (*fabric.Payload, string) {
	payload := &fabric.Payload{}
	if err := fabric.Unmarshal(envelope.Payload, payload); err != nil {
		return nil, "payload: " + err.Error()
	}
	if payload.Header == nil || fabric.Equal(payload.Header, &fabric.Header{}) {
		return nil, "payload has no header"
	}
	return payload, ""
}

// DigestOf returns the digest of a record's value.
func DigestOf(value []byte) (d machine.Digest) {
	sum := sha256.Sum256(value)
	copy(d[:], sum[:])
	return d
}
