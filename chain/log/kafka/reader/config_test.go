package reader

import (
	"testing"

	"github.com/fabric-kafka/orderer/chain/log/kafka/client"
)

// Brokers may send a client with a rack id to a follower, which can be behind: an orderer
// would consider the records lost that the follower does not have yet.
func TestReadsFromLeaders(t *testing.T) {
	topic := client.Open(client.Config{}, "topic")
	if rack := consumerConfig(topic, topic.Cluster.Gate(), 1<<20).RackID; rack != "" {
		t.Errorf("the reader has the rack id %q", rack)
	}
}
