package kafka_test

import (
	"net"
	"testing"
	"time"

	"github.com/fabric-kafka/orderer/chain/log"
	"github.com/fabric-kafka/orderer/chain/log/kafka/kafkatest"
)

// Between the stop of a cluster and its next start another process may use its port for a
// moment.
func TestAClusterWaitsForItsPort(t *testing.T) {
	h := kafkatest.NewHarness(t, 1)
	l := h.Created(t, "topic")
	kafkatest.Append(t, l, "first")
	h.Cluster.Stop()
	taken, err := net.Listen("tcp", h.Cluster.Address())
	kafkatest.Must(t, err)
	time.AfterFunc(500*time.Millisecond, func() { _ = taken.Close() })
	h.Cluster.Resume()
	if b, err := l.Bounds(t.Context()); err != nil || b != (log.Bounds{End: 1}) {
		t.Errorf("got %v, %v", b, err)
	}
}
