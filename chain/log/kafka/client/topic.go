// Package client makes calls about one topic, and says what their errors mean.
//
// A [Topic] gives each call a client of its own, whose connections are closed when the
// context or the log ends first, so that a call returns then. Every error is a [log.Error]
// that has a class and names what is awaited; see [Topic.Classify]. The requests that more
// than one kind of call needs are here: the bounds of the log, its settings, and single
// record batches, which are verified.
package client

import (
	"context"
	"fmt"
	"time"

	"github.com/IBM/sarama"

	"github.com/fabric-kafka/orderer/chain/log"
	"github.com/fabric-kafka/orderer/chain/log/kafka/conn"
)

// Partition is the only one of a channel's topic.
const Partition = 0

// Config is how to reach a topic, and what it should be.
type Config struct {
	conn.Config
	Settings log.Settings // all of them filled in
}

// recordOverhead is room for key, framing and batch header in addition to a value.
const recordOverhead = 4 << 10

// BatchBytes returns the limit of a batch, which has room for one largest record.
func (c Config) BatchBytes() int { return c.Settings.MaxMessageBytes + recordOverhead }

// TopicBytes returns the topic's max.message.bytes. Kafka applies it to batches, and the
// producer fills batches up to BatchBytes, so it is above that.
func (c Config) TopicBytes() int { return c.Settings.MaxMessageBytes + 2*recordOverhead }

// Topic is a topic of a cluster. It is safe for concurrent use.
type Topic struct {
	Name    string
	Config  Config
	Cluster *conn.Cluster // its users: calls in flight, readers, and the producer
}

// Open returns a topic. It does no network I/O.
func Open(c Config, name string) *Topic {
	return &Topic{Name: name, Config: c, Cluster: conn.Open(c.Config, name)}
}

// Call runs f with a client that exists for the call, and its gate. Its connections are
// closed when the context or the log ends first. op names the call as a [log.Error] does.
func (t *Topic) Call(ctx context.Context, op string, f func(sarama.Client, *conn.Gate) error) error {
	if err := t.Cluster.Enter(); err != nil {
		return err
	}
	defer t.Cluster.Leave()
	g, err := t.run(ctx, op, f)
	return t.Outcome(ctx, g, op, err)
}

// Ask is Call, and returns the error as it is, for those who classify it themselves.
func (t *Topic) Ask(ctx context.Context, op string, f func(sarama.Client, *conn.Gate) error) error {
	if err := t.Cluster.Enter(); err != nil {
		return err
	}
	defer t.Cluster.Leave()
	_, err := t.run(ctx, op, f)
	return err
}

func (t *Topic) run(ctx context.Context, op string, f func(sarama.Client, *conn.Gate) error) (*conn.Gate, error) {
	g := t.Cluster.Gate()
	g.OneBrokerOnly, g.AnyBroker = needsOneBroker(op), op == "identity"
	defer g.Close()
	defer context.AfterFunc(ctx, g.Close)()
	defer context.AfterFunc(t.Cluster.Done(), g.Close)()
	return g, connected(g, f)
}

// needsOneBroker reports whether only a certain broker other than the leader can perform a call:
// the controller, or the coordinator of a group. No block depends on these calls.
func needsOneBroker(op string) bool {
	return op == "create" || op == "publish" || op == "published" || op == "trim"
}

func connected(g *conn.Gate, f func(sarama.Client, *conn.Gate) error) error {
	config := g.Config()
	config.Metadata.Full = true // finding the controller needs the cluster's brokers
	c, err := conn.NewClient(config)
	if err != nil {
		return err
	}
	defer conn.CloseClient(c)
	return f(c, g)
}

// Outcome returns the error of a call: why it was interrupted, if it was, or err classified.
func (t *Topic) Outcome(ctx context.Context, g *conn.Gate, op string, err error) error {
	switch {
	case err == nil:
		return nil
	case t.Cluster.Done().Err() != nil:
		return log.ErrClosed
	case ctx.Err() != nil:
		return t.interrupted(ctx, g, op)
	}
	return t.Classify(op, err)
}

// interrupted returns the context's error with what the call was waiting for.
func (t *Topic) interrupted(ctx context.Context, g *conn.Gate, op string) error {
	slow := g.Waited()
	if slow == "" {
		return ctx.Err()
	}
	return fmt.Errorf("%s topic %q: %w: %s", op, t.Name, ctx.Err(), slow)
}

// Bounds returns the first offset and the one after the last.
func (t *Topic) Bounds(c sarama.Client) (log.Bounds, error) {
	start, err := t.offset(c, sarama.OffsetOldest)
	if err != nil {
		return log.Bounds{}, err
	}
	end, err := t.offset(c, sarama.OffsetNewest)
	return log.Bounds{Start: start, End: end}, err
}

// offset retries on a leader that was just elected, which does not know the end of the log
// until followers have fetched from it: callers would pause for longer than that takes.
func (t *Topic) offset(c sarama.Client, which int64) (log.Offset, error) {
	for end := time.Now().Add(t.Config.ReadTimeout); ; {
		at, err := c.GetOffset(t.Name, Partition, which)
		if !HasCode(err, sarama.ErrOffsetNotAvailable) || time.Now().After(end) {
			return log.Offset(at), err
		}
		select {
		case <-time.After(t.Config.RetryBackoff):
		case <-t.Cluster.Done().Done():
			return 0, log.ErrClosed
		}
	}
}

// MaxBytesSetting is the topic setting that limits a record batch.
const MaxBytesSetting = "max.message.bytes"

// Settings returns the topic's settings, or the reason why the brokers hide them.
func (t *Topic) Settings(broker *sarama.Broker) (values map[string]string, hidden string, err error) {
	answer, err := broker.DescribeConfigs(&sarama.DescribeConfigsRequest{Version: 4, Resources: []*sarama.ConfigResource{{Type: sarama.TopicResource, Name: t.Name}}})
	if err != nil {
		return nil, "", err
	}
	values = map[string]string{}
	for _, r := range answer.Resources {
		if r.ErrorCode != 0 {
			return nil, sarama.KError(r.ErrorCode).Error(), nil
		}
		for _, e := range r.Configs {
			if !e.Sensitive {
				values[e.Name] = e.Value
			}
		}
	}
	return values, "", nil
}
