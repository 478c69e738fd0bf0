// Package client makes calls about one topic, and says what their errors mean.
//
// A [Topic] gives each call a client for itself, whose connections are closed when the
// context or the log ends first, so that a call returns then. A client that a call has used may be
// kept for others; see [conn.Pools]. Every error is a [log.Error]
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

// Call runs f with a client that nothing else uses meanwhile, and its gate. Its connections are
// closed when the context or the log ends first. op names the call as a [log.Error] does. f may be run
// again, with another client.
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

// run runs f with a client that was kept, if there is one, and then with another one if that may be why it failed.
func (t *Topic) run(ctx context.Context, op string, f func(sarama.Client, *conn.Gate) error) (*conn.Gate, error) {
	errand := conn.Errand{OneBrokerOnly: needsOneBroker(op), AnyBroker: op == "identity"}
	c := t.Cluster.Take(ctx, errand)
	err := t.with(ctx, c, op, f)
	if !c.Outdated(err) || ctx.Err() != nil || t.Cluster.Done().Err() != nil {
		return c.Gate, err
	}
	c = t.Cluster.Fresh(errand)
	return c.Gate, t.with(ctx, c, op, f)
}

// with runs f with a client, and then gives the client back.
func (t *Topic) with(ctx context.Context, c *conn.Client, op string, f func(sarama.Client, *conn.Gate) error) error {
	attached := context.AfterFunc(ctx, c.Gate.Close)
	open := context.AfterFunc(t.Cluster.Done(), c.Gate.Close)
	err := t.ready(c, op)
	if err == nil {
		err = f(c.Client, c.Gate)
	}
	attachedStill, openStill := attached(), open()
	c.Return(err == nil && attachedStill && openStill)
	return err
}

// ready connects a client, or has one that was kept ask where the topic is now.
func (t *Topic) ready(c *conn.Client, op string) error {
	if !c.Kept {
		return c.Connect(t.Name)
	}
	switch op {
	case "identity", "create", "publish", "published": // not of the leader
		return nil
	case "bounds", "survey":
		return c.Update(t.Name, current)
	}
	return c.Update(t.Name, 0)
}

// current is how long the leader is not asked for again by the calls of one check, which find out if it is another one.
const current = time.Second

// needsOneBroker reports whether only a certain broker other than the leader can perform a call:
// the controller, or the coordinator of a group. No block depends on these calls.
func needsOneBroker(op string) bool {
	return op == "create" || op == "publish" || op == "published" || op == "trim"
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
