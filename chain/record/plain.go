package record

import (
	"math"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/fabric-kafka/orderer/chain/machine"
)

// Nearly every record is read in place, without a decoder and without a copy: a record that is plain down to
// the headers of its envelope. Whatever is unusual about one is left to the decoder, so that what a record is
// taken for never depends on how it is read. An envelope that is pending keeps the bytes of its record in
// memory, and those that were fetched with it.

// plain reads the fields of a message whose encoding is minimal: no field twice or with a zero value, each tag,
// length and number in the fewest bytes. The order of the fields does not matter.
type plain struct {
	rest     []byte // not read yet
	seen     uint32 // numbers of the fields read, as bits
	notPlain bool   // the message is not plain

	tag    uint64 // of the field read last: its number and wire type
	number uint64 // its value, if that is a number
	bytes  []byte // its value, if that is length-delimited; a part of the message
}

// next reads a field. It returns false at the end of the message, or if the message is not plain.
func (p *plain) next() bool {
	if len(p.rest) == 0 {
		return false
	}
	p.tag = p.varint()
	field := p.tag >> 3
	p.notPlain = p.notPlain || field == 0 || field >= 32 || p.seen&(1<<field) != 0
	p.seen |= 1 << field
	p.number = p.varint()
	if p.notPlain || p.number == 0 {
		p.notPlain = true
		return false
	}
	switch protowire.Type(p.tag & 7) {
	case protowire.VarintType:
	case protowire.BytesType:
		if p.notPlain = p.number > uint64(len(p.rest)); !p.notPlain {
			p.bytes, p.rest = p.rest[:p.number:p.number], p.rest[p.number:]
		}
	default:
		p.notPlain = true
	}
	return !p.notPlain
}

// varint reads a number that has no more bytes than it needs; 0 if there is none.
func (p *plain) varint() uint64 {
	v, n := protowire.ConsumeVarint(p.rest)
	if n < 0 || n > 1 && p.rest[n-1] == 0 {
		p.notPlain = true
		return 0
	}
	p.rest = p.rest[n:]
	return v
}

// The tags of the fields that a plain record and its envelope can have. The numbers are those of record.proto
// and of Fabric's protos.
const (
	messageRegular = 1<<3 | uint64(protowire.BytesType)
	messageWriter  = 16<<3 | uint64(protowire.VarintType)

	regularPayload   = 1<<3 | uint64(protowire.BytesType)
	regularConfigSeq = 2<<3 | uint64(protowire.VarintType)
	regularClass     = 3<<3 | uint64(protowire.VarintType)
	regularOriginal  = 4<<3 | uint64(protowire.VarintType)

	envelopePayload   = 1<<3 | uint64(protowire.BytesType)
	envelopeSignature = 2<<3 | uint64(protowire.BytesType)

	payloadHeader = 1<<3 | uint64(protowire.BytesType)
	payloadData   = 2<<3 | uint64(protowire.BytesType)

	headerChannel   = 1<<3 | uint64(protowire.BytesType)
	headerSignature = 2<<3 | uint64(protowire.BytesType)

	channelType        = 1<<3 | uint64(protowire.VarintType)
	channelVersion     = 2<<3 | uint64(protowire.VarintType)
	channelTimestamp   = 3<<3 | uint64(protowire.BytesType)
	channelID          = 4<<3 | uint64(protowire.BytesType)
	channelTxID        = 5<<3 | uint64(protowire.BytesType)
	channelEpoch       = 6<<3 | uint64(protowire.VarintType)
	channelExtension   = 7<<3 | uint64(protowire.BytesType)
	channelTLSCertHash = 8<<3 | uint64(protowire.BytesType)

	timestampSeconds = 1<<3 | uint64(protowire.VarintType)
	timestampNanos   = 2<<3 | uint64(protowire.VarintType)

	signatureCreator = 1<<3 | uint64(protowire.BytesType)
	signatureNonce   = 2<<3 | uint64(protowire.BytesType)
)

// plainRegular returns the record of an envelope, without the envelope's content, and whether it is plain.
func plainRegular(value []byte) (in machine.Regular, payload []byte, ok bool) {
	var regular []byte
	p := plain{rest: value}
	for p.next() {
		switch p.tag {
		case messageRegular:
			regular = p.bytes
		case messageWriter:
		default:
			return in, nil, false
		}
	}
	if p.notPlain || regular == nil {
		return in, nil, false
	}
	p = plain{rest: regular}
	for p.next() {
		switch {
		case p.tag == regularPayload:
			payload = p.bytes
		case p.tag == regularConfigSeq:
			in.ConfigSeq = machine.ConfigSeq(p.number)
		case p.tag == regularClass && p.number <= math.MaxInt32:
			in.Class = machine.Class(p.number)
		case p.tag == regularOriginal && p.number <= math.MaxInt64:
			in.Original = machine.Offset(p.number)
		default:
			return in, nil, false
		}
	}
	return in, payload, !p.notPlain && payload != nil
}

// plainHeaders returns the headers of an envelope, and whether it is plain. It then has a signature, and a payload with a channel header, none of them empty.
func plainHeaders(envelope []byte) (h headers, ok bool) {
	payload, signature, ok := plainPair(envelope, envelopePayload, envelopeSignature)
	if !ok || payload == nil || signature == nil {
		return h, false
	}
	header, data, ok := plainPair(payload, payloadHeader, payloadData)
	if !ok || header == nil {
		return h, false
	}
	channel, signer, ok := plainPair(header, headerChannel, headerSignature)
	if !ok || channel == nil {
		return h, false
	}
	if _, _, ok = plainPair(signer, signatureCreator, signatureNonce); !ok {
		return h, false
	}
	h.size, h.data = len(payload)+len(signature), data
	h.channel, h.kind, ok = plainChannel(channel)
	return h, ok
}

// plainEnvelope reports whether an envelope is plain, and has its payload before its signature as an encoder writes them.
func plainEnvelope(envelope []byte) bool {
	payload, _, ok := plainPair(envelope, envelopePayload, envelopeSignature)
	return ok && (payload == nil || envelope[0] == byte(envelopePayload))
}

// plainPair returns the fields of a message that has no more than two, and whether it is plain.
func plainPair(message []byte, first, second uint64) (a, b []byte, ok bool) {
	p := plain{rest: message}
	for p.next() {
		switch p.tag {
		case first:
			a = p.bytes
		case second:
			b = p.bytes
		default:
			return nil, nil, false
		}
	}
	return a, b, !p.notPlain
}

// plainChannel returns what is read of a channel header, and whether it is plain.
func plainChannel(header []byte) (id string, kind int32, ok bool) {
	p := plain{rest: header}
	for p.next() {
		fit := true
		switch p.tag {
		case channelType:
			kind, fit = int32(p.number), p.number <= math.MaxInt32
		case channelID:
			id, fit = string(p.bytes), utf8.Valid(p.bytes)
		case channelTxID:
			fit = utf8.Valid(p.bytes)
		case channelTimestamp:
			fit = plainTimestamp(p.bytes)
		case channelVersion, channelEpoch, channelExtension, channelTLSCertHash:
		default:
			fit = false
		}
		if !fit {
			return "", 0, false
		}
	}
	return id, kind, !p.notPlain
}

func plainTimestamp(timestamp []byte) bool {
	p := plain{rest: timestamp}
	for p.next() {
		if p.tag != timestampSeconds && p.tag != timestampNanos {
			return false
		}
	}
	return !p.notPlain
}
