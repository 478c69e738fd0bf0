package record

import (
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// Messages of which only a few fields matter are read in place: a decoder copies each of the six
// layers of a transaction, which can be large.

// shape is what decides whether bytes decode as a message: its string fields and message fields.
type shape struct {
	text     [maxField]bool
	messages [maxField]*shape
}

// maxField bounds the field numbers that a shape knows.
const maxField = 16

// shapeOf returns the shape of a message that does not contain itself.
func shapeOf(message protoreflect.MessageDescriptor) *shape {
	s := &shape{}
	for i := range message.Fields().Len() {
		switch field := message.Fields().Get(i); field.Kind() {
		case protoreflect.StringKind:
			s.text[field.Number()] = true
		case protoreflect.MessageKind:
			s.messages[field.Number()] = shapeOf(field.Message())
		}
	}
	return s
}

// decodes reports whether a decoder accepts b as a message of this shape. To a decoder, a field with
// another wire type than it should have is an unknown field.
func (s *shape) decodes(b []byte) bool {
	fit := true
	return fields(b, func(number protowire.Number, value []byte) { fit = fit && s.fits(number, value) }) && fit
}

func (s *shape) fits(number protowire.Number, value []byte) bool {
	if number >= maxField {
		return true
	}
	if m := s.messages[number]; m != nil {
		return m.decodes(value)
	}
	return !s.text[number] || utf8.Valid(value)
}

// fields calls f with every length-delimited field of a message, and reports whether the message is well-formed to its end.
func fields(message []byte, f func(number protowire.Number, value []byte)) bool {
	for len(message) > 0 {
		number, kind, n := protowire.ConsumeTag(message)
		if n < 0 || number > protowire.MaxValidNumber {
			return false
		}
		message = message[n:]
		var value []byte
		if kind == protowire.BytesType {
			value, n = protowire.ConsumeBytes(message)
		} else {
			n = protowire.ConsumeFieldValue(number, kind, message)
		}
		if n < 0 {
			return false
		}
		if kind == protowire.BytesType {
			f(number, value)
		}
		message = message[n:]
	}
	return true
}

// lastOf returns the value of a bytes field. If there are several, the last one counts.
func lastOf(message []byte, field protowire.Number) (value []byte) {
	fields(message, func(number protowire.Number, b []byte) {
		if number == field {
			value = b
		}
	})
	return value
}

// messageIn returns the value of a message field, and whether there is one. A decoder merges several, as if their
// bytes were concatenated.
func messageIn(message []byte, field protowire.Number) (value []byte, found bool) {
	fields(message, func(number protowire.Number, b []byte) {
		switch {
		case number != field:
		case !found:
			value, found = b[:len(b):len(b)], true
		default:
			value = append(value, b...)
		}
	})
	return value, found
}
