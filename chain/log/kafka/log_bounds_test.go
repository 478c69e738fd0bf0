package kafka_test

import (
	"testing"

	"github.com/IBM/sarama"

	"github.com/fabric-kafka/orderer/chain/log"
	"github.com/fabric-kafka/orderer/chain/log/kafka/kafkatest"
)

// A leader that was just elected does not report the end of the log until a follower has
// fetched from it. That takes a moment, so the request is retried: callers would pause for
// longer.
func TestBoundsAfterAnElection(t *testing.T) {
	h := kafkatest.NewHasty(t)
	l := h.Created(t, "topic")
	kafkatest.Append(t, l, "first")
	unknown := kafkatest.Fault{Key: kafkatest.KeyListOffsets, Topic: "topic", Code: int16(sarama.ErrOffsetNotAvailable), Count: 5}
	h.Cluster.Fault(unknown)
	if b, err := l.Bounds(t.Context()); err != nil || b != (log.Bounds{Start: 0, End: 1}) {
		t.Errorf("got %v, %v", b, err)
	}
	unknown.Count = 0 // from now on
	h.Cluster.Fault(unknown)
	_, err := l.Bounds(t.Context())
	kafkatest.MustFail(t, "bounds", err, log.Retryable, "high watermark")
}
