package record

import (
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
)

// Where the bytes have a number instead of a header, the messages of Fabric before 3.0 have an
// empty header, and those of 3.x have none. Every build must treat it the same.
func TestEmptyHeaderIsNone(t *testing.T) {
	number := protowire.AppendVarint(protowire.AppendTag(nil, 1, protowire.VarintType), 1)
	empty := protowire.AppendBytes(protowire.AppendTag(nil, 1, protowire.BytesType), nil)
	for name, payload := range map[string][]byte{"nothing": nil, "a number": number, "empty": empty, "both": append(number, empty...)} {
		envelope := protowire.AppendBytes(protowire.AppendTag(nil, 1, protowire.BytesType), payload)
		if e := EnvelopeOf(envelope); e.HeaderFlaw != "payload has no header" {
			t.Errorf("%s: %+v", name, e)
		}
	}
}
