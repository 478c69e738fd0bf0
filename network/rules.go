package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/hyperledger/fabric/protoutil"
	"github.com/spf13/cobra"

	"github.com/fabric-kafka/orderer/chain/engine"
	"github.com/fabric-kafka/orderer/chain/machine"
	"github.com/fabric-kafka/orderer/network/fabricnet"
	"github.com/fabric-kafka/orderer/network/inspect"
)

func upgradeRulesCommand() *cobra.Command {
	var window time.Duration
	var force bool
	c := &cobra.Command{
		Use:   "upgrade-rules",
		Short: "Move a channel from the in-tree orderers' rules to the strict ones",
		Long: `Append a description to the topic of a channel that is read by the rules of in-tree
orderers (compatible): every orderer of ours takes the strict rules from that record on,
for good. In-tree orderers do not understand it and would part from ours there: the
command refuses when another writer was seen within the window. Do it in a quiet
moment, when all orderers of the channel are ours and no config update is under way.`,
		Args: cobra.NoArgs,
		RunE: opened(func(c *cobra.Command, n *fabricnet.Network, _ []string) error {
			return upgradeRules(c.Context(), n, channelOf(c, n), window, force)
		}),
	}
	channelFlag(c)
	c.Flags().DurationVar(&window, "window", 10*time.Minute, "how long no other writer may have been seen")
	c.Flags().BoolVar(&force, "force", false, "also if another writer was seen: only when it is known to be gone")
	return c
}

func upgradeRules(ctx context.Context, n *fabricnet.Network, channel string, window time.Duration, force bool) error {
	r, orderer, err := readerOf(n, "")
	if err != nil {
		return err
	}
	brokers := n.Descriptor().Brokers
	first, foreign, all, err := inspect.ForeignWriters(ctx, brokers, channel, window)
	switch {
	case err != nil:
		return err
	case foreign > 0 && !force:
		return fmt.Errorf("%d of the %d records of the last %s were not written by an orderer of ours, for instance %s; "+
			"stop the in-tree orderers, wait for %s, and try again; --force if the writer is known to be gone", foreign, all, window, foreignText(first), window)
	}
	topic, err := inspect.OpenTopic(brokers, channel)
	if err != nil {
		return err
	}
	defer topic.Close()
	id, err := topic.Identity(ctx)
	if err != nil {
		return err
	}
	genesis, err := r.Block(ctx, orderer, channel, 0)
	if err != nil {
		return err
	}
	value, err := engine.Describing(machine.Start{Channel: channel, GenesisHash: protoutil.BlockHeaderHash(genesis.Header)}, machine.Strict, id.TopicID)
	if err != nil {
		return err
	}
	if err := topic.Append(ctx, value); err != nil {
		return err
	}
	fmt.Printf("channel %s: described as strict, topic id %s; %d records of the last %s looked at, %d by another writer\n", channel, id.TopicID, all, window, foreign)
	fmt.Println("Every orderer says in its log which rules it reads by, and at which offset they began.")
	return nil
}

func foreignText(first []inspect.Foreign) string {
	var parts []string
	for _, f := range first {
		parts = append(parts, fmt.Sprintf("%s at offset %d", f.Kind, f.Offset))
	}
	return strings.Join(parts, ", ")
}

func repinCommand() *cobra.Command {
	var restart bool
	c := &cobra.Command{
		Use:   "repin",
		Short: "Let orderers go on with a topic that was moved with its records at their offsets",
		Long: `Compare the last block of every running orderer with the topic that the channel has now:
where it begins and ends, and the record at the block's last offset. When all of them
match, print the setting that lets the orderers take the topic's new id, and with
--restart put it into this network's orderers and restart them. When one does not
match nothing is done: such a topic is not the one that the ledger was made from.`,
		Args: cobra.NoArgs,
		RunE: opened(func(c *cobra.Command, n *fabricnet.Network, _ []string) error {
			return repin(c.Context(), n, channelOf(c, n), restart)
		}),
	}
	channelFlag(c)
	c.Flags().BoolVar(&restart, "restart", false, "put the setting into this network's orderers and restart them")
	return c
}

func repin(ctx context.Context, n *fabricnet.Network, channel string, restart bool) error {
	r, err := inspect.NewReader(n.Dir(), n.Descriptor())
	if err != nil {
		return err
	}
	topic, err := inspect.OpenTopic(n.Descriptor().Brokers, channel)
	if err != nil {
		return err
	}
	defer topic.Close()
	running := inspect.Running(n.Descriptor())
	if len(running) == 0 {
		return errors.New("no orderer runs: their last blocks are compared with the topic, and they serve them also when the channel has stopped")
	}
	var to string
	for _, orderer := range running {
		m, err := r.CheckMove(ctx, orderer, channel, topic)
		if err != nil {
			return fmt.Errorf("%s: %w", orderer, err)
		}
		fmt.Printf("%s: goes on at offset %d; the topic's id was %s and is %s; its last record matches\n", orderer, m.Next, m.From, m.To)
		to = m.To
	}
	setting := channel + "=" + to
	if !restart {
		fmt.Printf("Put this into the orderer.yaml of every orderer, then restart it:\n  Consensus.Kafka.Topic.Moved: [%s]\n", setting)
		return nil
	}
	return n.SetMoved(ctx, channel, to)
}
