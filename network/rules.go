package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/hyperledger/fabric/protoutil"
	"github.com/spf13/cobra"

	"github.com/fabric-kafka/orderer/chain/log"
	"github.com/fabric-kafka/orderer/chain/machine"
	"github.com/fabric-kafka/orderer/chain/session"
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
for good. In-tree orderers do not understand it and would part from ours there, for good:
the command refuses when another writer was seen within the window, by the records'
timestamps, or in the last thousand records. An in-tree orderer that was idle is not
seen. Do it in a quiet moment, when all orderers of the channel are ours and no config
update is under way. With --force nothing protects in-tree orderers that still run.`,
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

// rulesPatience is how long orderers and brokers may take to answer.
const rulesPatience = 2 * time.Minute

func upgradeRules(ctx context.Context, n *fabricnet.Network, channel string, window time.Duration, force bool) error {
	ctx, cancel := context.WithTimeout(ctx, rulesPatience)
	defer cancel()
	r, orderer, err := readerOf(n, "")
	if err != nil {
		return err
	}
	if set, err := r.RuleSet(ctx, orderer, channel); err != nil {
		return err
	} else if set == machine.Strict {
		return fmt.Errorf("channel %s is read by the strict rules already, by the last block of %s", channel, orderer)
	}
	brokers, err := r.Brokers(ctx, orderer, channel)
	if err != nil {
		return err
	}
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
	value, err := session.DescriptionRecord(machine.Start{Channel: channel, GenesisHash: protoutil.BlockHeaderHash(genesis.Header)}, machine.Strict, id)
	if err != nil {
		return err
	}
	if err := topic.Append(ctx, value); log.ClassOf(err) == log.Ambiguous {
		return fmt.Errorf("%w: the description may or may not be in the topic; `network topic` shows it; a second one changes nothing", err)
	} else if err != nil {
		return err
	}
	fmt.Printf("channel %s: described as strict, topic id %s; %d records of the last %s looked at, %d by another writer\n", channel, id.TopicID, all, window, foreign)
	fmt.Println("Every orderer says in its log which rules it reads by, and at which offset they began. If none does,\n" +
		"the record was lost with a leader: run the command again. A second description changes nothing.")
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
where it begins and ends, and the records that its last blocks were made from. When all of them
match, print the setting that lets the orderers take the topic's new id, and with
--restart put it into this network's orderers and restart them. When one does not
match nothing is done: such a topic is not the one that the ledger was made from.`,
		Args: cobra.NoArgs,
		RunE: changing(func(c *cobra.Command, n *fabricnet.Network, _ []string) error {
			return repin(c.Context(), n, channelOf(c, n), restart)
		}),
	}
	channelFlag(c)
	c.Flags().BoolVar(&restart, "restart", false, "put the setting into this network's orderers and restart them")
	return c
}

func repin(ctx context.Context, n *fabricnet.Network, channel string, restart bool) error {
	ctx, cancel := context.WithTimeout(ctx, rulesPatience)
	defer cancel()
	r, first, err := readerOf(n, "")
	if err != nil {
		return err
	}
	brokers, err := r.Brokers(ctx, first, channel)
	if err != nil {
		return err
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
	moved, err := checkMoves(ctx, n, r, channel, topic)
	if err != nil {
		return err
	}
	if set := n.Moved(channel); set == id.TopicID || set == "" && !moved {
		fmt.Printf("channel %s: the topic has the id %s that its orderers expect; there is nothing to be done\n", channel, id.TopicID)
		return nil
	}
	if !restart {
		fmt.Printf("Add this to the list Consensus.Kafka.Topic.Moved in the orderer.yaml of every orderer, also of those\n"+
			"that join later, and leave it there; then restart them:\n  %s=%s\n", channel, id.TopicID)
		return nil
	}
	return n.SetMoved(ctx, channel, id.TopicID)
}

// checkMoves compares every running orderer with the topic. It says whether the
// topic is another than one of them has known.
func checkMoves(ctx context.Context, n *fabricnet.Network, r *inspect.Reader, channel string, topic log.Log) (moved bool, err error) {
	for _, orderer := range inspect.Running(n.Descriptor()) {
		m, err := r.CheckMove(ctx, orderer, channel, topic)
		if errors.Is(err, inspect.ErrNothingOrdered) {
			fmt.Printf("%s: %v; it takes the setting all the same\n", orderer, err)
			continue
		}
		if err != nil {
			return false, fmt.Errorf("%s: %w", orderer, err)
		}
		fmt.Printf("%s: goes on at offset %d; the topic's id was %s and is %s; its last records match\n", orderer, m.Next, m.From, m.To)
		moved = moved || m.From != m.To
	}
	return moved, nil
}
