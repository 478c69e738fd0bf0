package kafka

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/IBM/sarama"

	"github.com/fabric-kafka/orderer/chain/log"
	"github.com/fabric-kafka/orderer/chain/log/kafka/conn"
)

var _ log.Log = (*Log)(nil)

// partition is the only one of a channel's topic.
const partition = 0

// key is the key of every record, as in-tree orderers write it: the partition number in ASCII.
const key = "0"

// Log is one topic on a Kafka cluster.
type Log struct {
	config  Config
	topic   string
	cluster *conn.Cluster // its users: calls in flight, readers, and the producer

	limit     topicLimit
	queue     *queue    // of appends
	producing sync.Once // starts the producer, at the first Append
}

// Open checks the config and returns the log of a topic. It does no network I/O.
func Open(c Config, topic string) (*Log, error) {
	c = c.withDefaults()
	if err := c.validate(); err != nil {
		return nil, fmt.Errorf("kafka config: %w", err)
	}
	if topic == "" {
		return nil, errors.New("kafka config: no topic")
	}
	c.limitProcess()
	return &Log{config: c, topic: topic, cluster: conn.Open(c.conn(), topic), queue: newQueue()}, nil
}

// Close ends every call in flight with log.ErrClosed and returns when no
// connection is left.
func (l *Log) Close() error {
	l.cluster.Close()
	return nil
}

// Slow describes the brokers that have not answered a request for 2 s, and those that
// throttle this client; empty for none. It makes no request.
func (l *Log) Slow() string { return l.cluster.Slow() }

// Stalled reports whether records are waiting for the leader of the topic: it has not answered a Fetch or
// Produce for 5 s, or was that slow within the last 10 s, so that a slow leader does not make the
// status change back and forth.
func (l *Log) Stalled() bool { return l.cluster.Stalled() }

// Create creates the topic unless it exists. An existing topic is not changed.
func (l *Log) Create(ctx context.Context) error {
	return l.admin(ctx, "create", func(_ sarama.Client, a sarama.ClusterAdmin) error {
		err := a.CreateTopic(l.topic, &sarama.TopicDetail{
			NumPartitions:     1,
			ReplicationFactor: l.config.Settings.ReplicationFactor,
			ConfigEntries:     l.config.topicEntries(),
		}, false)
		if errors.Is(err, sarama.ErrTopicAlreadyExists) {
			return nil
		}
		return err
	})
}

// Identity returns the topic's id and number of partitions.
func (l *Log) Identity(ctx context.Context) (id log.Identity, err error) {
	err = l.gated(ctx, "identity", func(c sarama.Client, g *conn.Gate) error {
		answer, err := l.metadata(c, g)
		if err != nil {
			return err
		}
		if answer.ClusterID != nil {
			id.ClusterID = *answer.ClusterID
		}
		topics := answer.Topics
		if len(topics) != 1 {
			return fmt.Errorf("asked for one topic, got %d", len(topics))
		}
		if topics[0].Err != sarama.ErrNoError {
			return topics[0].Err
		}
		id.Partitions = len(topics[0].Partitions)
		if topics[0].Uuid != (sarama.Uuid{}) {
			id.TopicID = topics[0].Uuid.String()
		}
		return nil
	})
	return id, err
}

// metadata asks the controller for the topic, or another broker if it does not answer.
func (l *Log) metadata(c sarama.Client, g *conn.Gate) (*sarama.MetadataResponse, error) {
	controller, err := c.Controller()
	if err != nil {
		return nil, err
	}
	answer, err := controller.GetMetadata(conn.MetadataRequest(l.topic))
	if err == nil || g.Closed() {
		return answer, err
	}
	return g.MetadataOfAny(l.topic) // not the one that was abandoned: the others have answered since
}

// Bounds returns the first offset and the one after the last.
func (l *Log) Bounds(ctx context.Context) (b log.Bounds, err error) {
	err = l.client(ctx, "bounds", func(c sarama.Client) (err error) {
		b, err = l.bounds(c)
		return err
	})
	return b, err
}

