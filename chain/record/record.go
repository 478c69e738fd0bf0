// Package record is the codec of a channel's topic: the values of its records,
// the description at its head, and the consenter metadata of a block, to and from
// the types of package machine. The formats and their numbers are in record.proto.
//
// Decoders never panic, hold no more than a small multiple of their input, and
// return an error that says what is wrong with the bytes, not where they were.
// Fields that this version does not know survive decoding and encoding.
package record

import (
	"fmt"

	"google.golang.org/protobuf/proto"
)

// Key is the key of every record: the partition in ASCII decimal, as in-tree
// orderers write it. Readers ignore it.
const Key = "0"

// Writer is what our orderers put into every record that they write.
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

// NewRegular is a record that carries a serialized envelope, validated at config sequence seq.
func NewRegular(payload []byte, seq uint64, class Regular_Class) *Message {
	return &Message{Type: &Message_Regular{Regular: &Regular{Payload: payload, ConfigSeq: seq, Class: class}}}
}

// NewTimeToCut asks for the pending batch to be cut as block number.
func NewTimeToCut(number uint64) *Message {
	return &Message{Type: &Message_TimeToCut{TimeToCut: &TimeToCut{BlockNumber: number}}}
}

// NewConnect carries a serialized description, or nothing.
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
