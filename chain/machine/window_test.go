package machine

import (
	"slices"
	"testing"
)

// heavyLog returns a topic with two blocks of two envelopes, each after more garbage than
// a window takes.
func heavyLog() (inputs []Input) {
	at := Offset(0)
	next := func() Offset { at++; return at - 1 }
	inputs = append(inputs, Connect{Offset: next(), Digest: Digest{1}, Description: &Description{FormatVersion: DescriptionVersion, RuleSet: Strict, Channel: "c"}})
	for range 2 {
		for range 7 {
			o := next()
			inputs = append(inputs, Garbage{Offset: o, Digest: Digest{2, byte(o)}, Size: maxBytes/2 - 1})
		}
		for range 2 {
			o := next()
			inputs = append(inputs, Regular{Offset: o, Digest: Digest{3, byte(o)}, Size: 10, Class: Normal, Envelope: Envelope{Bytes: []byte("e"), Size: 1, Channel: "c", Type: 3}})
		}
	}
	return inputs
}

func heavyStart() Start {
	return Start{Channel: "c", Next: 1, Metadata: Metadata{Offset: -1}, Limits: Limits{MaxMessageCount: 2, AbsoluteMaxBytes: 100, PreferredMaxBytes: 100}}
}

// blocksOf returns the blocks of a machine that takes inputs, and checks that no window has too many bytes.
func blocksOf(t *testing.T, s Start, inputs []Input) (blocks []WriteBlock) {
	m := New(s)
	for _, in := range inputs {
		for _, effect := range m.Step(in) {
			if b, ok := effect.(WriteBlock); ok {
				blocks = append(blocks, b)
			}
		}
		lastBlock, since := m.Windows()
		for _, w := range []Window{lastBlock, since} {
			if w.bytes >= maxBytes+maxBytes/2 {
				t.Errorf("after offset %d a window has %d bytes", m.NextOffset()-1, w.bytes)
			}
		}
	}
	return blocks
}

// A window that has enough bytes is followed by another. A block has the same window
// after a restart from the block before.
func TestHeavyWindows(t *testing.T) {
	inputs := heavyLog()
	blocks := blocksOf(t, heavyStart(), inputs)
	if len(blocks) != 2 {
		t.Fatalf("%d blocks, want 2", len(blocks))
	}
	for i, from := range []Offset{7, 16} { // three garbage records are too heavy: 0 to 3, 4 to 6, 7 to 9
		if w := blocks[i].Metadata.Window(); w.FirstOffset != from {
			t.Errorf("block %d has a window from %d on, want %d", i+1, w.FirstOffset, from)
		}
	}
	s := heavyStart()
	s.Next, s.Metadata = 2, blocks[0].Metadata
	at := slices.IndexFunc(inputs, func(in Input) bool { g, ok := in.(Garbage); return ok && g.Offset > s.Metadata.Offset })
	if again := blocksOf(t, s, inputs[at:]); len(again) != 1 || again[0].Metadata != blocks[1].Metadata {
		t.Errorf("after a restart %+v, want %+v", again, blocks[1:])
	}
}
