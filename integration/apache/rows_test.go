package apache

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/IBM/sarama"

	"github.com/fabric-kafka/orderer/chain/log"
	"github.com/fabric-kafka/orderer/chain/log/kafka"
	"github.com/fabric-kafka/orderer/network/apache"
)

// The rows of the fault matrix that need no orderer: see ../README.md.

// open opens a topic as an orderer does, and creates it if necessary.
func (c *cluster) open(topic string) log.Log {
	c.t.Helper()
	l, err := kafka.Open(kafka.Config{
		Brokers: c.addresses(), DialTimeout: time.Second, ReadTimeout: 2 * time.Second, WriteTimeout: 2 * time.Second,
		Settings: log.Settings{ReplicationFactor: int16(len(c.Nodes)), MaxMessageBytes: 1 << 20},
	}, topic)
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(func() { l.Close() })
	c.until("create "+topic, func(ctx context.Context) error { return l.Create(ctx) })
	return l
}

// until retries f until it succeeds: brokers may not be ready yet.
func (c *cluster) until(what string, f func(context.Context) error) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), timeout)
	defer cancel()
	for {
		err := f(ctx)
		if err == nil {
			return
		}
		select {
		case <-ctx.Done():
			c.t.Fatalf("%s: %v", what, err)
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// writer appends numbered records and follows them with a reader.
type writer struct {
	*cluster
	log    log.Log
	reader log.Reader
	next   int
}

func (c *cluster) writer(topic string) *writer {
	w := &writer{cluster: c, log: c.open(topic)}
	c.until("read "+topic, func(ctx context.Context) (err error) {
		w.reader, err = w.log.Read(ctx, 0)
		return err
	})
	c.t.Cleanup(func() { w.reader.Close() })
	return w
}

// write appends n records and reads them.
func (w *writer) write(n int) {
	w.t.Helper()
	for range n {
		ctx, cancel := context.WithTimeout(w.t.Context(), timeout)
		if err := w.log.Append(ctx, fmt.Append(nil, w.next)); err != nil {
			w.t.Fatalf("append record %d: %v", w.next, err)
		}
		r, err := w.read(ctx)
		if err != nil || r.Offset != log.Offset(w.next) || string(r.Value) != fmt.Sprint(w.next) {
			w.t.Fatalf("read record %d: got %q at offset %d, %v", w.next, r.Value, r.Offset, err)
		}
		cancel()
		w.next++
	}
}

// read returns the next record. As a chain does, it opens another reader once the topic has a
// new leader: on a busy machine brokers change it by themselves.
func (w *writer) read(ctx context.Context) (log.Record, error) {
	for {
		r, err := w.reader.Next(ctx)
		if !errors.Is(err, log.ErrNewLeader) {
			return r, err
		}
		w.reader.Close()
		if w.reader, err = w.log.Read(ctx, log.Offset(w.next)); err != nil {
			return r, err
		}
	}
}

// clock is a wall clock that is preloaded into brokers.
type clock struct {
	t    *testing.T
	file string
}

func newClock(t *testing.T) (*clock, []string) {
	t.Helper()
	dir := t.TempDir()
	c, library := &clock{t, filepath.Join(dir, "ahead")}, filepath.Join(dir, "clock.so")
	if out, err := exec.Command("gcc", "-shared", "-fPIC", "-O2", "-o", library, filepath.Join("testdata", "clock.c"), "-ldl").CombinedOutput(); err != nil {
		t.Fatalf("compile the clock: %v\n%s", err, out)
	}
	c.set(0)
	return c, []string{"LD_PRELOAD=" + library, "CLOCK_AHEAD=" + c.file}
}

// set sets the clock ahead of the machine's, or behind it.
func (c *clock) set(ahead time.Duration) {
	c.t.Helper()
	f, err := os.OpenFile(c.file, os.O_CREATE|os.O_WRONLY, 0o600) // not truncated: brokers have it mapped
	if err == nil {
		err = binary.Write(f, binary.NativeEndian, int64(ahead/time.Second))
	}
	if err == nil {
		err = f.Close()
	}
	if err != nil {
		c.t.Fatal(err)
	}
}

const decade = 10 * 365 * 24 * time.Hour

// Brokers whose clocks jump neither delete records from a topic that orderers
// created nor refuse any. Two other topics show the jumps: one with finite
// retention, and one with the timestamps of its producers.
func TestRow27BrokerClocks(t *testing.T) {
	onEachVersion(t, func(t *testing.T, v apache.Version) {
		c := newCluster(t, v, 1)
		c.Settings = []string{"log.retention.check.interval.ms=500", "log.initial.task.delay.ms=500"}
		clock, env := newClock(t)
		c.env = env
		c.start()
		w, ageing, stamped := c.writer("channel"), c.writer("ageing"), c.open("stamped")
		c.alter("ageing", "retention.ms", "3600000")
		c.alter("stamped", "message.timestamp.type", "CreateTime")
		c.alter("stamped", "message.timestamp.after.max.ms", "3600000") // the default of 4.0; earlier versions have none
		w.write(20)
		ageing.write(20)

		clock.set(decade)
		c.until("be trimmed", func(ctx context.Context) error {
			if b, err := ageing.log.Bounds(ctx); err != nil || b.Start < b.End {
				return fmt.Errorf("the clock has not jumped: the topic with a retention of one hour has %v, %w", b, err)
			}
			return nil
		})
		w.write(20)

		clock.set(-decade)
		w.write(20)
		err := stamped.Append(t.Context(), []byte("from the future"))
		if err == nil || log.ClassOf(err) != log.Retryable || !strings.Contains(err.Error(), "waiting for the clocks of this orderer and of the brokers to agree") {
			t.Errorf("a record ten years ahead: %v", err)
		}

		clock.set(0)
		w.write(20)
		c.until("append", func(ctx context.Context) error { return stamped.Append(ctx, []byte("of now")) })
		b, err := w.log.Bounds(t.Context())
		if err != nil || b != (log.Bounds{Start: 0, End: 80}) {
			t.Errorf("the topic has %v, %v; want all of 80 records", b, err)
		}
	})
}

// alter changes a setting of a topic.
func (c *cluster) alter(topic, setting, value string) {
	c.t.Helper()
	c.admin("alter", func(a sarama.ClusterAdmin) error {
		return a.IncrementalAlterConfig(sarama.TopicResource, topic, map[string]sarama.IncrementalAlterConfigsEntry{
			setting: {Operation: sarama.IncrementalAlterConfigsOperationSet, Value: &value},
		}, false)
	})
}

// Where brokers allow reads from followers, the client still reads from the leader: a
// follower that is stopped and stale neither delays it nor returns old data.
func TestRow63Followers(t *testing.T) {
	onEachVersion(t, func(t *testing.T, v apache.Version) {
		c := newCluster(t, v, nodes)
		c.Settings = []string{"replica.selector.class=org.apache.kafka.common.replica.RackAwareReplicaSelector", "broker.rack=here"}
		c.start()
		w := c.writer("channel")
		w.write(20)
		leader, err := harness{c}.leader("channel")
		if err != nil {
			t.Fatal(err)
		}
		controller, err := c.Controller() // losing it would be another fault
		if err != nil {
			t.Fatal(err)
		}
		follower := slices.IndexFunc(c.Nodes, func(n apache.Node) bool { return int32(n.ID) != leader && n.ID != controller.ID })
		c.signal(follower, syscall.SIGSTOP)
		c.until("shrink the in-sync replicas", func(context.Context) error { return c.outOfSync("channel", c.Nodes[follower]) })
		w.write(100)
		c.signal(follower, syscall.SIGCONT)
		w.write(100)
	})
}

// outOfSync returns an error while a node is one of a topic's in-sync replicas, according to the other nodes. The
// node itself is not asked, since a client would wait half a minute for a stopped one.
func (c *cluster) outOfSync(topic string, n apache.Node) error {
	others := slices.DeleteFunc(c.addresses(), func(address string) bool { return address == n.Address })
	client, err := sarama.NewClient(others, clientConfig())
	if err != nil {
		return err
	}
	defer client.Close()
	isr, err := client.InSyncReplicas(topic, 0)
	if err == nil && slices.Contains(isr, int32(n.ID)) {
		err = fmt.Errorf("the in-sync replicas are %v, with broker %d", isr, n.ID)
	}
	return err
}

func (c *cluster) signal(i int, s syscall.Signal) {
	c.t.Helper()
	if err := c.processes[i].Process.Signal(s); err != nil {
		c.t.Fatal(err)
	}
}
