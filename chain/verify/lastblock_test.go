package verify

import (
	"errors"
	"testing"

	"github.com/fabric-kafka/orderer/chain/log"
	"github.com/fabric-kafka/orderer/chain/machine"
)

// block returns the last block of a log, with an envelope for each letter.
func block(t *testing.T, letters string) LastBlock {
	b := LastBlock{Number: 1, Positioned: true}
	for _, c := range letters {
		b.Envelopes = append(b.Envelopes, envelope(t, string(c)))
	}
	return b
}

// A block without a window is recognized by its envelopes, in order, among other records.
func TestLastBlockIsLookedFor(t *testing.T) {
	for now, test := range map[topic]struct {
		cut  bool
		says string
	}{
		"ab":   {false, "the records from offset 0 on hold 1 of the 2 envelopes of block 1"},
		"xayb": {false, ""},
		"axb|": {true, ""},
		"ab|x": {false, ""},
		"xbya": {false, "at offset 3, the records from offset 0 on hold 1 of the 2 envelopes of block 1"},
	} {
		next := machine.Offset(4)
		if now == "ab" {
			now, next = "ax", 2
		}
		v := New(Known{Next: next, Last: func() LastBlock { return block(t, "ab") }, Unchecked: never(t)}, 0)
		now.expect(t, v, next, string(now), test.says)
		if test.says == "" && (v.LastBlock().Envelopes != 2 || v.LastBlock().Cut != test.cut || v.LastBlock().Bytes == 0) {
			t.Errorf("%q: %+v", now, v.LastBlock())
		}
	}
}

// The position of a config block is that of its own record.
func TestLastConfigBlockEndsAtItsRecord(t *testing.T) {
	config := block(t, "c")
	config.Config = true
	for now, says := range map[topic]string{"ac": "", "ca": "at offset 1, block 1 ends, but its config is the record at offset 0"} {
		v := New(Known{Next: 2, Last: func() LastBlock { return config }, Unchecked: never(t)}, 0)
		now.expect(t, v, 2, string(now), says)
	}
}

// What is left of a block's records is not enough to distinguish one log from another.
func TestLastBlockOfATrimmedTopic(t *testing.T) {
	unchecked := 0
	v := New(Known{Next: 3, Last: func() LastBlock { return block(t, "abc") }, Unchecked: func(log.Offset) { unchecked++ }}, 1)
	topic("abc").expect(t, v, 3, "bc", "")
	if unchecked != 1 {
		t.Errorf("reported %d times", unchecked)
	}
}

func TestLastBlockIsMissing(t *testing.T) {
	v := New(Known{Next: 3, Last: func() (b LastBlock) { return b }, Unchecked: never(t)}, 0)
	if err := v.Decide(3); !errors.Is(err, ErrNoLastBlock) {
		t.Error(err)
	}
}
