package kafka

import "testing"

// Brokers may send a client that names its rack to a follower, which can be behind:
// what it does not tell yet, an orderer would take for lost.
func TestReadsFromLeaders(t *testing.T) {
	c := Config{Brokers: []string{"127.0.0.1:9092"}}.withDefaults()
	if rack := c.consumerConfig((&Log{}).newGate()).RackID; rack != "" {
		t.Errorf("the reader names the rack %q", rack)
	}
}
