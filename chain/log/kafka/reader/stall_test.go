package reader_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/fabric-kafka/orderer/chain/log"
	"github.com/fabric-kafka/orderer/chain/log/kafka/kafkatest"
)

// A slow record must not cause fetching everything after it, batch by batch: on a long log
// that would never end.
func TestSlowRecordIsNotSearchedFor(t *testing.T) {
	t.Parallel()
	const batches = 40
	h := kafkatest.NewHarness(t, 1)
	l := h.Open(t, "slow", log.Settings{ReplicationFactor: 1, MaxMessageBytes: 1 << 20})
	defer l.Close()
	if err := l.Create(t.Context()); err != nil {
		t.Fatal(err)
	}
	for i := range batches {
		if err := l.Append(t.Context(), []byte(fmt.Sprint(i))); err != nil {
			t.Fatal(err)
		}
	}
	fetches := h.Fault(kafkatest.Fault{Key: kafkatest.KeyFetch, Observe: true})
	h.Slow(kafkatest.KeyFetch, 700*time.Millisecond) // longer than stallTimeout
	r, err := l.Read(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if first, err := r.Next(t.Context()); err != nil || first.Offset != 0 {
		t.Fatal(first, err)
	}
	if n := fetches.Hits(); n > batches/2 {
		t.Errorf("%d fetches before the first record", n)
	}
}
