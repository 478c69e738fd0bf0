package apache

import (
	"testing"
	"time"

	"github.com/IBM/sarama"

	"github.com/fabric-kafka/orderer/chain/checktest"
	"github.com/fabric-kafka/orderer/chain/log"
	"github.com/fabric-kafka/orderer/network/apache"
)

// A broker that loses its leadership answers a fetch that waits for records at once: how long a reader has it wait
// does not delay the reader.
func TestLongPollEndsWithTheLeadership(t *testing.T) {
	onEachVersion(t, func(t *testing.T, v apache.Version) {
		h := harness{startCluster(t, v)}
		l := h.Open(t, "topic", log.Settings{ReplicationFactor: 1, MaxMessageBytes: 1 << 20})
		defer l.Close()
		checktest.Must(t, l.Create(t.Context()))
		const wait = 10 * time.Minute
		config := clientConfig()
		config.Net.ReadTimeout = 2 * wait
		c, err := sarama.NewClient(h.addresses(), config)
		checktest.Must(t, err)
		defer c.Close()
		leader, epoch, err := c.LeaderAndEpoch("topic", 0)
		checktest.Must(t, err)
		request := &sarama.FetchRequest{Version: 12, MaxWaitTime: int32(wait / time.Millisecond), MinBytes: 1, MaxBytes: 1 << 20, SessionEpoch: -1}
		request.AddBlock("topic", 0, 0, 1<<20, epoch)
		answered := make(chan sarama.KError, 1)
		go func() {
			answer, err := leader.Fetch(request)
			if err != nil {
				answered <- sarama.ErrUnknown
				return
			}
			answered <- answer.GetBlock("topic", 0).Err
		}()
		h.Elect(t, "topic")
		select {
		case code := <-answered:
			if code != sarama.ErrNotLeaderForPartition && code != sarama.ErrUnknownTopicOrPartition && code != sarama.ErrFencedLeaderEpoch {
				t.Errorf("it was answered %v", code)
			}
		case <-time.After(timeout):
			t.Error("it was not answered, although another broker leads the topic")
		}
	})
}
