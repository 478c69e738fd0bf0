package verify

import (
	"strings"
	"testing"

	"github.com/fabric-kafka/orderer/chain/log"
	"github.com/fabric-kafka/orderer/chain/machine"
	"github.com/fabric-kafka/orderer/chain/record"
)

// reads returns a complete verification of the log's first two records, under which this many of the next ones were handled.
func (l topic) reads(t *testing.T, handled int) *Verification {
	v := New(Known{Next: 2, Windows: []machine.Window{l.window(t, 0, 1)}, Unchecked: never(t)}, 0)
	l.expect(t, v, 2, string(l[:2]), "")
	v.ReadIn(log.Term{TopicID: "id", Epoch: 7})
	for at := log.Offset(2); at < log.Offset(2+handled); at++ {
		r, _ := l.record(t, at)
		v.Handled(r, record.InputOf(machine.Offset(at), r.Value))
	}
	return v
}

// After a lost connection the newest records are read again, in the same term.
func TestAgain(t *testing.T) {
	const was topic = "abc|"
	for now, says := range map[topic]string{
		"abc|":  "",
		"abc|d": "",
		"abcd":  "at offset 3, there was a record with digest",
		"abc":   "at offset 3, there was a record, and now there is none",
	} {
		v := was.reads(t, 2).Again(4, 4)
		if v.Term() != (log.Term{TopicID: "id", Epoch: 7}) {
			t.Errorf("term %v", v.Term())
		}
		now.expect(t, v, 4, string(now[:min(4, len(now))]), says)
	}
}

// A verification under which nothing was handled yet is kept: it does not start again each time that the connection
// breaks before the next record.
func TestAgainWithoutProgress(t *testing.T) {
	const was topic = "abc"
	v := was.reads(t, 0)
	if v.Again(2, 3) != v {
		t.Error("the same is read again")
	}
	if v.Again(2, 2) == v {
		t.Error("the end of the log is not compared")
	}
	part := New(Known{Next: 3, Windows: []machine.Window{was.window(t, 0, 2)}, Unchecked: never(t)}, 0)
	if part.Again(3, 3) != part {
		t.Error("an incomplete verification is replaced")
	}
	if New(Known{Unchecked: never(t)}, 0).Again(0, 0) != nil {
		t.Error("nothing is compared with nothing")
	}
}

// A few records are kept, by number and by size.
func TestNewestIsBounded(t *testing.T) {
	long := topic(strings.Repeat("a", 100))
	v := long.reads(t, 98)
	if len(v.newest) != newestRecords || v.newest[len(v.newest)-1].at != 99 {
		t.Errorf("%d records are kept", len(v.newest))
	}
	large := newest{}
	for at := range log.Offset(10) {
		large = large.with(seen{at: at, size: newestBytes / 2})
	}
	if len(large) != 2 {
		t.Errorf("%d large records are kept", len(large))
	}
	if again := large.with(seen{at: 3}); len(again) != 2 {
		t.Error("a record that was read again counts twice")
	}
}
