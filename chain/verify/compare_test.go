package verify

import (
	"testing"

	"github.com/fabric-kafka/orderer/chain/log"
	"github.com/fabric-kafka/orderer/chain/machine"
	"github.com/fabric-kafka/orderer/chain/record"
)

// Any other record at an offset of a window is a difference, and so is a missing one.
func TestWindows(t *testing.T) {
	const was topic = "ab cd"
	for now, says := range map[topic]string{
		"ab cd":  "",
		"ab cde": "",
		"xb cd":  "at offset 1, the records from 0 on had the digest",
		"ab dc":  "at offset 4, the records from 3 on had the digest",
		"ab cx":  "at offset 4, the records from 3 on had the digest",
		"ab c":   "at offset 4, there was a record, and now there is none",
		"a":      "at offset 1, there was a record, and now there is none",
	} {
		read := string(now[:min(len(now), 5)])
		if now == "xb cd" {
			read = "xb"
		}
		v := New(Known{Next: 5, Windows: []machine.Window{was.window(t, 0, 1), was.window(t, 3, 4)}, Unchecked: never(t)}, 0)
		now.expect(t, v, 5, without(read, ' '), says)
	}
}

func without(text string, c byte) (kept string) {
	for i := range len(text) {
		if text[i] != c {
			kept += text[i : i+1]
		}
	}
	return kept
}

// The record that the last block was cut for is compared, even after a gap.
func TestRecordThatTheLastBlockWasCutFor(t *testing.T) {
	const was topic = "ab  c"
	r, _ := was.record(t, 4)
	for now, says := range map[topic]string{
		"ab  c": "",
		"ab  x": "at offset 4, the record after 1, for which that block was cut, had digest",
		"ab":    "at offset 2, there was a record, and now there is none",
	} {
		v := New(Known{Next: 2, Windows: []machine.Window{was.window(t, 0, 1)}, Cut: record.DigestOf(r.Value), Unchecked: never(t)}, log.Offset(0))
		now.expect(t, v, 2, without(string(now), ' '), says)
	}
}
