package admin

import (
	"context"
	"strings"
	"testing"

	"github.com/fabric-kafka/orderer/chain/log"
	"github.com/fabric-kafka/orderer/chain/log/memlog"
	"github.com/fabric-kafka/orderer/chain/machine"
	"github.com/fabric-kafka/orderer/chain/record"
)

// busy is a topic to which an in-tree orderer appends.
type busy struct {
	log.Log
	foreign []byte
	before  bool // the description
}

func (b busy) Append(ctx context.Context, value []byte) error {
	values := [][]byte{value, b.foreign}
	if b.before {
		values = [][]byte{b.foreign, value}
	}
	for _, v := range values {
		if err := b.Log.Append(ctx, v); err != nil {
			return err
		}
	}
	return nil
}

// describes describes a topic that had three records when it was checked.
func describes(t *testing.T, topic log.Log) (upgraded, error) {
	t.Helper()
	d := description{topic: topic, checked: 3}
	late, err := d.append(t.Context(), machine.Start{Channel: "mine", GenesisHash: []byte("genesis")}, log.Identity{TopicID: "id"})
	return upgraded{Channel: "mine", Described: err == nil, Offset: int64(d.at), late: late}, err
}

// What an in-tree orderer appends after the check for foreign writers keeps the topic from being
// described, or is reported if it came too late for that.
func TestUpgradeRulesWhileAnotherWriterAppends(t *testing.T) {
	value, err := record.Encode(&record.Message{Type: &record.Message_TimeToCut{TimeToCut: &record.TimeToCut{BlockNumber: 3}}}) // without our mark
	if err != nil {
		t.Fatal(err)
	}
	topic := func(values ...[]byte) log.Log {
		broker := memlog.NewBroker()
		broker.Write("mine", append(make([][]byte, 3), values...)...)
		l := broker.Open("mine", log.Settings{})
		t.Cleanup(func() { _ = l.Close() })
		return l
	}
	if r, err := describes(t, topic()); err != nil || r.Err() != nil || r.Offset != 3 {
		t.Errorf("undisturbed: %+v, %v, %v", r, err, r.Err())
	}
	l := topic(value)
	if _, err := describes(t, l); err == nil || !strings.Contains(err.Error(), "time-to-cut at offset 3") {
		t.Errorf("a record since the check: %v", err)
	}
	if b, err := l.Bounds(t.Context()); err != nil || b.End != 4 {
		t.Errorf("the topic was described: %v, %v", b, err)
	}
	for _, before := range []bool{true, false} {
		r, err := describes(t, busy{topic(), value, before})
		if err != nil || r.late.Foreign != 1 || r.Err() == nil || !strings.Contains(r.Err().Error(), "an in-tree orderer is running") {
			t.Errorf("before %v: %+v, %v, %v", before, r, err, r.Err())
		}
	}
}
