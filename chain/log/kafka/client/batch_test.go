package client

import (
	"testing"

	"github.com/IBM/sarama"

	"github.com/fabric-kafka/orderer/chain/log"
)

// A batch may end with offsets that have no record: such a batch does not explain a stall.
func TestBatchHasFrom(t *testing.T) {
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
		{nil, 10, true}, // of an older format: unknown
	} {
		b, err := verifyBatch(test.batch)
		if err != nil || b.HasFrom(test.at) != test.holds {
			t.Errorf("%+v: a record at or after %d: %v, %v", test.batch, test.at, b.HasFrom(test.at), err)
		}
	}
}
