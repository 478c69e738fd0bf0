package kafka_test

import (
	"context"
	"testing"
	"time"

	"github.com/fabric-kafka/orderer/chain/log"
	"github.com/fabric-kafka/orderer/chain/log/kafka/kafkatest"
)

// A broker asks for a pause longer than anybody waits, as it does over a quota. What waits
// for it is not sent: its caller is told so, and Close does not wait.
func TestThrottledAppends(t *testing.T) {
	t.Parallel()
	h := hasty(t)
	l := h.created(t, "topic")
	h.Cluster.Script("topic", kafkatest.Answer{Append: true, Throttle: time.Minute})
	h.append(t, l, "first")
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	mustFail(t, "left", l.Append(ctx, []byte("left")), log.Retryable, "quota")
	closed := make(chan error, 1)
	go func() { closed <- l.Close() }()
	select {
	case err := <-closed:
		must(t, err)
	case <-time.After(20 * time.Second):
		t.Fatal("Close waits for the quota")
	}
	again := h.Open(t, "topic", log.Settings{ReplicationFactor: 1})
	defer again.Close()
	if got := copies(t, again); got["first"] != 1 || got["left"] != 0 {
		t.Errorf("the log holds %v", got)
	}
}
