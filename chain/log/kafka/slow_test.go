package kafka_test

import (
	"testing"
	"time"

	"github.com/fabric-kafka/orderer/chain/log/kafka/kafkatest"
)

// A reader that waits for a slow broker does not meanwhile fetch the rest of the log
// to see whether it is sound: that would take longer the longer the log is.
func TestSlowFetchIsNotAWalk(t *testing.T) {
	const records = 20
	h := start(t, 1)
	l := h.created(t, "topic")
	for range records {
		h.append(t, l, "value")
	}
	fetches := h.Fault(kafkatest.Fault{Key: kafkatest.KeyFetch, Observe: true})
	h.Slow(kafkatest.KeyFetch, 700*time.Millisecond)
	r := open(t, l, 0)
	if _, err := next(t, r); err != nil {
		t.Fatal(err)
	}
	if n := fetches.Hits(); n >= records/2 {
		t.Errorf("%d fetches for one record", n)
	}
}
