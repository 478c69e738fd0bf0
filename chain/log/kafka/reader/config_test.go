package reader

import (
	"testing"
	"time"

	"github.com/fabric-kafka/orderer/chain/log/kafka/client"
	"github.com/fabric-kafka/orderer/chain/log/kafka/conn"
)

// At the end of the log a broker holds a fetch, for as long as that does not look like a broker that hangs. A
// longer wait means fewer requests of idle channels.
func TestLongPoll(t *testing.T) {
	for read, want := range map[time.Duration]time.Duration{10 * time.Second: 3 * time.Second, 2 * time.Second: time.Second, 20 * time.Millisecond: 10 * time.Millisecond} {
		topic := client.Open(client.Config{Config: conn.Config{ReadTimeout: read}}, "topic")
		if got := consumerConfig(topic, topic.Cluster.Gate(), 1<<20, newBudget(1<<20)).Consumer.MaxWaitTime; got != want {
			t.Errorf("with a time limit of %s the broker waits for %s, want %s", read, got, want)
		}
	}
}

// Brokers may send a client with a rack id to a follower, which can be behind: an orderer
// would consider the records lost that the follower does not have yet.
func TestReadsFromLeaders(t *testing.T) {
	topic := client.Open(client.Config{}, "topic")
	if rack := consumerConfig(topic, topic.Cluster.Gate(), 1<<20, newBudget(1<<20)).RackID; rack != "" {
		t.Errorf("the reader has the rack id %q", rack)
	}
}
