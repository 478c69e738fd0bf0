package admin

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	cb "github.com/hyperledger/fabric-protos-go/common"
	"github.com/hyperledger/fabric/protoutil"
	"github.com/spf13/cobra"

	blocks "github.com/fabric-kafka/orderer/chain/block"
	"github.com/fabric-kafka/orderer/chain/log"
	"github.com/fabric-kafka/orderer/chain/session"
	"github.com/fabric-kafka/orderer/network/admin/command"
	"github.com/fabric-kafka/orderer/network/prune"
)

// pruning are the flags of the command prune.
type pruning struct {
	command.Flags
	prune.Options
	members     []string // --member, not yet parsed
	configBlock string
	dryRun      bool
}

const pruneLong = `Every orderer commits the progress of its ledger for a consumer group of its own
(kafka-consumer-groups.sh --describe shows it). Delete the records below the next offset of the
slowest one, less --keep.

Nothing is deleted without proof about each orderer of the channel. Name every one with
--member MSPID.NAME, as its group ends: ID of its MSP and common name of its certificate. Where
its address in the channel's config is not NAME:PORT, add the address: --member
MSPID.NAME=HOST:PORT. Give the channel's newest config block, as ` + "`peer channel fetch config`" + ` writes
it, or --orderer. Each member must then have published recently, by the strict rules, and at no later
config; each organization and each address of orderers in the config must be that of a member;
and nobody else may have published, except orderers that are gone and are named with --without.
If anything is missing the command lists it, with who has published, and deletes nothing.

With --orderer the blocks of these orderers prove what was published: the hash of each member's
last block, and the offset after that block. Name an orderer of each organization that you
do not trust to commit for its own group only.

Remove the address of an orderer that is gone by a config update first. What an orderer
published before it was restored from a backup counts until it publishes again; it then pulls
the blocks that the topic no longer has from other orderers, as one that joins later does.

It needs the rights Delete on the topic and Describe on the groups (SECURITY.md), which no orderer
should have: use a principal for this alone. Exits with 1 if nothing may be deleted.`

// PruneCommand returns the command prune.
func PruneCommand(fill command.Fill) *cobra.Command {
	var p pruning
	c := &cobra.Command{
		Use:   "prune [CHANNEL]",
		Short: "Delete records of a topic that every orderer has in its blocks on disk",
		Long:  pruneLong,
		Example: "  osnkafka prune mychannel --config pruning.yaml --config-block config.block --dry-run \\\n" +
			"    --member OrdererMSP.orderer1.example.com --member OrdererMSP.orderer2.example.com=10.0.0.2:7050",
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: cobra.NoFileCompletions,
	}
	c.RunE = func(c *cobra.Command, args []string) error {
		needed, err := p.needs(fill)
		if err != nil {
			return err
		}
		return p.Run(fill, needed, p.prune)(c, args)
	}
	p.AddBrokers(c)
	p.AddOrderers(c)
	p.AddCommon(c, changeTimeout)
	p.bind(c)
	return c
}

func (p *pruning) bind(c *cobra.Command) {
	f := c.Flags()
	f.Int64Var(&p.Keep, "keep", 1000, "records to keep below what the slowest orderer needs next")
	f.BoolVar(&p.dryRun, "dry-run", false, "show what would be deleted, and delete nothing")
	f.DurationVar(&p.MaxAge, "max-age", 10*time.Minute, "maximal age of what an orderer has published")
	f.StringArrayVar(&p.members, "member", nil, "MSPID.NAME[=HOST:PORT,...] of an orderer of the channel; repeat it for each")
	f.StringArrayVar(&p.Without, "without", nil, "MSPID.NAME of an orderer that has published and is gone; may be repeated")
	f.StringVar(&p.configBlock, "config-block", "", "file with the channel's newest config block (default: that of --orderer)")
	command.MustMark(c.MarkFlagFilename("config-block"))
	groupPrefix(c, &p.Prefix)
}

// needs returns what is needed in addition to the flags.
func (p *pruning) needs(fill command.Fill) (command.Need, error) {
	for _, a := range p.OrdererAddresses {
		if !strings.Contains(a, ":") || strings.Contains(a, "=") {
			return 0, command.Usagef("--orderer %s: want HOST:PORT, where blocks are read; name the channel's orderers with --member MSPID.NAME", a)
		}
	}
	if err := cmp.Or(command.NotNegative("keep", p.Keep), command.Positive("max-age", p.MaxAge), groupPrefixGiven(p.Prefix)); err != nil {
		return 0, err
	}
	if p.configBlock != "" {
		return command.AnyChannel, nil
	}
	if len(p.OrdererAddresses) == 0 && (fill == nil || len(p.Target.Brokers) > 0) {
		return 0, command.Usagef("nothing shows which orderers the channel has: add its newest config block, --config-block FILE " +
			"(`peer channel fetch config`), or --orderer HOST:PORT of one that has it; and each of its orderers, --member MSPID.NAME")
	}
	return command.NeedOrderers, nil
}

