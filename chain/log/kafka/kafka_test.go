package kafka_test

import (
	"strconv"
	"strings"
	"testing"

	"github.com/IBM/sarama"

	"github.com/fabric-kafka/orderer/chain/log"
	"github.com/fabric-kafka/orderer/chain/log/kafka"
	"github.com/fabric-kafka/orderer/chain/log/kafka/conn"
	"github.com/fabric-kafka/orderer/chain/log/kafka/kafkatest"
	"github.com/fabric-kafka/orderer/chain/log/logtest"
)

func TestMain(m *testing.M) { kafkatest.Main(m) }

func TestConformance(t *testing.T) {
	logtest.Run(t, kafkatest.NewHarness(t, 3))
}

func TestConformanceAhead(t *testing.T) {
	logtest.RunAhead(t, kafkatest.NewHarness(t, 3))
}

// The logs of an orderer share clients.
func TestConformancePooled(t *testing.T) {
	h := kafkatest.NewHarness(t, 3)
	h.Pools = conn.NewPools(0)
	logtest.Run(t, h)
}

// The settings that Create gives a topic, as the broker returns them.
func TestTopicSettings(t *testing.T) {
	t.Parallel()
	h := kafkatest.NewHarness(t, 1)
	l := h.Open(t, "settings", log.Settings{ReplicationFactor: 1, MaxMessageBytes: 3 << 20})
	defer l.Close()
	if err := l.Create(t.Context()); err != nil {
		t.Fatal(err)
	}
	h.Admin(t, func(a sarama.ClusterAdmin) error {
		entries, err := a.DescribeConfig(sarama.ConfigResource{Type: sarama.TopicResource, Name: "settings"})
		got := map[string]string{}
		for _, e := range entries {
			got[e.Name] = e.Value
		}
		for name, want := range map[string]string{
			"cleanup.policy": "delete", "retention.ms": "-1", "retention.bytes": "-1",
			"min.insync.replicas": "1", "unclean.leader.election.enable": "false", "message.timestamp.type": "LogAppendTime",
			"max.message.bytes": strconv.Itoa(3<<20 + 8<<10),
		} {
			if got[name] != want {
				t.Errorf("%s is %q, want %q", name, got[name], want)
			}
		}
		return err
	})
}

func TestConfigFaultsAreNamedTogether(t *testing.T) {
	_, err := kafka.Open(kafka.Config{Brokers: []string{"nowhere", ":9092"}, Linger: -1,
		Settings: log.Settings{ReplicationFactor: 1, MinInsyncReplicas: 2}}, "topic")
	if err == nil {
		t.Fatal("opened")
	}
	for _, fault := range []string{`"nowhere"`, `":9092"`, "negative duration", "min.insync.replicas 2"} {
		if !strings.Contains(err.Error(), fault) {
			t.Errorf("%q is not named in: %v", fault, err)
		}
	}
}
