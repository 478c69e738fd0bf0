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
		return commitResult(answer, l.topic.Name)
	})
}

// commitResult returns the error of the commit. An answer that leaves the topic out is one.
func commitResult(answer *sarama.OffsetCommitResponse, topic string) error {
	code, ok := answer.Errors[topic][client.Partition]
	switch {
	case !ok:
		return sarama.ErrIncompleteResponse
	case code != sarama.ErrNoError:
		return code
	}
	return nil
}

// Published reads the offsets of all groups whose names begin with prefix. With an error it
// returns those that could be read: a broker that does not answer, or is still loading,
// coordinates only some groups.
func (l *Log) Published(ctx context.Context, prefix string) (all []log.Progress, err error) {
	err = l.admin(ctx, "published", func(c sarama.Client, a sarama.ClusterAdmin) error {
		groups, err := groupsOf(c, prefix)
		var failed error
		all, failed = l.committedBy(a, groups)
		return errors.Join(err, failed)
	})
	slices.SortFunc(all, func(a, b log.Progress) int { return strings.Compare(a.Member, b.Member) })
	return all, err
}

// groupsOf asks every broker for the groups with the prefix, since each lists only those that
// it coordinates. With an error it returns those that were listed. sarama's own
// ListConsumerGroups drops the error in an answer, and with it the groups of a coordinator
// that is still loading.
func groupsOf(c sarama.Client, prefix string) (groups []string, err error) {
	var mu sync.Mutex
	var asking sync.WaitGroup
	for _, b := range c.Brokers() {
		asking.Go(func() {
			listed, failed := listGroups(c, b)
			mu.Lock()
			defer mu.Unlock()
			groups, err = append(groups, listed...), errors.Join(err, failed)
		})
	}
	asking.Wait()
	groups = slices.DeleteFunc(groups, func(group string) bool { return !strings.HasPrefix(group, prefix) })
	slices.Sort(groups)
	return slices.Compact(groups), err // a group may have moved from one broker to another meanwhile
}

func listGroups(c sarama.Client, b *sarama.Broker) ([]string, error) {
	_ = b.Open(c.Config()) // the request returns its error
	answer, err := b.ListGroups(&sarama.ListGroupsRequest{Version: 4})
	if err != nil {
		return nil, err
	}
	listed := slices.Collect(maps.Keys(answer.Groups))
	if answer.Err != sarama.ErrNoError {
		return listed, fmt.Errorf("groups at broker %s: %w", b.Addr(), answer.Err)
	}
	return listed, nil
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
	return committedIn(group, answer, l.topic.Name)
}

// committedIn returns what a group has committed by an answer, which has an offset of -1 if
// it has committed none.
func committedIn(group string, answer *sarama.OffsetFetchResponse, topic string) (log.Progress, error) {
	block := answer.GetBlock(topic, client.Partition)
	switch {
	case block == nil:
		return log.Progress{}, fmt.Errorf("group %s: %w", group, sarama.ErrIncompleteResponse)
	case block.Err != sarama.ErrNoError:
		return log.Progress{}, fmt.Errorf("group %s: %w", group, block.Err)
	case block.Offset < 0:
		return log.Progress{}, errNoCommit
	}
	return log.ParseProgress(group, log.Offset(block.Offset), block.Metadata), nil
}

// Trim deletes the records below an offset. Orderers never do; see `osnkafka prune`.
func (l *Log) Trim(ctx context.Context, below log.Offset) error {
	return l.admin(ctx, "trim", func(_ sarama.Client, a sarama.ClusterAdmin) error {
		return a.DeleteRecords(l.topic.Name, map[int32]int64{client.Partition: int64(below)})
	})
}