func (p *pruning) prune(ctx context.Context, t *command.Target, out command.Printer) error {
	p.Now = time.Now()
	if err := p.parse(t); err != nil {
		return err
	}
	channel, err := p.channel(ctx, t)
	if err != nil {
		return err
	}
	if t.Channel != "" && t.Channel != channel.Name {
		return command.Usagef("the config block is of channel %q, not %q", channel.Name, t.Channel)
	}
	t.Channel = channel.Name
	topic, err := t.OpenOr(ctx, 0, func(context.Context) ([]string, error) {
		if len(channel.Brokers) == 0 {
			return nil, command.Usagef("the config of channel %s names no broker that can be connected to: add --brokers HOST:PORT", channel.Name)
		}
		return channel.Brokers, nil
	})
	if err != nil {
		return err
	}
	defer topic.Close()
	return p.trim(ctx, t, topic, channel, out)
}

// parse adds the members of the flags to those of the target.
func (p *pruning) parse(t *command.Target) error {
	p.Orderers = slices.Clone(t.Members)
	for _, text := range p.members {
		o, err := prune.ParseOrderer(text)
		if err != nil {
			return command.Usage(err)
		}
		p.Orderers = append(p.Orderers, o)
	}
	return nil
}

// channel reads the channel's config.
func (p *pruning) channel(ctx context.Context, t *command.Target) (prune.Channel, error) {
	if p.configBlock != "" {
		text, err := os.ReadFile(p.configBlock)
		if err != nil {
			return prune.Channel{}, command.Usage(err)
		}
		channel, err := prune.ReadChannel(text)
		if err != nil {
			return prune.Channel{}, command.Usagef("%s: %w", p.configBlock, err)
		}
		return channel, nil
	}
	members, err := t.Joined(ctx)
	if err != nil {
		return prune.Channel{}, err
	}
	var newest *cb.Block
	for _, name := range members {
		b, err := t.Reader.ConfigBlock(ctx, name, t.Channel)
		if err != nil {
			return prune.Channel{}, err
		}
		if newest == nil || b.Header.Number > newest.Header.Number {
			newest = b
		}
	}
	return prune.ChannelOf(newest)
}

// trim deletes the records that may be deleted.
func (p *pruning) trim(ctx context.Context, t *command.Target, topic command.Topic, channel prune.Channel, out command.Printer) error {
	published, plan, err := p.plan(ctx, t, topic, channel)
	r := pruned{Channel: channel.Name, DryRun: p.dryRun, options: p.Options, plan: plan}
	for _, q := range published {
		r.Orderers = append(r.Orderers, publicationOf(q, p.Prefix, p.Now))
	}
	var refusal prune.Refusal
	if errors.As(err, &refusal) {
		return out.Show(r.refused(refusal))
	}
	if err != nil {
		return fmt.Errorf("channel %s: nothing is deleted: %w", channel.Name, err)
	}
	r.From, r.Below, r.Records = int64(plan.From), int64(plan.Below), plan.Records()
	if r.Deleted = r.Records > 0 && !p.dryRun; r.Deleted {
		if err := topic.Trim(ctx, plan.Below); err != nil {
			return err
		}
	}
	return out.Show(r)
}

func (p *pruning) plan(ctx context.Context, t *command.Target, topic log.Log, channel prune.Channel) ([]log.Progress, prune.Plan, error) {
	published, err := topic.Published(ctx, p.Prefix+".")
	if err != nil {
		return nil, prune.Plan{}, err
	}
	if p.Witnesses, err = witnesses(ctx, t, published); err != nil { // after what was published: ledgers only grow
		return published, prune.Plan{}, err
	}
	bounds, err := topic.Bounds(ctx) // after that, too, so that no published offset is beyond the end
	if err != nil {
		return published, prune.Plan{}, err
	}
	plan, err := prune.Make(bounds, published, channel, p.Options)
	return published, plan, err
}

// witnesses reads the last blocks of members at the orderers that have the channel.
func witnesses(ctx context.Context, t *command.Target, published []log.Progress) (all []prune.Witness, err error) {
	if len(t.Orderers) == 0 {
		return nil, nil
	}
	members, err := t.Reader.Members(ctx, t.Channel, t.Orderers)
	if err != nil {
		return nil, err
	}
	for _, name := range members {
		w := prune.Witness{Address: t.Reader.Address(name), Blocks: map[uint64]prune.Block{}}
		if w.Height, err = t.Reader.Height(ctx, name, t.Channel); err != nil {
			return nil, err
		}
		for _, q := range published {
			if q.Block >= w.Height {
				continue
			}
			if w.Blocks[q.Block], err = witnessed(ctx, t, name, q.Block); err != nil {
				return nil, err
			}
		}
		all = append(all, w)
	}
	return all, nil
}

// witnessed returns a block of an orderer in the form of a witness.
func witnessed(ctx context.Context, t *command.Target, orderer string, number uint64) (prune.Block, error) {
	block, err := t.Reader.Block(ctx, orderer, t.Channel, number)
	if err != nil {
		return prune.Block{}, err
	}
	b, err := blocks.Decode(block) // as orderers do when they publish
	if err != nil {
		return prune.Block{}, fmt.Errorf("%s: block %d: %w", orderer, number, err)
	}
	position, err := session.Position(number+1, b.Metadata)
	if err != nil {
		return prune.Block{}, fmt.Errorf("%s: %w", orderer, err)
	}
	return prune.Block{Hash: log.NewBlockHash(number, protoutil.BlockHeaderHash(block.Header)), Next: log.Offset(position.Offset + 1)}, nil
}
