package kafka

import (
	"testing"

	"github.com/IBM/sarama"

	"github.com/fabric-kafka/orderer/chain/log"
)

// A batch may end with offsets that have no record: it does not show why none comes.
func TestBatchHolds(t *testing.T) {
	records := []*sarama.Record{{OffsetDelta: 0}, {OffsetDelta: 3}}
	short := &sarama.RecordBatch{FirstOffset: 10, LastOffsetDelta: 9, Records: records}
	for _, test := range []struct {
		batch *sarama.RecordBatch
		at    log.Offset
		holds bool
	}{
		{short, 10, true},
		{short, 13, true},
		{short, 14, false},
		{&sarama.RecordBatch{FirstOffset: 10, Control: true, Records: records[:1]}, 10, false},
		{&sarama.RecordBatch{FirstOffset: 10, LastOffsetDelta: 9}, 10, false},
		{nil, 10, true}, // of an older format: not known
	} {
		b, err := examine(test.batch)
		if err != nil || b.holds(test.at) != test.holds {
			t.Errorf("%+v: a record at or after %d: %v, %v", test.batch, test.at, b.holds(test.at), err)
		}
	}
}
