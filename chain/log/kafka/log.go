package kafka

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/IBM/sarama"

	"github.com/fabric-kafka/orderer/chain/log"
)

var _ log.Log = (*Log)(nil)

// partition is the only one of a channel's topic.
const partition = 0

// key is the key of every record, as in-tree orderers write it: the partition number in ASCII.
const key = "0"

// Log is one topic on a Kafka cluster.
type Log struct {
	config Config
	topic  string

	done context.Context // ends when the log is closed
	stop context.CancelFunc

	brokers *brokers
	limit   topicLimit

	queue     *queue    // of appends
	producing sync.Once // starts the producer, at the first Append

	mu     sync.Mutex
	closed bool
	users  sync.WaitGroup // calls in flight, readers, and the producer
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
	done, stop := context.WithCancel(context.Background())
	l := &Log{config: c, topic: topic, done: done, stop: stop, queue: newQueue(), brokers: newBrokers(c)}
	l.brokers.leader, l.brokers.probe = l.leaderBeside, l.probeOthers
	return l, nil
}

// Close ends every call in flight with log.ErrClosed and returns when no
// connection is left.
func (l *Log) Close() error {
	l.mu.Lock()
	l.closed = true
	l.mu.Unlock()
	l.stop()
	l.users.Wait()
	return nil
}

// enter registers a call, unless the log is closed. The caller must call l.users.Done.
func (l *Log) enter() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return log.ErrClosed
	}
	l.users.Add(1)
	return nil
}

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
	err = l.gated(ctx, "identity", func(c sarama.Client, g *gate) error {
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
func (l *Log) metadata(c sarama.Client, g *gate) (*sarama.MetadataResponse, error) {
	controller, err := c.Controller()
	if err != nil {
		return nil, err
	}
	answer, err := controller.GetMetadata(sarama.NewMetadataRequest(version, []string{l.topic}))
	if err == nil || g.done.Err() != nil {
		return answer, err
	}
	return l.askAny(g) // not the one that was abandoned: the others have answered since
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
		case <-l.done.Done():
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
	return l.gated(ctx, op, func(c sarama.Client, _ *gate) error { return f(c) })
}

// gated runs f with a client that exists for the call, and its gate. Its connections are
// closed when the context or the log ends first.
func (l *Log) gated(ctx context.Context, op string, f func(sarama.Client, *gate) error) error {
	if err := l.enter(); err != nil {
		return err
	}
	defer l.users.Done()
	g := l.newGate()
	g.patient, g.hasty = patient(op), op == "identity"
	defer g.close()
	defer context.AfterFunc(ctx, g.close)()
	defer context.AfterFunc(l.done, g.close)()

	config := l.config.clientConfig(g)
	config.Metadata.Full = true // finding the controller needs the cluster's brokers
	err := withClient(config, func(c sarama.Client) error { return f(c, g) })
	return l.outcome(ctx, g, op, err)
}

func withClient(config *sarama.Config, f func(sarama.Client) error) error {
	c, err := newClient(config)
	if err != nil {
		return err
	}
	defer closeQuietly(c)
	return f(c)
}

// newClient returns a client that uses whichever broker answers; see [anyBroker].
func newClient(config *sarama.Config) (sarama.Client, error) {
	return sarama.NewClient([]string{anyBroker}, config)
}

// outcome returns the error of a call: why it was interrupted, if it was, or err classified.
func (l *Log) outcome(ctx context.Context, g *gate, op string, err error) error {
	switch {
	case err == nil:
		return nil
	case l.done.Err() != nil:
		return log.ErrClosed
	case ctx.Err() != nil:
		return l.interrupted(ctx, g, op)
	}
	return l.classify(op, err)
}

// interrupted returns the context's error with what the call was waiting for.
func (l *Log) interrupted(ctx context.Context, g *gate, op string) error {
	slow := g.waited()
	if slow == "" {
		return ctx.Err()
	}
	return fmt.Errorf("%s topic %q: %w: %s", op, l.topic, ctx.Err(), slow)
}

// closeQuietly closes a client whose connections may have been closed: errors of Close are
// expected then.
func closeQuietly(c sarama.Client) {
	if !c.Closed() {
		_ = c.Close()
	}
}
