package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/fabric-kafka/orderer/chain/log"
	"github.com/fabric-kafka/orderer/chain/log/kafka"
	"github.com/fabric-kafka/orderer/chain/machine"
	"github.com/fabric-kafka/orderer/consenter"
	"github.com/fabric-kafka/orderer/network/fabricnet"
	"github.com/fabric-kafka/orderer/network/prune"
)

// pruning is what the command was told.
type pruning struct {
	prune.Options
	brokers []string
	config  string
	prefix  string
	dryRun  bool
}

func pruneCommand() *cobra.Command {
	var p pruning
	c := &cobra.Command{
		Use:   "prune [CHANNEL]",
		Short: "Delete records of a topic that every orderer has in its blocks on disk",
		Long: `Every orderer commits how far its ledger is, for a consumer group of its own
(kafka-consumer-groups --describe shows it). Delete the records below what the slowest needs
next, less --keep. An orderer that has published nothing, or not lately, is in the way: then
nothing is deleted, and all that is in the way is said.

An orderer that joins later, or from an old backup, takes the blocks that the topic does not have
any more from other orderers. In-tree orderers on the same topic publish nothing: a channel
that is read by their rules is refused.

What an orderer published before it was removed and joined again, or restored from a backup, counts until
it publishes anew; it then takes the blocks from the others.

Without a folder of ` + "`network up`" + `, name the brokers, the channel and the number of its orderers, and
how brokers are reached with --config. The channel must be one of the strict rules: see
chain/COMPATIBLE.md.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			p.Now = time.Now()
			ctx, cancel := context.WithTimeout(c.Context(), rulesPatience)
			defer cancel()
			if len(p.brokers) == 0 {
				return p.ofNetwork(ctx, dirOf(c), args)
			}
			if len(args) == 0 || p.Orderers < 1 {
				return errors.New("with --brokers, name the channel, and with --orderers how many orderers it has")
			}
			return p.run(ctx, args[0])
		},
	}
	f := c.Flags()
	f.Int64Var(&p.Keep, "keep", 1000, "records to keep below what the slowest orderer needs next")
	f.BoolVar(&p.dryRun, "dry-run", false, "say what would be deleted, and delete nothing")
	f.DurationVar(&p.MaxAge, "max-age", 10*time.Minute, "what an orderer published longer ago does not count")
	f.StringSliceVar(&p.Without, "without", nil, "group of an orderer that is gone for good; may be repeated")
	f.StringVar(&p.prefix, "group-prefix", consenter.DefaultConsumerGroup, "the orderers' Consensus.Kafka.ConsumerGroup")
	f.StringSliceVar(&p.brokers, "brokers", nil, "host:port of brokers, for a channel outside of a network folder")
	f.StringVar(&p.config, "config", "", "orderer.yaml whose Consensus.Kafka says how brokers are reached; its user needs the rights of pruning (SECURITY.md)")
	f.IntVar(&p.Orderers, "orderers", 0, "orderers of the channel, for a channel outside of a network folder")
	f.StringSliceVar(&p.Known, "group", nil, "group of an orderer of the channel; may be repeated")
	return c
}

// ofNetwork prunes a channel of a network's: its orderers are known.
func (p *pruning) ofNetwork(ctx context.Context, dir string, args []string) error {
	n, err := fabricnet.Open(dir)
	if err != nil {
		return err
	}
	channel := n.Descriptor().Channels[0].Name
	if len(args) > 0 {
		channel = args[0]
	}
	r, first, err := readerOf(n, "")
	if err != nil {
		return err
	}
	rules, err := r.RuleSet(ctx, first, channel)
	if err != nil {
		return err
	}
	if rules == machine.Compatible {
		return fmt.Errorf("channel %s: in-tree orderers may need any record, and publish nothing; "+
			"`network upgrade-rules` moves the channel to the strict rules once they are gone", channel)
	}
	if p.brokers, err = r.Brokers(ctx, first, channel); err != nil {
		return err
	}
	p.Orderers = len(n.Descriptor().Orderers)
	for _, o := range n.Descriptor().Orderers {
		group, err := groupOf(p.prefix, n.Dir(), o)
		if err != nil {
			return err
		}
		p.Known = append(p.Known, group)
	}
	return p.run(ctx, channel)
}

// groupOf is the consumer group of a network's orderer.
func groupOf(prefix, dir string, o fabricnet.Orderer) (string, error) {
	certificates, err := filepath.Glob(filepath.Join(dir, o.MSPDir, "signcerts", "*.pem"))
	if err != nil || len(certificates) != 1 {
		return "", fmt.Errorf("%s: want one certificate in %s, found %d", o.Name, o.MSPDir, len(certificates))
	}
	b, err := os.ReadFile(certificates[0])
	return consenter.GroupOf(prefix, o.MSPID, b), err
}

func (p *pruning) run(ctx context.Context, channel string) error {
	opened, err := openAs(p.config, p.brokers, channel, defaultLargest)
	if err != nil {
		return err
	}
	defer opened.Close()
	topic := opened.(trimmable)
	plan, err := p.plan(ctx, topic)
	if err != nil {
		return fmt.Errorf("channel %s: nothing is deleted: %w", channel, err)
	}
	fmt.Print(plan)
	what := fmt.Sprintf("channel %s: %d records, offsets %d to %d", channel, plan.Records(), plan.From, plan.Below-1)
	switch {
	case plan.Records() == 0:
		fmt.Printf("channel %s: there is nothing to delete: the topic starts at offset %d, and %s needs those from %d on; %d below are kept\n",
			channel, plan.From, plan.Slowest.Member, plan.Slowest.Next, p.Keep)
		return nil
	case p.dryRun:
		fmt.Println(what, "would be deleted")
		return nil
	}
	if err := topic.Trim(ctx, plan.Below); err != nil {
		return err
	}
	fmt.Println(what, "are deleted")
	return nil
}

// trimmable is a topic as it is opened on brokers.
type trimmable interface {
	log.Log
	Trim(ctx context.Context, start log.Offset) error
}

var _ trimmable = (*kafka.Log)(nil)

func (p *pruning) plan(ctx context.Context, topic log.Log) (prune.Plan, error) {
	bounds, err := topic.Bounds(ctx)
	if err != nil {
		return prune.Plan{}, err
	}
	var published []log.Progress
	if published, err = topic.Published(ctx, p.prefix+"."); err != nil {
		return prune.Plan{}, err
	}
	return prune.Make(bounds, published, p.Options)
}
