package apache

import (
	"fmt"
	"testing"
	"time"

	"github.com/IBM/sarama"

	"github.com/fabric-kafka/orderer/chain/checktest"
	"github.com/fabric-kafka/orderer/chain/log"
	"github.com/fabric-kafka/orderer/chain/log/kafka"
	"github.com/fabric-kafka/orderer/chain/log/logtest"
	"github.com/fabric-kafka/orderer/network/apache"
)

// harness adapts a cluster to package logtest.
type harness struct{ *cluster }

func (h harness) Open(t *testing.T, topic string, s log.Settings) log.Log {
	l, err := kafka.Open(kafka.Config{Brokers: h.addresses(), RetryBackoff: 50 * time.Millisecond, Settings: s}, topic)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func (h harness) Stop(*testing.T)   { h.stop() }
func (h harness) Resume(*testing.T) { h.start() }

func (h harness) Trim(_ *testing.T, topic string, start log.Offset) {
	h.admin("trim", func(a sarama.ClusterAdmin) error {
		return a.DeleteRecords(topic, map[int32]int64{0: int64(start)})
	})
}

// Recreate waits until every broker has the new topic: until then, one can still return the old one and its records.
func (h harness) Recreate(t *testing.T, topic string) {
	before, err := h.topicIDs(topic)
	checktest.Must(t, err)
	h.admin("delete", func(a sarama.ClusterAdmin) error { return a.DeleteTopic(topic) })
	h.admin("create again", func(a sarama.ClusterAdmin) error {
		return a.CreateTopic(topic, &sarama.TopicDetail{NumPartitions: 1, ReplicationFactor: 1}, false)
	})
	h.admin("be known to all brokers", func(sarama.ClusterAdmin) error {
		now, err := h.topicIDs(topic)
		for i := range now {
			if now[i] == before[i] || now[i] == (sarama.Uuid{}) {
				err = fmt.Errorf("broker %d does not return the new topic yet", h.Nodes[i].ID)
			}
		}
		return err
	})
}

// topicIDs returns the id of a topic by each broker; zero for a topic that the broker does not have.
func (h harness) topicIDs(topic string) (ids []sarama.Uuid, err error) {
	for _, n := range h.Nodes {
		id, err := topicIDBy(n.Address, topic)
		if err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	return ids, nil
}

func topicIDBy(address, topic string) (sarama.Uuid, error) {
	b := sarama.NewBroker(address)
	if err := b.Open(clientConfig()); err != nil {
		return sarama.Uuid{}, err
	}
	defer b.Close()
	r, err := b.GetMetadata(&sarama.MetadataRequest{Version: 10, Topics: []string{topic}})
	if err != nil || len(r.Topics) == 0 {
		return sarama.Uuid{}, err
	}
	return r.Topics[0].Uuid, nil
}

// Elect moves the topic's only replica to the next broker and waits until every
// broker knows the new leader: others would return an old one.
func (h harness) Elect(_ *testing.T, topic string) {
	var to int32
	h.admin("move", func(a sarama.ClusterAdmin) error {
		now, err := h.leader(topic)
		if err != nil {
			return err
		}
		to = now%nodes + 1
		return a.AlterPartitionReassignments(topic, [][]int32{{to}})
	})
	h.admin("be moved", func(sarama.ClusterAdmin) error {
		now, err := h.leader(topic)
		if err == nil && now != to {
			err = fmt.Errorf("broker %d leads, not yet %d", now, to)
		}
		return err
	})
}

// leader returns the topic's leader, or an error unless all brokers agree on it.
func (h harness) leader(topic string) (leader int32, err error) {
	for i, n := range h.Nodes {
		l, err := leaderBy(n.Address, topic)
		switch {
		case err != nil:
			return 0, err
		case i > 0 && l != leader:
			return 0, fmt.Errorf("broker %d returns leader %d, others return %d", n.ID, l, leader)
		}
		leader = l
	}
	return leader, nil
}

func leaderBy(address, topic string) (int32, error) {
	config := clientConfig()
	config.Metadata.Full = false
	c, err := sarama.NewClient([]string{address}, config)
	if err != nil {
		return 0, err
	}
	defer c.Close()
	b, err := c.Leader(topic, 0) // from the only broker that the client knows
	if err != nil {
		return 0, err
	}
	return b.ID(), nil
}

// The client meets the contract on every version, as on the embedded broker.
func TestConformance(t *testing.T) {
	onEachVersion(t, func(t *testing.T, v apache.Version) { logtest.Run(t, harness{startCluster(t, v)}) })
}

func TestConformanceAhead(t *testing.T) {
	onEachVersion(t, func(t *testing.T, v apache.Version) { logtest.RunAhead(t, harness{startCluster(t, v)}) })
}
