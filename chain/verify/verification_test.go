package verify

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/fabric-kafka/orderer/chain/fabric"
	"github.com/fabric-kafka/orderer/chain/log"
	"github.com/fabric-kafka/orderer/chain/machine"
	"github.com/fabric-kafka/orderer/chain/record"
)

// topic is a log, one character for each offset: a letter is a record that carries an envelope,
// "|" one that cuts block 1, and a blank stands for no record.
type topic string

func (l topic) record(t *testing.T, at log.Offset) (r log.Record, ok bool) {
	m := record.NewTimeToCut(1)
	switch c := l[at]; c {
	case ' ':
		return r, false
	case '|':
	default:
		m = record.NewRegular(envelope(t, string(c)), 0, record.Regular_NORMAL)
	}
	value, err := record.Encode(m)
	if err != nil {
		t.Fatal(err)
	}
	return log.Record{Offset: at, Value: value}, true
}

func envelope(t *testing.T, text string) []byte {
	b, err := fabric.Marshal(&fabric.Envelope{Payload: []byte(text)})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// window returns the window of the records from first to last.
func (l topic) window(t *testing.T, first, last log.Offset) (w machine.Window) {
	for at := first; at <= last; at++ {
		if r, ok := l.record(t, at); ok {
			w = w.With(machine.Offset(at), record.DigestOf(r.Value), len(r.Value))
		}
	}
	return w
}

// verifies reads a log until the verification is complete or fails, and returns the records that it read.
func (l topic) verifies(t *testing.T, v *Verification, next machine.Offset) (read string, err error) {
	for at := v.From(next); ; at++ {
		if err := v.Decide(next); err != nil || v.Complete() {
			return read, err
		}
		if int(at) == len(l) {
			return read, v.Missing()
		}
		if r, ok := l.record(t, at); ok {
			read += string(l[at])
			if ahead := v.Take(r, next); ahead != (machine.Offset(at) >= next) {
				t.Errorf("record %d: ahead %t", at, ahead)
			}
		}
	}
}

func (l topic) expect(t *testing.T, v *Verification, next machine.Offset, read, says string) {
	t.Helper()
	got, err := l.verifies(t, v, next)
	if got != read {
		t.Errorf("%q: read %q, want %q", l, got, read)
	}
	if is := (Difference{}); says == "" && err != nil || says != "" && (!errors.As(err, &is) || !strings.Contains(fmt.Sprint(err), says)) {
		t.Errorf("%q: %v, want %q", l, err, says)
	}
}

func never(t *testing.T) func(log.Offset) {
	return func(at log.Offset) { t.Errorf("unchecked at %d", at) }
}

// If a topic has lost its beginning, the windows that it still has are compared. Without one there is
// nothing to compare, which is reported once.
func TestTrimmedTopic(t *testing.T) {
	const was topic = "abcdef"
	unchecked := log.Offset(-1)
	k := Known{Next: 6, Windows: []machine.Window{was.window(t, 0, 2), was.window(t, 3, 5)}, Unchecked: func(at log.Offset) { unchecked = at }}
	for start, read := range map[log.Offset]string{0: "abcdef", 1: "def", 3: "def"} {
		was.expect(t, New(k, start), 6, read, "")
	}
	if unchecked >= 0 {
		t.Errorf("unchecked at %d", unchecked)
	}
	was.expect(t, New(k, 4), 6, "", "")
	if unchecked != 5 {
		t.Errorf("unchecked at %d, want 5", unchecked)
	}
}

func TestNothingIsKnownOfAFreshLedger(t *testing.T) {
	v := New(Known{Unchecked: never(t), Last: func() (b LastBlock) { t.Error("the ledger was asked"); return b }}, 0)
	if !v.Complete() || v.From(0) != 0 {
		t.Errorf("%+v", v)
	}
}

// An interrupted verification continues at the record that it has not read.
func TestInterruptedVerification(t *testing.T) {
	const was topic = "abcd"
	v := New(Known{Next: 4, Windows: []machine.Window{was.window(t, 0, 1), was.window(t, 2, 3)}, Unchecked: never(t)}, 0)
	r, _ := was.record(t, 0)
	v.Take(r, 4)
	was.expect(t, v, 4, "bcd", "")
	if v.From(4) != 4 {
		t.Errorf("from %d", v.From(4))
	}
}
