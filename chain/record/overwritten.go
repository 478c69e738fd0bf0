package record

import "google.golang.org/protobuf/encoding/protowire"

// dropOverwritten leaves out the types that a later, different type of the same
// value overwrites. Decoding gives the same message, or the same refusal,
// without it; but a hostile value that alternates between types would cost
// forty times its size in messages that are made only to be thrown away.
func dropOverwritten(value []byte) []byte {
	start, last, switched := 0, protowire.Number(0), false
	for at := 0; at < len(value); {
		number, wire, n := consumeField(value[at:])
		if n < 0 || isType(number, wire) && !wellFormed(value[at:at+n]) {
			return value // the decoder reports what is wrong with it
		}
		if isType(number, wire) && number != last {
			start, switched, last = at, last != 0, number
		}
		at += n
	}
	if !switched {
		return value
	}
	return append(unknownFields(value[:start]), value[start:]...)
}

// consumeField is [protowire.ConsumeField], except that it refuses the numbers that the decoder refuses.
func consumeField(b []byte) (protowire.Number, protowire.Type, int) {
	number, wire, n := protowire.ConsumeField(b)
	if number > protowire.MaxValidNumber {
		return 0, 0, -1
	}
	return number, wire, n
}

// isType reports whether a field is one of the types of Message; a known number
// with another wire type is an unknown field.
func isType(number protowire.Number, wire protowire.Type) bool {
	return number >= 1 && number <= 3 && wire == protowire.BytesType
}

// wellFormed reports whether the message in a field decodes: every field of the types
// is a number or bytes, so its framing is all there is to check.
func wellFormed(field []byte) bool {
	_, _, n := protowire.ConsumeTag(field)
	inner, _ := protowire.ConsumeBytes(field[n:])
	for len(inner) > 0 {
		_, _, n := consumeField(inner)
		if n < 0 {
			return false
		}
		inner = inner[n:]
	}
	return true
}

// unknownFields returns a copy of the fields of a well-formed value that are not types.
func unknownFields(value []byte) []byte {
	var kept []byte
	for at := 0; at < len(value); {
		number, wire, n := consumeField(value[at:])
		if !isType(number, wire) {
			kept = append(kept, value[at:at+n]...)
		}
		at += n
	}
	return kept
}
