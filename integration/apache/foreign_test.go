package apache

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/IBM/sarama"

	"github.com/fabric-kafka/orderer/chain/log"
	"github.com/fabric-kafka/orderer/network/apache"
)

// What administrators and foreign writers can do to a topic, as the orderers' client sees it on
// brokers of each version; each case has its own topic on one broker. ../matrix shows how an
// orderer reacts.
func TestForeignWriters(t *testing.T) {
	onEachVersion(t, func(t *testing.T, v apache.Version) {
		c := newCluster(t, v, 1)
		c.Settings = []string{"transaction.state.log.replication.factor=1", "transaction.state.log.min.isr=1", "transaction.state.log.num.partitions=1"}
		c.start()
		for name, run := range map[string]func(*cluster){
			"row-07-deleted": (*cluster).deleted, "row-11-trimmed": (*cluster).trimmed, "row-17-partition": (*cluster).partitioned,
			"row-33-too-large": (*cluster).tooLarge, "row-35-garbage": (*cluster).garbage, "row-62-transaction": (*cluster).transaction,
		} {
			t.Run(name, func(t *testing.T) {
				of := *c
				of.t = t
				run(&of)
			})
		}
	})
}

// topic returns the name of the subtest's topic.
func (c *cluster) topic() string { return c.t.Name()[len("TestForeignWriters/x.y.z/"):] }

// A deleted topic stays deleted, whatever an orderer tries.
func (c *cluster) deleted() {
	w := c.writer(c.topic())
	w.write(5)
	c.admin("delete", func(a sarama.ClusterAdmin) error { return a.DeleteTopic(c.topic()) })
	gone := func(ctx context.Context) error {
		if _, err := w.log.Identity(ctx); !errors.Is(err, log.ErrNoTopic) {
			return fmt.Errorf("want %w, got %s", log.ErrNoTopic, fmt.Sprint(err))
		}
		return nil
	}
	c.until("be deleted", gone)
	ctx, cancel := context.WithTimeout(c.t.Context(), 3*time.Second)
	defer cancel()
	if err := w.log.Append(ctx, []byte("5")); err == nil {
		c.t.Error("a record is appended to a deleted topic")
	}
	if r, err := w.log.Read(ctx, 5); err == nil {
		r.Close()
		c.t.Error("a deleted topic can be read")
	}
	c.until("stay deleted", gone)
}

// A topic that is trimmed up to the next offset is read from there.
func (c *cluster) trimmed() {
	w := c.writer(c.topic())
	w.write(5)
	harness{c}.Trim(c.t, c.topic(), 5)
	w.write(5)
	c.until("have its bounds", func(ctx context.Context) error {
		if b, err := w.log.Bounds(ctx); err != nil || b != (log.Bounds{Start: 5, End: 10}) {
			return fmt.Errorf("the bounds are %+v, %w", b, err)
		}
		return nil
	})
	if _, err := w.log.Read(c.t.Context(), 4); !errors.Is(err, log.ErrOutOfRange) {
		c.t.Errorf("a read of trimmed records: %v", err)
	}
}

// A second partition gets no record; the first is still written and read.
func (c *cluster) partitioned() {
	w := c.writer(c.topic())
	w.write(5)
	c.admin("add a partition", func(a sarama.ClusterAdmin) error { return a.CreatePartitions(c.topic(), 2, nil, false) })
	c.until("be reported", func(ctx context.Context) error {
		if id, err := w.log.Identity(ctx); err != nil || id.Partitions != 2 {
			return fmt.Errorf("the topic has %d partitions, %w", id.Partitions, err)
		}
		return nil
	})
	w.write(20)
}

// A record over the topic's current limit is refused, and later ones are not.
func (c *cluster) tooLarge() {
	w := c.writer(c.topic())
	w.write(1)
	if err := w.log.Append(c.t.Context(), make([]byte, 1<<20+1)); !errors.Is(err, log.ErrTooLarge) {
		c.t.Errorf("a record over the limit: %v", err)
	}
	w.write(1)
	c.alter(c.topic(), "max.message.bytes", "1000")
	c.until("be refused", func(ctx context.Context) error {
		err := w.log.Append(ctx, make([]byte, 2000))
		if err == nil {
			c.skipped(w)
			return errors.New("it is accepted")
		}
		if !errors.Is(err, log.ErrTooLarge) {
			return err
		}
		return nil
	})
	w.write(20)
}

// skipped reads a record that the writer did not append.
func (c *cluster) skipped(w *writer) log.Record {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), timeout)
	defer cancel()
	r, err := w.reader.Next(ctx)
	if err != nil {
		c.t.Fatal(err)
	}
	w.next = int(r.Offset) + 1
	return r
}

// Records of a foreign writer are read as they were written: a tombstone, an empty value, garbage, with a key.
func (c *cluster) garbage() {
	w := c.writer(c.topic())
	w.write(5)
	config := clientConfig()
	config.Producer.Return.Successes = true
	p := c.producer(config)
	for _, m := range []*sarama.ProducerMessage{
		{Topic: c.topic(), Key: sarama.StringEncoder("key")},
		{Topic: c.topic(), Value: sarama.StringEncoder("")},
		{Topic: c.topic(), Key: sarama.StringEncoder("key"), Value: sarama.ByteEncoder("\x00\xff"), Headers: []sarama.RecordHeader{{Key: []byte("h")}}},
	} {
		if _, _, err := p.SendMessage(m); err != nil {
			c.t.Fatal(err)
		}
		want := ""
		if m.Value != nil {
			b, err := m.Value.Encode()
			if err != nil {
				c.t.Fatal(err)
			}
			want = string(b)
		}
		next := w.next
		if r := c.skipped(w); int(r.Offset) != next || string(r.Value) != want {
			c.t.Errorf("got %q at %d, want %q at %d", r.Value, r.Offset, want, next)
		}
	}
	w.write(5)
}

// A foreign writer's open transaction delays nobody, and no record is read at the offset of its
// end marker.
func (c *cluster) transaction() {
	w := c.writer(c.topic())
	w.write(5)
	config := clientConfig()
	config.Producer.Return.Successes, config.Producer.Idempotent, config.Producer.RequiredAcks = true, true, sarama.WaitForAll
	config.Producer.Transaction.ID, config.Net.MaxOpenRequests = "foreign", 1
	p := c.producer(config)
	if err := p.BeginTxn(); err != nil {
		c.t.Fatal(err)
	}
	if _, _, err := p.SendMessage(&sarama.ProducerMessage{Topic: c.topic(), Value: sarama.StringEncoder("open")}); err != nil {
		c.t.Fatal(err)
	}
	if r := c.skipped(w); r.Offset != 5 || string(r.Value) != "open" {
		c.t.Errorf("got %q at %d", r.Value, r.Offset)
	}
	w.write(5)
	if err := p.AbortTxn(); err != nil {
		c.t.Fatal(err)
	}
	c.until("have the marker", func(ctx context.Context) error {
		if b, err := w.log.Bounds(ctx); err != nil || int(b.End) != w.next+1 {
			return fmt.Errorf("the topic ends at %d, %w", b.End, err)
		}
		return nil
	})
	w.next++
	w.write(5)
}

func (c *cluster) producer(config *sarama.Config) (p sarama.SyncProducer) {
	c.t.Helper()
	c.until("create a producer", func(context.Context) (err error) {
		p, err = sarama.NewSyncProducer(c.addresses(), config)
		return err
	})
	c.t.Cleanup(func() { p.Close() })
	return p
}
