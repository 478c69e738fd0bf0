// Package survey finds out whether a topic and its brokers keep records safe, and whether
// this client may use them, before a channel depends on it.
//
// [Run] reads what the brokers report, and a surveyor turns that into findings: what it is,
// what it should be, what is at risk, and the command that fixes it. It changes nothing.
package survey

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

// Run checks the number of partitions, replication, the replicas in sync, the settings by which records may
// be lost or refused, the rights of this client, the releases of the brokers that have the
// topic, and clocks. Brokers silently accept unsafe values, so it checks what they return.
// What they hide is a finding of result [log.Unknown].
func Run(ctx context.Context, t *client.Topic) ([]log.Finding, error) {
	var s *surveyor
	err := t.Call(ctx, "survey", func(c sarama.Client, g *conn.Gate) (err error) {
		s = &surveyor{config: t.Config, topic: t.Name}
		return s.run(c, g, t)
	})
	switch {
	case err != nil:
		return nil, err
	case s.visible:
		s.clock(newest(ctx, t))
	}
	return s.found, nil
}

// run adds the findings that do not need a record.
func (s *surveyor) run(c sarama.Client, g *conn.Gate, t *client.Topic) error {
	broker, err := g.Recent(c) // the controller may be slow, and is not needed
	if err != nil {
		return err
	}
	topic, err := describe(broker, t.Name)
	if err != nil {
		return err
	}
	if topic.Err == sarama.ErrTopicAuthorizationFailed {
		s.noRights()
		return nil
	}
	s.visible = true
	replicas := topic.Partitions[0].Replicas
	values, hidden, err := t.Settings(broker)
	if err != nil {
		return err
	}
	s.shape(len(topic.Partitions), replicas, brokerIDs(c))
	s.inSync(replicas, topic.Partitions[0].Isr, values)
	s.settings(values, hidden)
	s.rights(topic.TopicAuthorizedOperations)
	s.releases(apiVersionsOf(c, replicas))
	return nil
}

// describe returns the topic's metadata with the rights of this client.
func describe(broker *sarama.Broker, topic string) (*sarama.TopicMetadata, error) {
	request := conn.MetadataRequest(topic)
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

// newest returns the timestamp of the last record and whose clock it is from: the
// writer's, or the broker's if the topic is set to that.
func newest(ctx context.Context, t *client.Topic) (at time.Time, whose string, err error) {
	ctx, cancel := context.WithTimeout(ctx, clockTimeout)
	defer cancel()
	var last client.Batch
	var empty bool
	err = t.Call(ctx, "survey", func(c sarama.Client, _ *conn.Gate) error {
		bounds, err := t.Bounds(c)
		if err != nil {
			return err
		}
		if empty = bounds.Start == bounds.End; empty {
			return nil
		}
		last, err = t.BatchAt(c, bounds.End-1)
		return err
	})
	switch {
	case empty:
		return at, "", errNoRecordYet
	case ctx.Err() != nil:
		return at, "", fmt.Errorf("the newest record did not arrive within %s", clockTimeout)
	case err != nil:
		return at, "", err
	case last.Newest.IsZero():
		return at, "", errors.New("the newest record has no timestamp")
	case last.ByBroker:
		return last.Newest, "its broker's clock", nil
	}
	return last.Newest, "its writer's clock", nil
}

var errNoRecordYet = errors.New("the topic has no record yet")
