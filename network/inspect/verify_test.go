package inspect

import (
	"errors"
	"fmt"
	"reflect"
	"testing"

	"github.com/golang/protobuf/proto"
	cb "github.com/hyperledger/fabric-protos-go/common"
	"github.com/hyperledger/fabric/protoutil"

	"github.com/fabric-kafka/orderer/chain/checktest"
	"github.com/fabric-kafka/orderer/chain/record"
	"github.com/fabric-kafka/orderer/network/client/orderertest"
)

var abc = []string{"a", "b", "c"}

func TestVerifyUpToTheCommonHeight(t *testing.T) {
	r := reader(t, chained("1", "2", "3"), chained("1", "2"), chained("1", "2", "3", "4"))
	height, err := r.Verify(t.Context(), "mychannel", abc)
	checktest.Must(t, err)
	if height != 3 {
		t.Fatalf("got %v, want 3", height)
	}
}

func TestVerifyNamesTheFirstDifference(t *testing.T) {
	r := reader(t, chained("1", "2", "3"), chained("1", "2", "3"), chained("1", "two", "three"))
	_, err := r.Verify(t.Context(), "mychannel", abc)
	var d *Difference
	if !errors.As(err, &d) {
		t.Fatalf("got %v, want a %T", err, &d)
	}
	if d.First != "a" {
		t.Fatalf("d.First is %v, want %v", d.First, "a")
	}
	if d.Other != "c" {
		t.Fatalf("d.Other is %v, want %v", d.Other, "c")
	}
	if d.A.Number != 2 {
		t.Fatalf("d.A.Number is %v, want 2", d.A.Number)
	}
	if reflect.DeepEqual(d.B.DataHash, d.A.DataHash) {
		t.Fatalf("got %v twice", d.B.DataHash)
	}
	checktest.Fails(t, err, "differs at block 2")
}

// Headers may agree where the metadata does not: then the orderers would diverge after a restart.
func TestVerifyComparesMetadata(t *testing.T) {
	other := chained("1", "2")
	other.Change(2, func(b *cb.Block) {
		b.Metadata.Metadata[cb.BlockMetadataIndex_SIGNATURES] = protoutil.MarshalOrPanic(&cb.Metadata{
			Value: protoutil.MarshalOrPanic(&cb.OrdererBlockMetadata{LastConfig: &cb.LastConfig{Index: 1}}),
		})
	})
	_, err := reader(t, chained("1", "2"), other).Verify(t.Context(), "mychannel", abc[:2])
	var d *Difference
	if !errors.As(err, &d) {
		t.Fatalf("got %v, want a %T", err, &d)
	}
	if !reflect.DeepEqual(d.B.HeaderHash, d.A.HeaderHash) {
		t.Fatalf("d.B.HeaderHash is %v, want %v", d.B.HeaderHash, d.A.HeaderHash)
	}
}

// replaced gives a block other data, and the hash of it.
func replaced(b *cb.Block) {
	b.Data.Data = [][]byte{[]byte("other")}
	b.Header.DataHash = protoutil.BlockDataHash(b.Data)
}

// TestVerifyDoctored: each rule, broken on one orderer, or on all alike.
func TestVerifyDoctored(t *testing.T) {
	both := func(f func(l *orderertest.Ledger)) func(a, b *orderertest.Ledger) {
		return func(a, b *orderertest.Ledger) { f(a); f(b) }
	}
	signed := func(m *cb.OrdererBlockMetadata) []byte {
		return protoutil.MarshalOrPanic(&cb.Metadata{Value: protoutil.MarshalOrPanic(m)})
	}
	for says, doctor := range map[string]func(a, b *orderertest.Ledger){
		"differs at block 0": func(_, b *orderertest.Ledger) { b.Change(0, replaced) },
		"differs at block 2": func(_, b *orderertest.Ledger) { b.Change(2, replaced) },
		"differs at block 3": func(_, b *orderertest.Ledger) { b.Change(3, replaced) },
		"metadata 0802": func(_, b *orderertest.Ledger) {
			b.Change(2, func(b *cb.Block) {
				b.Metadata.Metadata[cb.BlockMetadataIndex_SIGNATURES] = signed(&cb.OrdererBlockMetadata{
					LastConfig: &cb.LastConfig{}, ConsenterMetadata: protoutil.MarshalOrPanic(&cb.Metadata{Value: []byte{8, 2}})})
			})
		},
		"last config 1": func(_, b *orderertest.Ledger) {
			b.Change(2, func(b *cb.Block) {
				m := &cb.OrdererBlockMetadata{}
				was := &cb.Metadata{}
				if proto.Unmarshal(b.Metadata.Metadata[cb.BlockMetadataIndex_SIGNATURES], was) != nil || proto.Unmarshal(was.Value, m) != nil {
					panic("no metadata")
				}
				m.LastConfig.Index = 1
				b.Metadata.Metadata[cb.BlockMetadataIndex_SIGNATURES] = signed(m)
			})
		},
		"data hash": both(func(l *orderertest.Ledger) {
			l.Change(2, func(b *cb.Block) { b.Data.Data[0] = []byte("tampered") })
		}),
		"block 2 does not follow": both(func(l *orderertest.Ledger) {
			l.Change(2, func(b *cb.Block) { b.Header.PreviousHash = []byte("tampered") })
		}),
		"block 3 does not follow":     both(func(l *orderertest.Ledger) { l.Change(2, replaced) }),
		"block 7 does not follow":     both(func(l *orderertest.Ledger) { l.Change(2, func(b *cb.Block) { b.Header.Number = 7 }) }),
		"block 1 does not follow":     both(func(l *orderertest.Ledger) { l.Change(0, func(b *cb.Block) { b.Header.Number = 1 }) }),
		"without header, data":        both(func(l *orderertest.Ledger) { l.Change(2, func(b *cb.Block) { b.Data.Data = nil }) }),
		"gave 3 of the 4 blocks":      both(func(l *orderertest.Ledger) { l.Repeat(3, 0) }),
		"gave more than the 4 blocks": both(func(l *orderertest.Ledger) { l.Repeat(3, 2) }),
	} {
		t.Run(says, func(t *testing.T) {
			a, b := chained("1", "2", "3"), chained("1", "2", "3")
			doctor(a, b)
			_, err := reader(t, a, b).Verify(t.Context(), "mychannel", abc[:2])
			checktest.Fails(t, err, says)
		})
	}
}

