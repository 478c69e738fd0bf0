package kafka_test

import (
	"flag"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/IBM/sarama"
	"go.uber.org/goleak"

	"github.com/fabric-kafka/orderer/chain/log"
	"github.com/fabric-kafka/orderer/chain/log/kafka"
	"github.com/fabric-kafka/orderer/chain/log/kafka/kafkatest"
	"github.com/fabric-kafka/orderer/chain/log/logtest"
)

func TestMain(m *testing.M) {
	kafkatest.Serve()
	raiseParallelism()
	limitProcess()
	goleak.VerifyTestMain(m, goleak.IgnoreTopFunction("github.com/rcrowley/go-metrics.(*meterArbiter).tick")) // one per process, never ends
}

// raiseParallelism runs more tests at once than there are processors, unless the command
// line sets the number: most tests wait for the timeouts of brokers.
func raiseParallelism() {
	flag.Parse()
	given := false
	flag.Visit(func(f *flag.Flag) { given = given || f.Name == "test.parallel" })
	if !given {
		_ = flag.Set("test.parallel", "8") // a valid number
	}
}

type harness struct {
	*kafkatest.Cluster
	backoff time.Duration // of clients
}

func start(t testing.TB, brokers int) harness {
	return harness{Cluster: kafkatest.Start(t, kafkatest.Options{Brokers: brokers}), backoff: 20 * time.Millisecond}
}

// maxUnpacked is the limit of a decompressed batch in these tests.
const maxUnpacked = 4 << 20

// limitProcess sets maxUnpacked for the process, as the first Open does, whichever test runs first.
func limitProcess() {
	l, err := kafka.Open(kafka.Config{Brokers: []string{"127.0.0.1:1"}, MaxDecompressedBytes: maxUnpacked}, "first")
	if err != nil {
		panic(err)
	}
	_ = l.Close() // nothing was connected
}

func (h harness) config(s log.Settings) kafka.Config {
	return kafka.Config{Brokers: []string{h.Address()}, RetryBackoff: h.backoff,
		MaxDecompressedBytes: maxUnpacked, Settings: s}
}

func (h harness) Open(t *testing.T, topic string, s log.Settings) log.Log {
	l, err := kafka.Open(h.config(s), topic)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func (h harness) Stop(*testing.T)   { h.Cluster.Stop() }
func (h harness) Resume(*testing.T) { h.Cluster.Resume() }

func (h harness) Trim(_ *testing.T, topic string, start log.Offset) {
	h.Cluster.Trim(topic, int64(start))
}

func (h harness) Recreate(_ *testing.T, topic string) { h.Cluster.Recreate(topic) }

// Elect moves the topic's leader to the next broker, or gives the only one a new epoch.
func (h harness) Elect(t *testing.T, topic string) {
	h.admin(t, func(a sarama.ClusterAdmin) error {
		results, err := a.ElectLeaders(sarama.PreferredElection, map[string][]int32{topic: {0}})
		if err != nil {
			return err
		}
		if r := results[topic][0]; r == nil || r.ErrorCode != sarama.ErrNoError {
			return fmt.Errorf("no election: %+v", results)
		}
		return nil
	})
}

func (h harness) admin(t *testing.T, f func(sarama.ClusterAdmin) error) {
	t.Helper()
	c := sarama.NewConfig()
	c.Version = sarama.V2_8_0_0
	a, err := sarama.NewClusterAdmin([]string{h.Address()}, c)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	if err := f(a); err != nil {
		t.Fatal(err)
	}
}

func TestConformance(t *testing.T) {
	logtest.Run(t, start(t, 3))
}

// The settings that Create gives a topic, as the broker returns them.
func TestTopicSettings(t *testing.T) {
	t.Parallel()
	h := start(t, 1)
	l := h.Open(t, "settings", log.Settings{ReplicationFactor: 1, MaxMessageBytes: 3 << 20})
	defer l.Close()
	if err := l.Create(t.Context()); err != nil {
		t.Fatal(err)
	}
	h.admin(t, func(a sarama.ClusterAdmin) error {
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
