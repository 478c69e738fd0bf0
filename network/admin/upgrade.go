package admin

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/hyperledger/fabric/protoutil"
	"github.com/spf13/cobra"

	"github.com/fabric-kafka/orderer/chain/log"
	"github.com/fabric-kafka/orderer/chain/machine"
	"github.com/fabric-kafka/orderer/network/admin/command"
	"github.com/fabric-kafka/orderer/network/inspect"
)

// upgrade are the flags of the command upgrade-rules.
type upgrade struct {
	command.Flags
	window time.Duration
	force  bool
	dryRun bool
}

// UpgradeRulesCommand returns the command upgrade-rules.
func UpgradeRulesCommand(fill command.Fill) *cobra.Command {
	var u upgrade
	c := &cobra.Command{
		Use:   "upgrade-rules [CHANNEL]",
		Short: "Upgrade a channel from the in-tree orderers' rules to the strict rules",
		Long: `Append a description to the topic of a channel that is read by the rules of in-tree orderers
(compatible): from that record on, every orderer of ours uses the strict rules, permanently.
In-tree orderers do not understand it, and their ledgers would fork from ours there: the
command refuses if it finds a record of another client within the window, by the records'
timestamps, or in the last thousand records. An idle in-tree orderer is not found. Run it at a quiet time,
when all orderers of the channel are ours and no config update is in progress. With --force
nothing protects in-tree orderers that are still running.

It needs the rights Read and Write on the topic, and an identity that may read the channel.`,
		Example: "  osnkafka upgrade-rules mychannel --config /etc/orderer/orderer.yaml --orderer orderer1:7050 \\\n" +
			"    --cafile tlsca.pem --mspdir msp --mspid OrdererMSP --dry-run",
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: cobra.NoFileCompletions,
	}
	c.RunE = u.Run(fill, command.NeedOrderers|command.NeedBrokers, u.describe)
	u.AddBrokers(c)
	u.AddOrderers(c)
	u.AddCommon(c, changeTimeout)
	c.Flags().DurationVar(&u.window, "window", 10*time.Minute, "time within which no other client may have appended")
	c.Flags().BoolVar(&u.force, "force", false, "upgrade even if another client was seen: only when it is known to be gone")
	c.Flags().BoolVar(&u.dryRun, "dry-run", false, "check everything, but append nothing")
	return c
}

func (u *upgrade) describe(ctx context.Context, t *command.Target, p command.Printer) error {
	if err := command.Positive("window", u.window); err != nil {
		return err
	}
	members, genesis, err := compatible(ctx, t)
	if err != nil {
		return err
	}
	topic, err := t.Open(ctx, 0)
	if err != nil {
		return err
	}
	defer topic.Close()
	if err := sameTopic(ctx, t, topic, members); err != nil {
		return err
	}
	seen, err := inspect.ForeignWriters(ctx, topic, u.window)
	switch {
	case err != nil:
		return err
	case seen.Foreign > 0 && !u.force:
		return fmt.Errorf("%d of the last %d records were not written by an orderer of ours, for instance %s: stop the in-tree orderers, and try again "+
			"when none of theirs is among the last thousand and those of the last %s; --force if the writer is known to be gone", seen.Foreign, seen.Records, foreignText(seen.First), u.window)
	}
	id, err := topic.Identity(ctx)
	if err != nil {
		return err
	}
	r := upgraded{Channel: t.Channel, TopicID: id.TopicID, Records: seen.Records, Foreign: seen.Foreign, Window: u.window.String()}
	if !u.dryRun {
		d := description{topic: topic, checked: seen.Next}
		if r.late, err = d.append(ctx, machine.Start{Channel: t.Channel, GenesisHash: genesis}, id); err != nil {
			return err
		}
		r.Described, r.Offset, r.Late = true, int64(d.at), r.late.Foreign
	}
	return p.Show(r)
}

// sameTopic returns an error unless the topic is the one that the members' ledgers were made from: what
// is appended to another stays there.
func sameTopic(ctx context.Context, t *command.Target, topic log.Log, members []string) error {
	for _, name := range members {
		m, err := t.Reader.CheckMove(ctx, name, t.Channel, topic)
		switch {
		case errors.Is(err, inspect.ErrNothingOrdered):
		case err != nil:
			return fmt.Errorf("%s: %w: name the brokers that hold the topic of its ledger", name, err)
		case m.From != "" && m.From != m.To:
			return fmt.Errorf("%s: its ledger was made from the topic with id %s, and these brokers have %s: name the brokers of that topic, or see `osnkafka repin` if it was moved", name, m.From, m.To)
		}
	}
	return nil
}

// compatible returns the orderers that have the channel, and the hash of its genesis block by
// them, and an error if one of them reads it by the strict rules.
func compatible(ctx context.Context, t *command.Target) (members []string, hash []byte, err error) {
	members, err = t.Joined(ctx)
	if err != nil {
		return nil, nil, err
	}
	for _, name := range members {
		set, err := t.Reader.RuleSet(ctx, name, t.Channel)
		if err != nil {
			return nil, nil, err
		}
		if set == machine.Strict {
			return nil, nil, fmt.Errorf("channel %s is read by the strict rules already, by the last block of %s: there is nothing to upgrade", t.Channel, name)
		}
		block, err := t.Reader.Block(ctx, name, t.Channel, 0)
		if err != nil {
			return nil, nil, err
		}
		of := protoutil.BlockHeaderHash(block.Header)
		if hash != nil && !bytes.Equal(hash, of) {
			return nil, nil, fmt.Errorf("channel %s: orderers %s and %s have different genesis blocks: name orderers of one network", t.Channel, members[0], name)
		}
		hash = of
	}
	return members, hash, nil
}

func foreignText(first []inspect.Foreign) string {
	var parts []string
	for _, f := range first {
		parts = append(parts, fmt.Sprintf("%s at offset %d", f.Kind, f.Offset))
	}
	return strings.Join(parts, ", ")
}
