package consenter

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/fabric-kafka/orderer/chain/fabric"
	"github.com/fabric-kafka/orderer/chain/log/kafka/conn"
)

// Every second of waiting counts; a line is logged at once, and rarely after that.
func TestBrokerWaitsAreReported(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMeter(t)
		c := &Consenter{logger: fabric.NewLogger("test"), metrics: newMetrics(m)}
		s := c.brokerWaits("mychannel")
		lines := 0
		const labels = "{channel=mychannel,broker=a:9092,operation=Produce}"
		s.waiting(conn.Wait{Broker: "a:9092", Operation: "Produce", Waited: 2 * time.Second, Longer: 2 * time.Second})
		s.waiting(conn.Wait{Broker: "a:9092", Operation: "Produce", Waited: 3 * time.Second, Longer: time.Second})
		if m.values["consensus_kafka_broker_waiting_seconds"+labels] != 3.0 {
			t.Fatalf("got %v, want 3.0", m.values["consensus_kafka_broker_waiting_seconds"+labels])
		}
		s.answered("a:9092", "Produce")
		if m.values["consensus_kafka_broker_wait_seconds"+labels] != 3.0 {
			t.Fatalf("got %v, want 3.0", m.values["consensus_kafka_broker_wait_seconds"+labels])
		}
		if m.values["consensus_kafka_broker_waiting_seconds"+labels] != 0.0 {
			t.Fatalf("got %v, want 0.0", m.values["consensus_kafka_broker_waiting_seconds"+labels])
		}
		other := brokerRequest{"b:9092", "Fetch"}
		for range 61 {
			if s.due(other) {
				lines++
			}
			time.Sleep(time.Second)
		}
		if lines != 3 {
			t.Fatalf("got %v, want 3", lines)
		}
	})
}
