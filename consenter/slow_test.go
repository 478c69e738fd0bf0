package consenter

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/fabric-kafka/orderer/chain/fabric"
)

// Every second of waiting counts; a line comes at once, and seldom after that.
func TestSlowBrokersAreReported(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMeter(t)
		c := &Consenter{logger: fabric.NewLogger("test"), metrics: newMetrics(m)}
		s := c.slowBrokers("mychannel")
		lines := 0
		for longer := 2 * time.Second; longer > 0; longer -= time.Second {
			s.waiting("a:9092", "Produce", longer)
		}
		require.Equal(t, 3.0, m.values["consensus_kafka_broker_wait_seconds{channel=mychannel,broker=a:9092,operation=Produce}"])
		other := slowRequest{"b:9092", "Fetch"}
		for range 61 {
			if s.due(other) {
				lines++
			}
			time.Sleep(time.Second)
		}
		require.Equal(t, 3, lines)
	})
}
