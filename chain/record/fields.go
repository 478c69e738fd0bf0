package record

import (
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// Messages that are only looked into are read in place: a decoder copies each layer of a
// transaction, and a large one has six.

// shape is what decides whether bytes decode as a message: its fields of text and of messages.
type shape struct {
	text     [maxField]bool
	messages [maxField]*shape
}

// maxField bounds the numbers of fields that a shape knows.
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

// decodes reports whether a decoder takes b as a message of that shape. A field that has another form than
// it should is unknown to it.
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

// fields calls f with every field of bytes in a message, and reports whether the message is well-formed to its end.
func fields(message []byte, f func(number protowire.Number, value []byte)) bool {
	for len(message) > 0 {
		number, kind, n := consumeField(message)
		if n < 0 {
			return false
		}
		if kind == protowire.BytesType {
			_, _, tag := protowire.ConsumeTag(message)
			value, _ := protowire.ConsumeBytes(message[tag:n])
			f(number, value)
		}
		message = message[n:]
	}
	return true
}

// lastOf returns the value of a field of bytes, of which the last one counts.
func lastOf(message []byte, field protowire.Number) (value []byte) {
	fields(message, func(number protowire.Number, b []byte) {
		if number == field {
			value = b
		}
	})
	return value
}

// messageIn returns the value of a field of a message, and whether there is one. Of several a decoder makes one, as of their
// bytes in sequence.
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
