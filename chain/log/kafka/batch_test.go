package kafka

import (
	"context"
	"testing"
	"time"

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
		if err != nil || b.hasFrom(test.at) != test.holds {
			t.Errorf("%+v: a record at or after %d: %v, %v", test.batch, test.at, b.hasFrom(test.at), err)
		}
	}
}

// A stalled reader whose verification fails, because the brokers are down or too slow,
// verifies again.
func TestStalledReaderVerifiesAgain(t *testing.T) {
	l, err := Open(Config{Brokers: []string{"127.0.0.1:1"}, RetryBackoff: time.Millisecond}, "topic")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	r := &reader{log: l, client: pin(nil), sub: subscription{}, end: 5, closed: t.Context(),
		stall: &stall{timer: time.NewTimer(0), timeout: time.Millisecond}}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for range 3 {
		if _, err := r.Next(ctx); err == nil || ctx.Err() != nil {
			t.Fatalf("%v, want why it cannot verify", err)
		}
	}
}
