package record

import (
	"testing"

	"google.golang.org/protobuf/proto"
)

// Leaving out overwritten types must not change what is decoded, nor excuse what is malformed.
func TestDropOverwrittenChangesNothing(t *testing.T) {
	for _, h := range []string{"12020801" + "f2ff0703616263" + "1a00" + "0a021801" + "0a0518022001", "1a000a0518ff01", "0a001200ff", "1a030a01", "0a01ff1a00", "08011a000a00"} {
		sameAsPlain(t, unhex(t, h))
	}
}

// sameAsPlain compares Decode with the decoder below it, which leaves nothing out.
func sameAsPlain(t *testing.T, value []byte) {
	t.Helper()
	plain := &Message{}
	want := proto.Unmarshal(value, plain)
	got, err := Decode(value)
	if (err == nil) != (want == nil) || err == nil && !proto.Equal(got, plain) {
		t.Errorf("%x: decoded %v, %v; want %v, %v", value, got, err, plain, want)
	}
}
