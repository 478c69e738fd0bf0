package kafka

import (
	"testing"

	"github.com/fabric-kafka/orderer/chain/log/kafka/conn"
)

// Brokers may send a client with a rack id to a follower, which can be behind: an orderer
// would consider the records lost that the follower does not have yet.
func TestReadsFromLeaders(t *testing.T) {
	c := Config{Brokers: []string{"127.0.0.1:9092"}}.withDefaults()
	if rack := c.consumerConfig(conn.Open(conn.Config{}, "topic").Gate()).RackID; rack != "" {
		t.Errorf("the reader has the rack id %q", rack)
	}
}
