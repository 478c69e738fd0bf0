package fabrictest

import (
	"bytes"
	"encoding/binary"
	"math"
	"slices"

	"google.golang.org/protobuf/encoding/protowire"
)

// field is a field of an encoded message. Bytes that parse as a message are treated as
// one, so that a message in a bytes field is reached like any other.
type field struct {
	num      protowire.Number
	kind     protowire.Type
	number   uint64   // of a varint
	raw      []byte   // the value of any other kind, unless it has fields
	fields   []*field // of bytes that parse as a message
	repeated int      // how often it is encoded; 0 for once
}

// parse reads a message, and nested messages down to this many levels. A value that is not a message is
// kept as bytes.
func parse(b []byte, levels int) (fields []*field, ok bool) {
	for len(b) > 0 {
		num, kind, n := protowire.ConsumeTag(b)
		if n < 0 || num > 64 {
			return nil, false
		}
		size := protowire.ConsumeFieldValue(num, kind, b[n:])
		if size < 0 {
			return nil, false
		}
		f := &field{num: num, kind: kind, raw: b[n : n+size]}
		switch kind {
		case protowire.VarintType:
			f.number, _ = protowire.ConsumeVarint(f.raw)
		case protowire.BytesType:
			f.raw, _ = protowire.ConsumeBytes(f.raw)
			if inner, ok := parse(f.raw, levels-1); ok && len(f.raw) > 0 && levels > 0 {
				f.fields = inner
			}
		}
		fields, b = append(fields, f), b[n+size:]
	}
	return fields, true
}

func encode(fields []*field) (b []byte) {
	for _, f := range fields {
		for range max(1, f.repeated) {
			b = protowire.AppendTag(b, f.num, f.kind)
			switch {
			case f.kind == protowire.VarintType:
				b = protowire.AppendVarint(b, f.number)
			case f.kind == protowire.BytesType && f.fields != nil:
				b = protowire.AppendBytes(b, encode(f.fields))
			case f.kind == protowire.BytesType:
				b = protowire.AppendBytes(b, f.raw)
			default:
				b = append(b, f.raw...)
			}
		}
	}
	return b
}

// Mutate changes a message as the program says: each 4 bytes of it select a field and a
// change. The result depends on message and program only.
func Mutate(message, program []byte) []byte {
	root := &field{kind: protowire.BytesType}
	var ok bool
	if root.fields, ok = parse(message, 24); !ok {
		return program // message does not parse: return any bytes
	}
	const step = 4
	for ; len(program) >= step; program = program[step:] {
		all := flat(root, nil)
		if len(all) == 0 || len(encode(root.fields)) > largest {
			break
		}
		at := all[int(binary.LittleEndian.Uint16(program))%len(all)]
		at.change(program[2], int(program[3]), all, program[step:])
	}
	return encode(root.fields)
}

// place is a field in its message.
type place struct {
	in *field
	i  int
}

func flat(m *field, to []place) []place {
	for i, f := range m.fields {
		to = flat(f, append(to, place{m, i}))
	}
	return to
}

// largest is about the size, in bytes, up to which mutations grow a message.
const largest = 1 << 17

var (
	numbers = []uint64{0, 1, 2, 127, math.MaxInt32, 1 << 31, math.MaxUint32, math.MaxInt64, math.MaxUint64}
	depths  = []int{1, 2, 9, 100, 500000}
	texts   = []string{"", "/Channel", "/Channel/Application/PeerMSP", "/Channel/Orderer", "Admins", "/", ".", "..", "V9_9", "-1s", "\xff"}
)

func (p place) change(op byte, arg int, all []place, rest []byte) {
	f := p.in.fields[p.i]
	switch op % 13 {
	case 0:
		p.in.fields = slices.Delete(slices.Clone(p.in.fields), p.i, p.i+1)
	case 1:
		f.repeated = min(2+arg*arg, 1+largest/(1+len(encode(p.in.fields[p.i:p.i+1]))))
	case 2:
		*f = field{num: f.num, kind: protowire.BytesType}
	case 3:
		*f = field{num: f.num, kind: protowire.VarintType, number: numbers[arg%len(numbers)]}
	case 4:
		f.num = protowire.Number(1 + arg%16)
	case 5:
		other := all[arg%len(all)]
		*f = field{num: f.num, kind: protowire.BytesType, raw: encode(other.in.fields[other.i : other.i+1])}
	case 6:
		inner := encode([]*field{f})
		*f = field{num: f.num, kind: protowire.BytesType, raw: Nest(inner, depths[arg%len(depths)], f.num)}
	case 7:
		f.raw = append(encode(f.fields), 0xc2, 0x3e, 1, 'x') // an unknown field, number 1000
		f.fields = nil
	case 8:
		f.raw, f.fields = f.raw[:len(f.raw)*arg/256], nil
	case 9:
		*f = field{num: f.num, kind: protowire.BytesType, raw: []byte(texts[arg%len(texts)])}
	case 10:
		*f = field{num: f.num, kind: protowire.BytesType, raw: bytes.Clone(rest[:min(len(rest), arg)])}
	case 11:
		j := arg % len(p.in.fields)
		p.in.fields[p.i], p.in.fields[j] = p.in.fields[j], p.in.fields[p.i]
	case 12:
		if len(f.raw) > 0 {
			f.raw, f.fields = bytes.Clone(f.raw), nil
			f.raw[arg%len(f.raw)] ^= 1 << (arg % 8)
		}
	}
}

// Nest puts a message into a field of another message, that one into the same field of a
// third, and so on, levels times.
func Nest(message []byte, levels int, num protowire.Number) []byte {
	var backwards []byte // the innermost head first, each reversed
	for range levels {
		head := protowire.AppendVarint(protowire.AppendTag(nil, num, protowire.BytesType), uint64(len(backwards)+len(message)))
		slices.Reverse(head)
		backwards = append(backwards, head...)
	}
	slices.Reverse(backwards)
	return append(backwards, message...)
}
