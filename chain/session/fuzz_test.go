package session_test

import (
	"bytes"
	"reflect"
	"testing"

	"github.com/fabric-kafka/orderer/chain/machine"
	"github.com/fabric-kafka/orderer/chain/record"
	"github.com/fabric-kafka/orderer/chain/session"
)

// FuzzRecord gives a record of any value to machines of every rule set: it is
// decoded to the same input each time, and no machine panics on it.
func FuzzRecord(f *testing.F) {
	seed := func(m *record.Message) {
		b, err := record.Encode(m)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	seed(record.NewTimeToCut(1))
	seed(record.NewConnect(nil))
	seed(record.NewConnect([]byte{8, 1, 16, 1}))
	seed(record.NewRegular([]byte("no envelope"), 3, record.Regular_NORMAL))
	seed(record.NewRegular([]byte{10, 2, 10, 0, 18, 1, 7}, 1, record.Regular_CONFIG))
	f.Add([]byte(nil))
	f.Add([]byte{0xff, 0xff})
	f.Fuzz(func(t *testing.T, value []byte) {
		in := record.InputOf(10, value)
		if again := record.InputOf(10, bytes.Clone(value)); !reflect.DeepEqual(in, again) {
			t.Fatalf("decoded to %#v, then to %#v", in, again)
		}
		for _, rules := range []machine.RuleSet{machine.Undescribed, machine.Strict, machine.Compatible} {
			m := machine.New(machine.Start{Channel: "c", Next: 1, Seq: 2, Resubmission: true, AllowUndescribed: true,
				Limits:   machine.Limits{MaxMessageCount: 2, PreferredMaxBytes: 100, AbsoluteMaxBytes: 1000},
				Metadata: machine.Metadata{Offset: 9, RuleSet: rules}})
			effects := m.Step(in)
			if len(effects) == 0 {
				t.Fatalf("%s rules skip %#v without an effect", rules, in)
			}
		}
	})
}

// FuzzPosition reads a last block's metadata of any content: what is accepted as a position is encoded again as it
// was read.
func FuzzPosition(f *testing.F) {
	f.Add([]byte(nil))
	f.Add([]byte{0x08, 0x05, 0x10, 0x03, 0x18, 0x04})
	f.Add([]byte{0x08, 0x05, 0x80, 0x01, 0x01})
	f.Add([]byte{0x08, 0x05, 0x80, 0x01, 0x02, 0xa0, 0x01, 0x01})
	f.Add([]byte{0x08, 0x05, 0xb8, 0x01, 0x01}) // a window that begins somewhere and has no digest
	f.Add([]byte{0x08, 0x05, 0x80, 0x01, 0x01, 0x8a, 0x01, 0x02, 0x01, 0x02})
	f.Fuzz(func(t *testing.T, value []byte) {
		at, err := session.Position(7, value)
		if err != nil {
			return
		}
		if at.Offset < 0 || !machine.Known(at.RuleSet) || at.RuleSet == machine.Undescribed {
			t.Fatalf("position %+v", at)
		}
		b, err := session.EncodeMetadata(at)
		if err != nil {
			t.Fatal(err)
		}
		again, err := session.Position(7, b)
		if at.Marks.Shown = again.Marks.Shown; err != nil || again != at {
			t.Fatalf("position %+v was written and read as %+v, %v", at, again, err)
		}
	})
}
