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

// each calls f with every field of bytes in a message, as far as the message is well-formed,
// and reports whether a decoder takes all of it.
func (s *shape) each(message []byte, f func(number protowire.Number, value []byte)) bool {
	for len(message) > 0 {
		number, kind, n := protowire.ConsumeTag(message)
		if n < 0 || number > protowire.MaxValidNumber {
			return false
		}
		size := protowire.ConsumeFieldValue(number, kind, message[n:])
		if size < 0 {
			return false
		}
		if kind == protowire.BytesType {
			value, _ := protowire.ConsumeBytes(message[n:])
			if !s.fits(number, value) {
				return false
			}
			f(number, value)
		}
		message = message[n+size:]
	}
	return true
}

// fits reports whether a decoder takes the value of a field of bytes; one that has another form than
// it should is unknown to it.
func (s *shape) fits(number protowire.Number, value []byte) bool {
	if number >= maxField {
		return true
	}
	if m := s.messages[number]; m != nil {
		return m.each(value, func(protowire.Number, []byte) {})
	}
	return !s.text[number] || utf8.Valid(value)
}

// last returns the value of a field of bytes, of which the last one counts, and whether
// the message decodes.
func (s *shape) last(message []byte, field protowire.Number) (value []byte, ok bool) {
	ok = s.each(message, func(number protowire.Number, b []byte) {
		if number == field {
			value = b
		}
	})
	return value, ok
}
