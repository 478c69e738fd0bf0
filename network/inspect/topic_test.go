package inspect

import (
	"context"
	"reflect"
	"strings"
	"testing"

	cb "github.com/hyperledger/fabric-protos-go/common"
	"github.com/hyperledger/fabric/protoutil"

	"github.com/fabric-kafka/orderer/chain/checktest"
	"github.com/fabric-kafka/orderer/chain/log"
	"github.com/fabric-kafka/orderer/chain/log/memlog"
	"github.com/fabric-kafka/orderer/chain/record"
	"github.com/fabric-kafka/orderer/network/client/orderertest"
)

func encode(t *testing.T, m *record.Message) []byte {
	b, err := record.Encode(m)
	checktest.Must(t, err)
	return b
}

func envelope(t *testing.T) []byte {
	e, err := orderertest.Identity(t).Message("mychannel", 0)
	checktest.Must(t, err)
	return protoutil.MarshalOrPanic(e)
}

func TestTopicWithBlocks(t *testing.T) {
	one, two := envelope(t), envelope(t)
	ledger := orderertest.NewLedger([]byte("genesis"))
	ledger.Append(one) // block 1 has offset 10
	ledger.Append(two, one)
	description, err := record.EncodeDescription(&record.Description{
		FormatVersion: 1, RuleSet: record.RuleSet_RULE_SET_STRICT, ChannelId: "mychannel", GenesisHash: make([]byte, 32),
	})
	checktest.Must(t, err)
	values := [][]byte{
		encode(t, record.NewConnect(description)),
		encode(t, record.NewRegular(one, 3, record.Regular_NORMAL)),
		[]byte("garbage"),
		nil,
		encode(t, record.NewRegular([]byte{0xff}, 3, record.Regular_CONFIG)),
		encode(t, record.NewConnect(nil)),
		encode(t, record.NewRegular(one, 3, record.Regular_NORMAL)), // a second copy
		encode(t, record.NewRegular(one, 3, record.Regular_NORMAL)), // a third one, in no block
		encode(t, record.NewTimeToCut(2)),
		encode(t, record.NewTimeToCut(1)), // stray: the next one cuts
		encode(t, record.NewTimeToCut(1)),
	}
	broker := memlog.NewBroker()
	broker.Write("mychannel", values...)
	l := broker.Open("mychannel", log.Settings{})
	defer l.Close()
	r := reader(t, ledger)
	x, err := r.index(t.Context(), "a", "mychannel")
	checktest.Must(t, err)
	var kinds []string
	var blocks []int
	checktest.Must(t, x.read(t.Context(), l, func(rec Record) error {
		if int(rec.Offset) != len(kinds) || rec.Bytes != len(values[rec.Offset]) {
			t.Errorf("record %d is %+v", len(kinds), rec)
		}
		kinds = append(kinds, rec.Kind)
		block := -1
		if rec.Block != nil {
			block = int(*rec.Block)
		}
		blocks = append(blocks, block)
		return nil
	}))
	if want := []string{
		"description", "NORMAL", "garbage", "garbage", "CONFIG", "connect", "NORMAL", "NORMAL", "time-to-cut", "time-to-cut", "time-to-cut",
	}; !reflect.DeepEqual(kinds, want) {
		t.Fatalf("got %v, want %v", kinds, want)
	}
	if want := []int{-1, 1, -1, -1, -1, -1, 2, -1, -1, -1, 1}; !reflect.DeepEqual(blocks, want) {
		t.Fatalf("got %v, want %v", blocks, want)
	}
}

func TestDescribeEnvelope(t *testing.T) {
	if got := describeEnvelope(&record.Regular{Payload: envelope(t), ConfigSeq: 3}); !strings.Contains(got, "seq 3, MESSAGE ") {
		t.Fatalf("%q is not in %q", "seq 3, MESSAGE ", got)
	}
	if got := describeEnvelope(&record.Regular{Payload: []byte{0xff}}); got != "no envelope" {
		t.Fatalf("got %v, want %v", got, "no envelope")
	}
	if got := describeEnvelope(&record.Regular{Payload: protoutil.MarshalOrPanic(&cb.Envelope{Payload: []byte{0xff}})}); got != "no channel header" {
		t.Fatalf("got %v, want %v", got, "no channel header")
	}
}

// marked is a log that ends with an offset that has no record, such as a transaction's marker.
type marked struct{ log.Log }

func (m marked) Bounds(ctx context.Context) (log.Bounds, error) {
	b, err := m.Log.Bounds(ctx)
	b.End++
	return b, err
}

func (m marked) Read(ctx context.Context, from log.Offset) (log.Reader, error) {
	r, err := m.Log.Read(ctx, from)
	return &markedReader{Reader: r, left: 1}, err
}

type markedReader struct {
	log.Reader
	left int // records before the marker
}

func (m *markedReader) Next(ctx context.Context) (log.Record, error) {
	if m.left--; m.left < 0 {
		return log.Record{}, log.ErrNoRecord
	}
	return m.Reader.Next(ctx)
}

func TestRecordsBeforeAMarker(t *testing.T) {
	broker := memlog.NewBroker()
	broker.Write("mine", []byte("one"))
	l := broker.Open("mine", log.Settings{})
	defer l.Close()
	count := 0
	if err := Records(t.Context(), marked{l}, func(Record) error { count++; return nil }); err != nil || count != 1 {
		t.Errorf("%d records, %v", count, err)
	}
}
