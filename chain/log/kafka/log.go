package kafka

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/IBM/sarama"

	"github.com/fabric-kafka/orderer/chain/log"
	"github.com/fabric-kafka/orderer/chain/log/kafka/client"
	"github.com/fabric-kafka/orderer/chain/log/kafka/conn"
	"github.com/fabric-kafka/orderer/chain/log/kafka/producer"
	"github.com/fabric-kafka/orderer/chain/log/kafka/reader"
	"github.com/fabric-kafka/orderer/chain/log/kafka/survey"
)

var (
	_ log.Log    = (*Log)(nil)
	_ log.Placer = (*Log)(nil)
)

// Log is one topic on a Kafka cluster.
type Log struct {
	config Config
	topic  *client.Topic
	queue  *producer.Queue
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
	t := client.Open(c.topic(), topic)
	return &Log{config: c, topic: t, queue: producer.NewQueue(t, c.Linger)}, nil
}

// Close ends every call in flight with log.ErrClosed and returns when no
// connection is left.
func (l *Log) Close() error {
	l.topic.Cluster.Close()
	return nil
}

// Slow describes the brokers that have not answered a request for 2 s, and those that
// throttle this client; empty for none. It makes no request.
func (l *Log) Slow() string { return l.topic.Cluster.Slow() }

// Stalled reports whether records are waiting for the leader of the topic: it has not answered a Fetch or
// Produce for 5 s, or was that slow within the last 10 s, so that a slow leader does not make the
// status change back and forth.
func (l *Log) Stalled() bool { return l.topic.Cluster.Stalled() }

// Create creates the topic unless it exists. An existing topic is not changed.
func (l *Log) Create(ctx context.Context) error {
	return l.admin(ctx, "create", func(_ sarama.Client, a sarama.ClusterAdmin) error {
		err := a.CreateTopic(l.topic.Name, &sarama.TopicDetail{
			NumPartitions:     1,
			ReplicationFactor: l.topic.Config.Settings.ReplicationFactor,
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
	err = l.topic.Call(ctx, "identity", func(c sarama.Client, g *conn.Gate) error {
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
	answer, err := controller.GetMetadata(conn.MetadataRequest(l.topic.Name))
	if err == nil || g.Closed() {
		return answer, err
	}
	return g.MetadataOfAny(l.topic.Name) // not the one that was abandoned: the others have answered since
}

// Bounds returns the first offset and the one after the last.
func (l *Log) Bounds(ctx context.Context) (b log.Bounds, err error) {
	err = l.topic.Call(ctx, "bounds", func(c sarama.Client, _ *conn.Gate) (err error) {
		b, err = l.topic.Bounds(c)
		return err
	})
	return b, err
}

// Since returns the offset of the first record whose timestamp is not before t, or the end
// of the log if there is none.
func (l *Log) Since(ctx context.Context, t time.Time) (at log.Offset, err error) {
	err = l.topic.Call(ctx, "since", func(c sarama.Client, _ *conn.Gate) error {
		found, err := c.GetOffset(l.topic.Name, client.Partition, t.UnixMilli())
		if err == nil && found < 0 {
			found, err = c.GetOffset(l.topic.Name, client.Partition, sarama.OffsetNewest)
		}
		at = log.Offset(found)
		return err
	})
	return at, err
}

// Append queues the value for the producer and waits for its outcome; see [producer.Queue].
func (l *Log) Append(ctx context.Context, value []byte) error {
	_, err := l.queue.Append(ctx, value)
	return err
}

// AppendAt is Append, and returns the record's offset.
func (l *Log) AppendAt(ctx context.Context, value []byte) (log.Offset, error) {
	return l.queue.Append(ctx, value)
}

// Read subscribes at from, which must be within the bounds; see [reader.Open].
func (l *Log) Read(ctx context.Context, from log.Offset) (log.Reader, error) {
	return reader.Open(ctx, l.topic, from, l.config.FetchBytes)
}

// Survey checks whether the settings of the topic and its brokers, and this client's rights,
// keep records safe; see [survey.Run].
func (l *Log) Survey(ctx context.Context) ([]log.Finding, error) { return survey.Run(ctx, l.topic) }

// admin runs f with a cluster admin that exists for the call.
func (l *Log) admin(ctx context.Context, op string, f func(sarama.Client, sarama.ClusterAdmin) error) error {
	return l.topic.Call(ctx, op, func(c sarama.Client, _ *conn.Gate) error {
		a, err := sarama.NewClusterAdminFromClient(c)
		if err != nil {
			return err
		}
		return f(c, a)
	})
}
