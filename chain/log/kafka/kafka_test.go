package kafka_test

import (
	"bufio"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/IBM/sarama"
	"github.com/twmb/franz-go/pkg/kfake"
	"go.uber.org/goleak"

	"github.com/fabric-kafka/orderer/chain/log"
	"github.com/fabric-kafka/orderer/chain/log/kafka"
	"github.com/fabric-kafka/orderer/chain/log/logtest"
)

// brokerPort makes the test binary a broker: kfake panics on hostile frames, so
// it never shares a process with what is tested.
const brokerPort = "KAFKA_TEST_BROKER_PORT"

func TestMain(m *testing.M) {
	if port := os.Getenv(brokerPort); port != "" {
		serve(port, os.Args[1])
	}
	goleak.VerifyTestMain(m, goleak.IgnoreTopFunction("github.com/rcrowley/go-metrics.(*meterArbiter).tick")) // one a process, for ever
}

func serve(port, dir string) {
	p, err := strconv.Atoi(port)
	if err != nil {
		panic(err)
	}
	c, err := kfake.NewCluster(kfake.Ports(p), kfake.DataDir(dir))
	if err != nil {
		panic(err)
	}
	end := make(chan os.Signal, 1)
	signal.Notify(end, syscall.SIGTERM)
	os.Stdout.WriteString("ready\n")
	<-end
	c.Close()
	os.Exit(0)
}

// broker is a kfake in a process of its own, with its data on disk.
type broker struct {
	address string
	dir     string
	process *exec.Cmd
}

func startBroker(t testing.TB) *broker {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	b := &broker{address: l.Addr().String(), dir: t.TempDir()}
	l.Close()
	b.start(t)
	t.Cleanup(func() { b.end(t) })
	return b
}

func (b *broker) start(t testing.TB) {
	_, port, _ := net.SplitHostPort(b.address)
	b.process = exec.Command(os.Args[0], b.dir)
	b.process.Env = append(os.Environ(), brokerPort+"="+port)
	b.process.Stderr = os.Stderr
	out, err := b.process.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := b.process.Start(); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "ready\n" {
		t.Fatalf("broker says %q, %v", line, err)
	}
}

func (b *broker) end(t testing.TB) {
	_ = b.process.Process.Signal(syscall.SIGTERM)
	if err := b.process.Wait(); err != nil {
		t.Logf("broker: %v", err)
	}
}

type harness struct{ *broker }

func (h harness) config(s log.Settings) kafka.Config {
	return kafka.Config{Brokers: []string{h.address}, RetryBackoff: 20 * time.Millisecond, Settings: s}
}

func (h harness) Open(t *testing.T, topic string, s log.Settings) log.Log {
	l, err := kafka.Open(h.config(s), topic)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func (h harness) Stop(t *testing.T)   { h.end(t) }
func (h harness) Resume(t *testing.T) { h.start(t) }

func (h harness) Trim(t *testing.T, topic string, start log.Offset) {
	h.admin(t, func(a sarama.ClusterAdmin) error {
		return a.DeleteRecords(topic, map[int32]int64{0: int64(start)})
	})
}

func (h harness) Recreate(t *testing.T, topic string) {
	h.admin(t, func(a sarama.ClusterAdmin) error {
		if err := a.DeleteTopic(topic); err != nil {
			return err
		}
		return a.CreateTopic(topic, &sarama.TopicDetail{NumPartitions: 1, ReplicationFactor: 1}, false)
	})
}

func (h harness) admin(t *testing.T, f func(sarama.ClusterAdmin) error) {
	t.Helper()
	c := sarama.NewConfig()
	c.Version = sarama.V2_8_0_0
	a, err := sarama.NewClusterAdmin([]string{h.address}, c)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	if err := f(a); err != nil {
		t.Fatal(err)
	}
}

func TestConformance(t *testing.T) {
	logtest.Run(t, harness{startBroker(t)})
}

// What Create gives a topic, as the broker tells it.
func TestTopicSettings(t *testing.T) {
	h := harness{startBroker(t)}
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
			"min.insync.replicas": "1", "unclean.leader.election.enable": "false",
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
