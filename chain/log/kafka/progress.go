package kafka

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/IBM/sarama"
	"golang.org/x/sync/errgroup"

	"github.com/fabric-kafka/orderer/chain/log"
	"github.com/fabric-kafka/orderer/chain/log/kafka/client"
	"github.com/fabric-kafka/orderer/chain/log/kafka/conn"
)

// Publish commits the offset for the member's consumer group, which has no Kafka
// consumers as members: Kafka's own tools then show the orderer's lag.
func (l *Log) Publish(ctx context.Context, p log.Progress) error {
	return l.topic.Call(ctx, "publish", func(c sarama.Client, _ *conn.Gate) error {
		coordinator, err := c.Coordinator(p.Member)
		if err != nil {
			return err
		}
		request := sarama.NewOffsetCommitRequest(c.Config(), p.Member)
		request.AddBlockWithLeaderEpoch(l.topic.Name, client.Partition, int64(p.Next), -1, 0, p.Text())
		answer, err := coordinator.CommitOffset(request)
		if err != nil {
			return err
		}
		if code := answer.Errors[l.topic.Name][client.Partition]; code != sarama.ErrNoError {
			return code
		}
		return nil
	})
}

// Published reads the offsets of all groups whose names begin with prefix. With an error it
// returns those that could be read: a broker that does not answer coordinates only some
// groups.
func (l *Log) Published(ctx context.Context, prefix string) (all []log.Progress, err error) {
	err = l.admin(ctx, "published", func(a sarama.ClusterAdmin) error {
		groups, err := a.ListConsumerGroups() // even with an error: from the brokers that answered
		var failed error
		all, failed = l.committedBy(a, slices.DeleteFunc(slices.Collect(maps.Keys(groups)), func(group string) bool { return !strings.HasPrefix(group, prefix) }))
		return errors.Join(err, failed)
	})
	slices.SortFunc(all, func(a, b log.Progress) int { return strings.Compare(a.Member, b.Member) })
	return all, err
}

// committedBy reads several groups at a time: their coordinators are different brokers, any
// of which may hang.
func (l *Log) committedBy(a sarama.ClusterAdmin, groups []string) (all []log.Progress, err error) {
	const atATime = 16
	var mu sync.Mutex
	var asking errgroup.Group
	asking.SetLimit(atATime)
	for _, group := range groups {
		asking.Go(func() error {
			p, failed := l.committed(a, group)
			mu.Lock()
			defer mu.Unlock()
			switch {
			case failed == nil:
				all = append(all, p)
			case !errors.Is(failed, errNoCommit):
				err = errors.Join(err, failed)
			}
			return nil
		})
	}
	_ = asking.Wait() // each error is in err
	return all, err
}

// errNoCommit means that a group has committed no offset for this topic.
var errNoCommit = errors.New("no offset")

func (l *Log) committed(a sarama.ClusterAdmin, group string) (log.Progress, error) {
	answer, err := a.ListConsumerGroupOffsets(group, map[string][]int32{l.topic.Name: {client.Partition}})
	if err != nil {
		return log.Progress{}, fmt.Errorf("group %s: %w", group, err)
	}
	block := answer.GetBlock(l.topic.Name, client.Partition)
	switch {
	case block == nil:
		return log.Progress{}, errNoCommit
	case block.Err != sarama.ErrNoError:
		return log.Progress{}, fmt.Errorf("group %s: %w", group, block.Err)
	case block.Offset < 0:
		return log.Progress{}, errNoCommit
	}
	return log.ParseProgress(group, log.Offset(block.Offset), block.Metadata), nil
}

// Trim deletes the records below an offset. Orderers never do; see `osnkafka prune`.
func (l *Log) Trim(ctx context.Context, below log.Offset) error {
	return l.admin(ctx, "trim", func(a sarama.ClusterAdmin) error {
		return a.DeleteRecords(l.topic.Name, map[int32]int64{client.Partition: int64(below)})
	})
}
