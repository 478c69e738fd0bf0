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
	for len(b) > 0 {
		number, value, n := field(b)
		if n < 0 || value != nil && !s.fits(number, value) {
			return false
		}
		b = b[n:]
	}
	return true
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

// field returns the first field of a message: its number, its value if it is length-delimited, which is then not nil,
// and how many bytes it has; negative if it is malformed.
func field(message []byte) (number protowire.Number, value []byte, size int) {
	number, kind, tag := protowire.ConsumeTag(message)
	if tag < 0 || number > protowire.MaxValidNumber {
		return 0, nil, -1
	}
	if kind == protowire.BytesType {
		value, size = protowire.ConsumeBytes(message[tag:])
	} else {
		size = protowire.ConsumeFieldValue(number, kind, message[tag:])
	}
	if size < 0 {
		return 0, nil, -1
	}
	return number, value, tag + size
}

// fields calls f with every length-delimited field of a message, and reports whether the message is well-formed to its end.
func fields(message []byte, f func(number protowire.Number, value []byte)) bool {
	for len(message) > 0 {
		number, value, n := field(message)
		if n < 0 {
			return false
		}
		if value != nil {
			f(number, value)
		}
		message = message[n:]
	}
	return true
}

// lastOf returns the value of a bytes field. If there are several, the last one counts.
func lastOf(message []byte, number protowire.Number) (last []byte) {
	for len(message) > 0 {
		at, value, n := field(message)
		if n < 0 {
			break
		}
		if at == number && value != nil {
			last = value
		}
		message = message[n:]
	}
	return last
}

// messageIn returns the value of a message field, and whether there is one. A decoder merges several, as if their
// bytes were concatenated.
func messageIn(message []byte, number protowire.Number) (value []byte, found bool) {
	fields(message, func(at protowire.Number, b []byte) {
		switch {
		case at != number:
		case !found:
			value, found = b[:len(b):len(b)], true
		default:
			value = append(value, b...)
		}
	})
	return value, found
}
