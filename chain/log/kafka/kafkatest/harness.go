package kafkatest

import (
	"flag"
	"fmt"
	"testing"
	"time"

	"github.com/IBM/sarama"
	"go.uber.org/goleak"

	"github.com/fabric-kafka/orderer/chain/log"
	"github.com/fabric-kafka/orderer/chain/log/kafka"
	"github.com/fabric-kafka/orderer/chain/log/kafka/conn"
	"github.com/fabric-kafka/orderer/chain/log/logtest"
)

// Main is the TestMain of a package whose tests use a Harness.
func Main(m *testing.M) {
	Serve()
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

// MaxDecompressedBytes is the limit of a decompressed batch in tests.
const MaxDecompressedBytes = 4 << 20

// limitProcess sets the limit for the process, as the first Open does, whichever test runs first.
func limitProcess() {
	l, err := kafka.Open(kafka.Config{Brokers: []string{"127.0.0.1:1"}, MaxDecompressedBytes: MaxDecompressedBytes}, "first")
	if err != nil {
		panic(err)
	}
	_ = l.Close() // nothing was connected
}

// Harness is a cluster whose logs pass the suites of logtest.
type Harness struct {
	*Cluster
	Backoff time.Duration // of clients
	Pools   *conn.Pools   // of clients; nil: none
}

var (
	_ logtest.Harness  = Harness{}
	_ logtest.Scripter = Harness{}
)

// NewHarness starts a cluster for a test.
func NewHarness(t testing.TB, brokers int) Harness {
	return Harness{Cluster: Start(t, Options{Brokers: brokers}), Backoff: 20 * time.Millisecond}
}

// NewHasty starts a cluster of one broker, with clients that retry at once.
func NewHasty(t testing.TB) Harness {
	h := NewHarness(t, 1)
	h.Backoff = time.Millisecond
	return h
}

// Config returns the config of a client.
func (h Harness) Config(s log.Settings) kafka.Config {
	return kafka.Config{Brokers: []string{h.Address()}, RetryBackoff: h.Backoff, Pools: h.Pools,
		MaxDecompressedBytes: MaxDecompressedBytes, Settings: s}
}

// Open returns a log of a topic.
func (h Harness) Open(t *testing.T, topic string, s log.Settings) log.Log {
	l, err := kafka.Open(h.Config(s), topic)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// Stop stops the brokers.
func (h Harness) Stop(*testing.T) { h.Cluster.Stop() }

// Resume starts the brokers again.
func (h Harness) Resume(*testing.T) { h.Cluster.Resume() }

// Trim removes the records before start.
func (h Harness) Trim(_ *testing.T, topic string, start log.Offset) {
	h.Cluster.Trim(topic, int64(start))
}

// Recreate deletes the topic and creates an empty one of that name.
func (h Harness) Recreate(_ *testing.T, topic string) { h.Cluster.Recreate(topic) }

// Elect moves the topic's leader to the next broker, or gives the only one a new epoch.
func (h Harness) Elect(t *testing.T, topic string) {
	h.Admin(t, func(a sarama.ClusterAdmin) error {
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

// Script has the leader of a topic answer appends as listed.
func (h Harness) Script(_ *testing.T, topic string, answers ...logtest.Answer) {
	script := make([]Answer, len(answers))
	for i, a := range answers {
		script[i] = Answer{Append: a.Append, Code: a.Code, Cut: a.Cut}
	}
	h.Cluster.Script(topic, script...)
}

// Admin runs f with a cluster admin.
func (h Harness) Admin(t *testing.T, f func(sarama.ClusterAdmin) error) {
	t.Helper()
	c := sarama.NewConfig()
	c.Version = sarama.V2_8_0_0
	a, err := sarama.NewClusterAdmin([]string{h.Address()}, c)
	Must(t, err)
	defer func() { _ = a.Close() }() // the test's outcome is known
	Must(t, f(a))
}

// Created creates a topic, appends values to it, and closes its log at the end of the test.
func (h Harness) Created(t *testing.T, topic string, values ...string) log.Log {
	t.Helper()
	l := h.Open(t, topic, log.Settings{ReplicationFactor: 1, MaxMessageBytes: 1 << 20})
	t.Cleanup(func() { _ = l.Close() })
	Must(t, l.Create(t.Context()))
	Append(t, l, values...)
	return l
}