func TestVerifyNeedsOrderers(t *testing.T) {
	r := reader(t, chained())
	_, err := r.Verify(t.Context(), "mychannel", nil)
	if err == nil {
		t.Fatal("there is no error")
	}
	_, err = r.Verify(t.Context(), "another", []string{"a"})
	checktest.Fails(t, err, "a: ")
}

func TestMembersHaveTheChannel(t *testing.T) {
	r := reader(t, chained(), chained())
	members, err := r.Members(t.Context(), "mychannel", []string{"a", "b"})
	checktest.Must(t, err)
	if want := []string{"a", "b"}; !reflect.DeepEqual(members, want) {
		t.Fatalf("got %v, want %v", members, want)
	}
	members, err = r.Members(t.Context(), "another", []string{"a", "b"})
	checktest.Must(t, err)
	if len(members) != 0 {
		t.Fatalf("got %v, want nothing", members)
	}
}

// Releases that remember another number of records agree; records that differ do not.
func TestSameMetadata(t *testing.T) {
	encoded := func(m *record.Metadata) string {
		b, err := record.EncodeMetadata(m)
		checktest.Must(t, err)
		return fmt.Sprintf("%x", b)
	}
	base := encoded(&record.Metadata{LastOffsetPersisted: 9, RuleSet: 1, TailOffset: 3, TailDigest: []byte("one")})
	for name, test := range map[string]struct {
		other string
		want  bool
	}{
		"equal":               {base, true},
		"another window":      {encoded(&record.Metadata{LastOffsetPersisted: 9, RuleSet: 1, TailOffset: 5, TailDigest: []byte("two")}), true},
		"other records":       {encoded(&record.Metadata{LastOffsetPersisted: 9, RuleSet: 1, TailOffset: 3, TailDigest: []byte("two")}), false},
		"another position":    {encoded(&record.Metadata{LastOffsetPersisted: 8, RuleSet: 1, TailOffset: 5, TailDigest: []byte("two")}), false},
		"no metadata":         {"", false},
		"something else":      {"ff", false},
		"another cut, window": {encoded(&record.Metadata{LastOffsetPersisted: 9, RuleSet: 1, TailOffset: 5, CutDigest: []byte("x")}), false},
	} {
		if got := sameMetadata(base, test.other); got != test.want {
			t.Errorf("%s: %v, want %v", name, got, test.want)
		}
	}
}

// An in-tree orderer and one of ours agree in the three fields that both write.
func TestSameMetadataOfInTreeOrderers(t *testing.T) {
	encoded := func(m *record.Metadata) string {
		b, err := record.EncodeMetadata(m)
		if err != nil {
			t.Fatal(err)
		}
		return fmt.Sprintf("%x", b)
	}
	ours := func(change func(*record.Metadata)) string {
		m := &record.Metadata{LastOffsetPersisted: 9, LastOriginalOffsetProcessed: 4, LastResubmittedConfigOffset: 3,
			RuleSet: record.RuleSet_RULE_SET_COMPATIBLE, TailOffset: 3, TailDigest: []byte("one")}
		change(m)
		return encoded(m)
	}
	inTree := encoded(&record.Metadata{LastOffsetPersisted: 9, LastOriginalOffsetProcessed: 4, LastResubmittedConfigOffset: 3})
	for name, test := range map[string]struct {
		change func(*record.Metadata)
		want   bool
	}{
		"the same":                 {func(*record.Metadata) {}, true},
		"another position":         {func(m *record.Metadata) { m.LastOffsetPersisted = 8 }, false},
		"another mark":             {func(m *record.Metadata) { m.LastOriginalOffsetProcessed = 5 }, false},
		"another resubmission":     {func(m *record.Metadata) { m.LastResubmittedConfigOffset = 0 }, false},
		"rules they do not follow": {func(m *record.Metadata) { m.RuleSet = record.RuleSet_RULE_SET_STRICT }, false},
	} {
		for _, got := range []bool{sameMetadata(inTree, ours(test.change)), sameMetadata(ours(test.change), inTree)} {
			if got != test.want {
				t.Errorf("%s: %v, want %v", name, got, test.want)
			}
		}
	}
}
