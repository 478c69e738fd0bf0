package record

import (
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/fabric-kafka/orderer/chain/fabric"
)

// encodeEnvelope writes the value of a record of ours that carries an envelope, validated at config sequence seq:
// what [Encode] writes for [NewRegular] with [Writer], with one copy of the envelope. It returns the
// serialized envelope too, which is a part of the value.
func encodeEnvelope(e *fabric.Envelope, seq uint64, class Regular_Class) (value, serialized []byte) {
	unknown := fabric.Reflect(e).GetUnknown()
	envelope := sizeOfBytes(e.Payload) + sizeOfBytes(e.Signature) + len(unknown)
	regular := sizeOfNumber(seq) + sizeOfNumber(uint64(class))
	if envelope > 0 {
		regular += sizeOfField(envelope)
	}
	b := make([]byte, 0, protowire.SizeTag(16)+1+sizeOfField(regular))
	b = protowire.AppendVarint(b, messageWriter)
	b = protowire.AppendVarint(b, Writer)
	b = protowire.AppendVarint(b, messageRegular)
	b = protowire.AppendVarint(b, uint64(regular))
	if envelope > 0 {
		b = protowire.AppendVarint(b, regularPayload)
		b = protowire.AppendVarint(b, uint64(envelope))
	}
	from := len(b)
	b = appendBytes(b, envelopePayload, e.Payload)
	b = appendBytes(b, envelopeSignature, e.Signature)
	b = append(b, unknown...)
	to := len(b)
	b = appendNumber(b, regularConfigSeq, seq)
	b = appendNumber(b, regularClass, uint64(class))
	return b, b[from:to:to]
}

// Field numbers up to 15 have a tag of one byte. Fields without a value are left out.

func sizeOfField(length int) int { return 1 + protowire.SizeBytes(length) }

func sizeOfBytes(value []byte) int {
	if len(value) == 0 {
		return 0
	}
	return sizeOfField(len(value))
}

func sizeOfNumber(n uint64) int {
	if n == 0 {
		return 0
	}
	return 1 + protowire.SizeVarint(n)
}

func appendBytes(b []byte, tag uint64, value []byte) []byte {
	if len(value) == 0 {
		return b
	}
	return protowire.AppendBytes(protowire.AppendVarint(b, tag), value)
}

func appendNumber(b []byte, tag, n uint64) []byte {
	if n == 0 {
		return b
	}
	return protowire.AppendVarint(protowire.AppendVarint(b, tag), n)
}
