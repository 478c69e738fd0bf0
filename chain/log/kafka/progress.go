package kafka

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/IBM/sarama"

	"github.com/fabric-kafka/orderer/chain/log"
)

// Publish commits the offset for the member's consumer group, which has no members
// in Kafka's sense: Kafka's own tools then show the orderer's lag.
func (l *Log) Publish(ctx context.Context, p log.Progress) error {
	return l.client(ctx, "publish", func(c sarama.Client) error {
		coordinator, err := c.Coordinator(p.Member)
		if err != nil {
			return err
		}
		request := sarama.NewOffsetCommitRequest(c.Config(), p.Member)
		request.AddBlockWithLeaderEpoch(l.topic, partition, int64(p.Next), -1, 0, p.Text())
		answer, err := coordinator.CommitOffset(request)
		if err != nil {
			return err
		}
		if code := answer.Errors[l.topic][partition]; code != sarama.ErrNoError {
			return code
		}
		return nil
	})
}

// Published asks all groups whose names begin with prefix.
func (l *Log) Published(ctx context.Context, prefix string) (all []log.Progress, err error) {
	err = l.admin(ctx, "published", func(_ sarama.Client, a sarama.ClusterAdmin) error {
		groups, err := a.ListConsumerGroups()
		if err != nil {
			return err
		}
		all = nil
		for group := range groups {
			if !strings.HasPrefix(group, prefix) {
				continue
			}
			p, err := l.committed(a, group)
			if err != nil && !errors.Is(err, errNoCommit) {
				return err
			}
			if err == nil {
				all = append(all, p)
			}
		}
		slices.SortFunc(all, func(a, b log.Progress) int { return strings.Compare(a.Member, b.Member) })
		return nil
	})
	return all, err
}

// errNoCommit says that a group has committed nothing for this topic.
var errNoCommit = errors.New("no offset")

func (l *Log) committed(a sarama.ClusterAdmin, group string) (log.Progress, error) {
	answer, err := a.ListConsumerGroupOffsets(group, map[string][]int32{l.topic: {partition}})
	if err != nil {
		return log.Progress{}, fmt.Errorf("group %s: %w", group, err)
	}
	block := answer.GetBlock(l.topic, partition)
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

// Trim deletes the records below an offset. No orderer does so; see `osnkafka prune`.
func (l *Log) Trim(ctx context.Context, below log.Offset) error {
	return l.admin(ctx, "trim", func(_ sarama.Client, a sarama.ClusterAdmin) error {
		return a.DeleteRecords(l.topic, map[int32]int64{partition: int64(below)})
	})
}
