package producer

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/fabric-kafka/orderer/chain/log/kafka/client"
)

// A record is sent at once, unless the last batch shows that many arrive while one is in flight.
func TestOnlyACrowdLingers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		topic := client.Open(client.Config{}, "topic")
		defer topic.Cluster.Close()
		p := newProducer(NewQueue(topic, time.Second))
		for last, waits := range map[int]time.Duration{0: 0, 1: 0, 3: 0, 4: time.Second, 100: time.Second} {
			p.last = last
			p.queue.put(&entry{since: time.Now()})
			if began := time.Now(); !p.await() || time.Since(began) != waits {
				t.Errorf("after a batch of %d, a record waits %s, want %s", last, time.Since(began), waits)
			}
			p.queue.take(1)
		}
	})
}
