package kafka

import (
	"context"
	"fmt"
	"strconv"

	"github.com/IBM/sarama"

	"github.com/fabric-kafka/orderer/chain/log"
)

// leastReplicas and leastInSync are those with which the loss of one broker loses
// nothing and stops nothing.
const leastReplicas, leastInSync = 3, 2

// Survey reads the topic's settings. Brokers take odd values without a word, so
// what they return is what counts; one that is hidden, as managed services do,
// is passed over.
func (l *Log) Survey(ctx context.Context) (flaws []log.Flaw, err error) {
	err = l.admin(ctx, "survey", func(a sarama.ClusterAdmin) error {
		topics, err := a.DescribeTopics([]string{l.topic})
		if err != nil {
			return err
		}
		if len(topics) == 1 && topics[0].Err != sarama.ErrNoError {
			return topics[0].Err
		}
		if len(topics) != 1 || len(topics[0].Partitions) == 0 {
			return fmt.Errorf("the brokers do not describe the topic: %w", sarama.ErrUnknownTopicOrPartition)
		}
		entries, err := a.DescribeConfig(sarama.ConfigResource{Type: sarama.TopicResource, Name: l.topic})
		if err != nil {
			return err
		}
		values := map[string]string{}
		for _, e := range entries {
			values[e.Name] = e.Value
		}
		flaws = l.config.flaws(len(topics[0].Partitions[0].Replicas), values)
		return nil
	})
	return flaws, err
}

// flaws compares the settings of a topic with those that a channel's should have.
func (c Config) flaws(replicas int, values map[string]string) (flaws []log.Flaw) {
	if replicas < leastReplicas {
		flaws = append(flaws, log.Flaw{Setting: "replication factor", Value: strconv.Itoa(replicas), Want: "3 or more",
			Risk: "the loss of a broker loses what was acknowledged, or stops the channel"})
	}
	check := func(setting, want, risk string, ok func(value string) bool) {
		if value, known := values[setting]; known && !ok(value) {
			flaws = append(flaws, log.Flaw{Setting: setting, Value: value, Want: want, Risk: risk})
		}
	}
	is := func(want string) func(string) bool { return func(v string) bool { return v == want } }
	atLeast := func(least int) func(string) bool {
		return func(v string) bool { n, err := strconv.Atoi(v); return err == nil && n >= least }
	}
	check("min.insync.replicas", "2 or more", "an acknowledged record may be on one broker only", atLeast(leastInSync))
	check("unclean.leader.election.enable", "false", "a broker that lacks acknowledged records may become the leader", is("false"))
	check("cleanup.policy", "delete", "compaction keeps one record of all", is("delete"))
	check("retention.ms", "-1", "records are deleted by age, read or not", is("-1"))
	check("retention.bytes", "-1", "records are deleted by size, read or not", is("-1"))
	if c.Settings.MaxMessageBytes > 0 {
		least := c.Settings.MaxMessageBytes + recordOverhead
		check("max.message.bytes", fmt.Sprintf("%d or more", least), "envelopes that the channel allows are refused", atLeast(least))
	}
	return flaws
}
