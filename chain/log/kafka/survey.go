package kafka

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/IBM/sarama"

	"github.com/fabric-kafka/orderer/chain/log"
	"github.com/fabric-kafka/orderer/chain/log/kafka/client"
	"github.com/fabric-kafka/orderer/chain/log/kafka/conn"
)

// Survey checks the number of partitions, replication, the settings by which records may
// be lost or refused, the rights of this client, the releases of the brokers that have the
// topic, and clocks. Brokers silently accept unsafe values, so it checks what they return.
// What they hide is a finding of verdict [log.Unknown].
func (l *Log) Survey(ctx context.Context) (found []log.Finding, err error) {
	err = l.topic.Call(ctx, "survey", func(c sarama.Client, g *conn.Gate) error {
		broker, err := g.OpenAny() // the controller may be slow, and is not needed
		if err != nil {
			return err
		}
		defer func() { _ = broker.Close() }() // nothing is in flight
		topic, err := l.describe(broker)
		if err != nil {
			return err
		}
		e := l.surveyor()
		if topic.Err == sarama.ErrTopicAuthorizationFailed {
			e.noRights()
			found = e.found
			return nil
		}
		replicas := topic.Partitions[0].Replicas
		values, hidden, err := l.topic.Settings(broker)
		if err != nil {
			return err
		}
		e.shape(len(topic.Partitions), replicas, brokerIDs(c))
		e.settings(values, hidden)
		e.rights(topic.TopicAuthorizedOperations)
		e.releases(spokenBy(c, replicas))
		e.clock(l.newest(ctx))
		found = e.found
		return nil
	})
	return found, err
}

// describe returns the topic's metadata with the rights of this client.
func (l *Log) describe(broker *sarama.Broker) (*sarama.TopicMetadata, error) {
	request := conn.MetadataRequest(l.topic.Name)
	request.IncludeTopicAuthorizedOperations = true
	answer, err := broker.GetMetadata(request)
	if err != nil {
		return nil, err
	}
	if len(answer.Topics) != 1 {
		return nil, fmt.Errorf("asked for one topic, got %d", len(answer.Topics))
	}
	t := answer.Topics[0]
	switch {
	case t.Err == sarama.ErrTopicAuthorizationFailed:
		return t, nil
	case t.Err != sarama.ErrNoError:
		return nil, t.Err
	case len(t.Partitions) == 0:
		return nil, fmt.Errorf("the brokers do not describe the topic: %w", sarama.ErrUnknownTopicOrPartition)
	}
	return t, nil
}

func brokerIDs(c sarama.Client) (ids []int32) {
	for _, b := range c.Brokers() {
		ids = append(ids, b.ID())
	}
	slices.Sort(ids)
	return ids
}

// clockTimeout bounds how long a survey waits for the newest batch, which a broker returns
// whole: checking the clock does not justify the transfer of a large one.
const clockTimeout = 5 * time.Second

// newest returns the time stamp of the last record and whose clock it is from: the
// writer's, or the broker's if the topic is set to that.
func (l *Log) newest(ctx context.Context) (at time.Time, whose string, err error) {
	ctx, cancel := context.WithTimeout(ctx, clockTimeout)
	defer cancel()
	var last client.Batch
	err = l.topic.Call(ctx, "survey", func(c sarama.Client, _ *conn.Gate) error {
		bounds, err := l.topic.Bounds(c)
		if err != nil {
			return err
		}
		if bounds.Start == bounds.End {
			return errNoRecordYet
		}
		last, err = l.topic.BatchAt(c, bounds.End-1)
		return err
	})
	switch {
	case errors.Is(err, errNoRecordYet):
		return at, "", errNoRecordYet
	case ctx.Err() != nil:
		return at, "", fmt.Errorf("the newest record did not arrive within %s", clockTimeout)
	case err != nil:
		return at, "", err
	case last.Newest.IsZero():
		return at, "", errors.New("the newest record has no time stamp")
	case last.ByBroker:
		return last.Newest, "its broker's clock", nil
	}
	return last.Newest, "its writer's clock", nil
}

var errNoRecordYet = errors.New("the topic has no record yet")
