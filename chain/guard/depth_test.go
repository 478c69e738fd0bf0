package guard

import (
	"errors"
	"slices"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
)

// deep returns a message that is nested this many levels deep, with something after each level.
func deep(levels int, after []byte) []byte {
	var backwards []byte // each level is before what is inside it
	size := 0
	for range levels {
		head := protowire.AppendVarint(protowire.AppendTag(nil, 2, protowire.BytesType), uint64(size))
		slices.Reverse(head)
		tail := slices.Clone(after)
		backwards = append(backwards, head...)
		size += len(head) + len(tail)
	}
	slices.Reverse(backwards)
	for range levels {
		backwards = append(backwards, after...)
	}
	return backwards
}

func TestCheckDepth(t *testing.T) {
	for levels, want := range map[int]error{0: nil, 1: nil, deepest - 1: nil, deepest: ErrDeep, 3 * deepest: ErrDeep, 1 << 20: ErrDeep} {
		for name, after := range map[string][]byte{"alone": nil, "before garbage": {0xff}, "before a field": {8, 1}} {
			if err := CheckDepth(deep(levels, after)); !errors.Is(err, want) || (err == nil) != (want == nil) {
				t.Errorf("%d levels %s: %v, want %v", levels, name, err, want)
			}
		}
	}
	for _, other := range [][]byte{nil, {0xff}, {10}, {10, 5, 1}, []byte("-----BEGIN CERTIFICATE-----")} {
		if err := CheckDepth(other); err != nil {
			t.Errorf("%x: %v", other, err)
		}
	}
}