func (l *Log) bounds(c sarama.Client) (log.Bounds, error) {
	start, err := l.offset(c, sarama.OffsetOldest)
	if err != nil {
		return log.Bounds{}, err
	}
	end, err := l.offset(c, sarama.OffsetNewest)
	return log.Bounds{Start: start, End: end}, err
}

// offset retries on a leader that was just elected, which does not know the end of the log
// until followers have fetched from it: callers would pause for longer than that takes.
func (l *Log) offset(c sarama.Client, which int64) (log.Offset, error) {
	for end := time.Now().Add(l.config.ReadTimeout); ; {
		at, err := c.GetOffset(l.topic, partition, which)
		if !is(err, sarama.ErrOffsetNotAvailable) || time.Now().After(end) {
			return log.Offset(at), err
		}
		select {
		case <-time.After(l.config.RetryBackoff):
		case <-l.cluster.Done().Done():
			return 0, log.ErrClosed
		}
	}
}

// Since returns the offset of the first record whose time stamp is not before t, or the end
// of the log if there is none.
func (l *Log) Since(ctx context.Context, t time.Time) (at log.Offset, err error) {
	err = l.client(ctx, "since", func(c sarama.Client) error {
		found, err := c.GetOffset(l.topic, partition, t.UnixMilli())
		if err == nil && found < 0 {
			found, err = c.GetOffset(l.topic, partition, sarama.OffsetNewest)
		}
		at = log.Offset(found)
		return err
	})
	return at, err
}

// admin runs f with a client and a cluster admin that exist for the call.
func (l *Log) admin(ctx context.Context, op string, f func(sarama.Client, sarama.ClusterAdmin) error) error {
	return l.client(ctx, op, func(c sarama.Client) error {
		a, err := sarama.NewClusterAdminFromClient(c)
		if err != nil {
			return err
		}
		return f(c, a)
	})
}

// client runs f with a client that exists for the call.
func (l *Log) client(ctx context.Context, op string, f func(sarama.Client) error) error {
	return l.gated(ctx, op, func(c sarama.Client, _ *conn.Gate) error { return f(c) })
}

// gated runs f with a client that exists for the call, and its gate. Its connections are
// closed when the context or the log ends first.
func (l *Log) gated(ctx context.Context, op string, f func(sarama.Client, *conn.Gate) error) error {
	if err := l.cluster.Enter(); err != nil {
		return err
	}
	defer l.cluster.Leave()
	g := l.cluster.Gate()
	g.Patient, g.Hasty = patient(op), op == "identity"
	defer g.Close()
	defer context.AfterFunc(ctx, g.Close)()
	defer context.AfterFunc(l.cluster.Done(), g.Close)()

	config := g.Config()
	config.Metadata.Full = true // finding the controller needs the cluster's brokers
	err := withClient(config, func(c sarama.Client) error { return f(c, g) })
	return l.outcome(ctx, g, op, err)
}

// patient reports whether only a certain broker other than the leader can perform a call:
// the controller, or the coordinator of a group. No block depends on these calls.
func patient(op string) bool {
	return op == "create" || op == "publish" || op == "published" || op == "trim"
}

func withClient(config *sarama.Config, f func(sarama.Client) error) error {
	c, err := conn.NewClient(config)
	if err != nil {
		return err
	}
	defer conn.CloseClient(c)
	return f(c)
}

// outcome returns the error of a call: why it was interrupted, if it was, or err classified.
func (l *Log) outcome(ctx context.Context, g *conn.Gate, op string, err error) error {
	switch {
	case err == nil:
		return nil
	case l.cluster.Done().Err() != nil:
		return log.ErrClosed
	case ctx.Err() != nil:
		return l.interrupted(ctx, g, op)
	}
	return l.classify(op, err)
}

// interrupted returns the context's error with what the call was waiting for.
func (l *Log) interrupted(ctx context.Context, g *conn.Gate, op string) error {
	slow := g.Waited()
	if slow == "" {
		return ctx.Err()
	}
	return fmt.Errorf("%s topic %q: %w: %s", op, l.topic, ctx.Err(), slow)
}
