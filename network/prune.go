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
	"github.com/fabric-kafka/orderer/consenter"
	"github.com/fabric-kafka/orderer/consenter/settings"
	"github.com/fabric-kafka/orderer/network/fabricnet"
	"github.com/fabric-kafka/orderer/network/prune"
)

// pruning is what the command was given.
type pruning struct {
	prune.Options
	orderers    []string // --orderer, not yet parsed
	brokers     []string
	config      string
	configBlock string
	dryRun      bool
}

func pruneCommand() *cobra.Command {
	var p pruning
	c := &cobra.Command{
		Use:   "prune [CHANNEL]",
		Short: "Delete records of a topic that every orderer has in its blocks on disk",
		Long: `Every orderer commits how far its ledger is, for a consumer group of its own
(kafka-consumer-groups --describe shows it). Delete the records below what the slowest needs
next, less --keep.

Nothing is deleted without proof about each orderer of the channel. Name every one with
--orderer MSPID.NAME, as its group ends: ID of its MSP and common name of its certificate. Where
its address in the channel's config is not NAME:PORT, add the address: --orderer
MSPID.NAME=HOST:PORT. Give the channel's newest config block, as ` + "`peer channel fetch config`" + ` writes
it. Then each orderer must have published, lately, by the strict rules, and at no later config; each
organization and each address of orderers in the config must be that of an orderer named;
and nobody else may have published, except orderers that are gone and are named with --without.
If anything is missing the command says what, and who has published, and deletes nothing.

Remove the address of an orderer that is gone by a config update first. What an orderer
published before it was restored from a backup counts until it publishes again; it then takes
the blocks that the topic no longer has from other orderers, as one that joins later does.

Without --config-block the channel is of the network in --dir, whose orderers are known.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			p.Now = time.Now()
			ctx, cancel := context.WithTimeout(c.Context(), rulesPatience)
			defer cancel()
			return p.start(ctx, dirOf(c), args)
		},
	}
	f := c.Flags()
	f.Int64Var(&p.Keep, "keep", 1000, "records to keep below what the slowest orderer needs next")
	f.BoolVar(&p.dryRun, "dry-run", false, "say what would be deleted, and delete nothing")
	f.DurationVar(&p.MaxAge, "max-age", 10*time.Minute, "what an orderer published longer ago does not count")
	f.StringArrayVar(&p.orderers, "orderer", nil, "MSPID.NAME[=HOST:PORT,...] of an orderer of the channel; repeat it for each")
	f.StringArrayVar(&p.Without, "without", nil, "MSPID.NAME of an orderer that has published and is gone; may be repeated")
	f.StringVar(&p.configBlock, "config-block", "", "file with the channel's newest config block, for a channel outside of a network folder")
	f.StringVar(&p.Prefix, "group-prefix", settings.Default().ConsumerGroup, "the orderers' Consensus.Kafka.ConsumerGroup")
	f.StringSliceVar(&p.brokers, "brokers", nil, "HOST:PORT of brokers (default: those of the channel's config)")
	f.StringVar(&p.config, "config", "", "orderer.yaml whose Consensus.Kafka says how brokers are reached; its user needs the rights of pruning (SECURITY.md)")
	return c
}

func (p *pruning) start(ctx context.Context, dir string, args []string) error {
	for _, text := range p.orderers {
		o, err := prune.ParseOrderer(text)
		if err != nil {
			return err
		}
		p.Orderers = append(p.Orderers, o)
	}
	channel, err := p.channel(ctx, dir, args)
	if err != nil {
		return err
	}
	if len(args) > 0 && args[0] != channel.Name {
		return fmt.Errorf("the config block is of channel %q, not %q", channel.Name, args[0])
	}
	return p.run(ctx, channel)
}

// channel reads the channel's config, and names the orderers if they are a network's.
func (p *pruning) channel(ctx context.Context, dir string, args []string) (prune.Channel, error) {
	if p.configBlock == "" && len(p.brokers) > 0 {
		return prune.Channel{}, errors.New("--brokers alone does not show which orderers the channel has: add its newest config block, --config-block FILE " +
			"(`peer channel fetch config`), and each of its orderers, --orderer MSPID.NAME")
	}
	if p.configBlock == "" {
		return p.ofNetwork(ctx, dir, args)
	}
	text, err := os.ReadFile(p.configBlock)
	if err != nil {
		return prune.Channel{}, err
	}
	channel, err := prune.ReadChannel(text)
	if err != nil {
		return prune.Channel{}, fmt.Errorf("%s: %w", p.configBlock, err)
	}
	return channel, nil
}

// ofNetwork prunes a channel of a network's: its orderers are known.
func (p *pruning) ofNetwork(ctx context.Context, dir string, args []string) (prune.Channel, error) {
	n, err := fabricnet.Open(dir)
	if err != nil {
		return prune.Channel{}, fmt.Errorf("%w; for a channel of another network, give its newest config block: --config-block FILE", err)
	}
	for _, o := range n.Descriptor().Orderers {
		name, err := memberOf(n.Dir(), o)
		if err != nil {
			return prune.Channel{}, err
		}
		p.Orderers = append(p.Orderers, prune.Orderer{Name: name, Addresses: []string{o.Address}})
	}
	name := n.Descriptor().Channels[0].Name
	if len(args) > 0 {
		name = args[0]
	}
	r, first, err := readerOf(n, "")
	if err != nil {
		return prune.Channel{}, err
	}
	block, err := r.ConfigBlock(ctx, first, name)
	if err != nil {
		return prune.Channel{}, err
	}
	return prune.ChannelOf(block)
}

// memberOf is a network's orderer as its consumer group ends.
func memberOf(dir string, o fabricnet.Orderer) (string, error) {
	certificates, err := filepath.Glob(filepath.Join(dir, o.MSPDir, "signcerts", "*.pem"))
	if err != nil || len(certificates) != 1 {
		return "", fmt.Errorf("%s: want one certificate in %s, found %d", o.Name, o.MSPDir, len(certificates))
	}
	b, err := os.ReadFile(certificates[0])
	return consenter.GroupOf("", o.MSPID, b)[1:], err
}

func (p *pruning) run(ctx context.Context, channel prune.Channel) error {
	opened, err := p.open(channel)
	if err != nil {
		return err
	}
	defer opened.Close()
	topic := opened.(trimmable)
	plan, err := p.plan(ctx, topic, channel)
	if err != nil {
		return fmt.Errorf("channel %s: nothing is deleted: %w", channel.Name, err)
	}
	fmt.Print(plan.Table(p.Options))
	what := fmt.Sprintf("channel %s: %d records, offsets %d to %d", channel.Name, plan.Records(), plan.From, plan.Below-1)
	switch {
	case plan.Records() == 0:
		fmt.Printf("channel %s: there is nothing to delete: the topic starts at offset %d, and %s needs those from %d on; %d below are kept\n",
			channel.Name, plan.From, plan.Slowest.Member, plan.Slowest.Next, p.Keep)
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

// open opens the channel's topic on the brokers that were named, on those of the
// orderer.yaml, or on those of the channel's config.
func (p *pruning) open(channel prune.Channel) (log.Log, error) {
	c, err := consenterOf(p.config)
	if err != nil {
		return nil, err
	}
	brokers := p.brokers
	if len(brokers) == 0 && len(c.Brokers()) == 0 {
		if brokers = channel.Brokers; len(brokers) == 0 {
			return nil, fmt.Errorf("the config of channel %s names no broker that can be connected to: add --brokers HOST:PORT", channel.Name)
		}
	}
	return c.OpenTopic(brokers, channel.Name, defaultLargest)
}

// trimmable is a topic as it is opened on brokers.
type trimmable interface {
	log.Log
	Trim(ctx context.Context, start log.Offset) error
}

var _ trimmable = (*kafka.Log)(nil)

func (p *pruning) plan(ctx context.Context, topic log.Log, channel prune.Channel) (prune.Plan, error) {
	published, err := topic.Published(ctx, p.Prefix+".")
	if err != nil {
		return prune.Plan{}, err
	}
	bounds, err := topic.Bounds(ctx) // after them: nobody can have read beyond the end
	if err != nil {
		return prune.Plan{}, err
	}
	return prune.Make(bounds, published, channel, p.Options)
}
