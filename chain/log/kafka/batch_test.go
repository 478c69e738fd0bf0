package kafka

import (
	"context"
	"testing"
	"time"

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

// What keeps a record from coming may be away from the brokers, or slower than a caller's
// patience, when a reader looks for it. It looks again.
func TestStalledReaderLooksAgain(t *testing.T) {
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
			t.Fatalf("%v, want what keeps it from looking", err)
		}
	}
}
