package admin

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/fabric-kafka/orderer/chain/log"
	"github.com/fabric-kafka/orderer/consenter/settings"
	"github.com/fabric-kafka/orderer/network/admin/command"
)

// progress are the flags of the command.
type progress struct {
	command.Flags
	prefix string
}

// ProgressCommand returns the command progress.
func ProgressCommand(fill command.Fill) *cobra.Command {
	var p progress
	c := &cobra.Command{
		Use:   "progress [CHANNEL]",
		Short: "Show which block every orderer of a channel has, and compare their hashes",
		Long: `Every orderer commits the progress of its ledger for a consumer group of its own, with the hashes of
some blocks: of the last two, and of the two newest whose numbers are multiples of 16, of 256 and of
each further power of 16. Any two orderers publish a block that both have; where their hashes
differ, one of their ledgers is wrong, or another client has committed for the group. All of this is
read from the brokers; no orderer is asked. A fork shows once the lower ledger is a few blocks
beyond it: up to 16 times the distance between the two orderers.

It needs the right Describe on the topic and on the groups, which Kafka hides without it. Any client
with the right to commit for a group can forge offsets and text: verify compares the blocks
themselves. Exits with 1 if two orderers contradict each other, if none has published, or if several
have and no two of them could be compared; 3 if the progress of some could not be read.`,
		Example:           "  osnkafka progress mychannel --config /etc/orderer/orderer.yaml",
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: cobra.NoFileCompletions,
	}
	c.RunE = p.Run(fill, command.NeedBrokers, p.compare)
	p.AddBrokers(c)
	p.AddOrderers(c)
	p.AddCommon(c, answerTimeout)
	groupPrefix(c, &p.prefix)
	return c
}

func groupPrefix(c *cobra.Command, to *string) {
	c.Flags().StringVar(to, "group-prefix", settings.Default().ConsumerGroup, "the orderers' Consensus.Kafka.ConsumerGroup")
}

func groupPrefixGiven(prefix string) error {
	if prefix == "" {
		return command.Usagef("--group-prefix: want a name; orderers with an empty Consensus.Kafka.ConsumerGroup publish nothing")
	}
	return nil
}

func (p *progress) compare(ctx context.Context, t *command.Target, out command.Printer) error {
	if err := groupPrefixGiven(p.prefix); err != nil {
		return err
	}
	topic, err := t.Open(ctx, 0)
	if err != nil {
		return err
	}
	defer topic.Close()
	if _, err := topic.Identity(ctx); err != nil { // a mistyped name has no publications
		return err
	}
	published, err := topic.Published(ctx, p.prefix+".")
	switch {
	case len(published) == 0 && err != nil:
		return err
	case len(published) == 0:
		return fmt.Errorf("channel %s: no orderer has published under the prefix %q, or none that this user may see: "+
			"grant it Describe on the consumer groups, and compare the prefix with the orderers' Consensus.Kafka.ConsumerGroup", t.Channel, p.prefix)
	}
	r := p.report(t.Channel, published, time.Now())
	return out.Show(r.without(err))
}

// progressReport is what progress prints.
type progressReport struct {
	Channel        string          `json:"channel"`
	Orderers       []publication   `json:"orderers"`
	Compared       int             `json:"comparedPairs"`
	Contradictions []contradiction `json:"contradictions"`
	Silent         []string        `json:"withoutHashes"`    // orderers that publish no hashes, which are not compared
	Unread         string          `json:"unread,omitempty"` // why the progress of others is not here

	unread error
}

// without returns the report with the error of those that could not be read, if there is one.
func (r progressReport) without(err error) progressReport {
	if err != nil {
		r.Unread, r.unread = err.Error(), err
	}
	return r
}

// publication is the JSON form of a [log.Progress].
type publication struct {
	Orderer   string `json:"orderer"`
	Offset    int64  `json:"nextOffset"`
	Block     uint64 `json:"block"`
	Hash      string `json:"hash,omitempty"` // of its header, shortened
	Rules     string `json:"rules,omitempty"`
	ConfigSeq uint64 `json:"configSequence"`
	At        string `json:"publishedAt,omitempty"` // empty: the offset was reset by another client
	Age       int64  `json:"ageSeconds"`
}

type contradiction struct {
	Orderers [2]string `json:"orderers"`
	Block    uint64    `json:"block"` // the oldest that differs of those that both have published
	Hashes   [2]string `json:"hashes"`
}

func (p *progress) report(channel string, published []log.Progress, now time.Time) progressReport {
	r := progressReport{Channel: channel, Contradictions: []contradiction{}, Silent: []string{}}
	name := func(member string) string { return memberName(member, p.prefix) }
	for i, q := range published {
		r.Orderers = append(r.Orderers, publicationOf(q, p.prefix, now))
		if len(q.Hashes) == 0 {
			r.Silent = append(r.Silent, name(q.Member))
		}
		for _, other := range published[:i] {
			if _, ok := log.Comparable(other, q); ok {
				r.Compared++
			}
			if f, forked := log.ForkOf(other, q); forked {
				r.Contradictions = append(r.Contradictions, contradiction{[2]string{name(f.Members[0]), name(f.Members[1])}, f.Block, f.Hashes})
			}
		}
	}
	return r
}

func publicationOf(q log.Progress, prefix string, now time.Time) publication {
	made := publication{Orderer: memberName(q.Member, prefix), Offset: int64(q.Next), Block: q.Block, Rules: q.Rules, ConfigSeq: q.ConfigSeq}
	if len(q.Hashes) > 0 {
		made.Hash = q.Hashes[0].Hash
	}
	if !q.At.IsZero() {
		made.At, made.Age = q.At.UTC().Format(time.RFC3339), int64(now.Sub(q.At).Seconds())
	}
	return made
}

// memberName is a member without the prefix.
func memberName(member, prefix string) string {
	return log.Shown(strings.TrimPrefix(member, prefix+"."))
}

func (r progressReport) Value() any { return r }

func (r progressReport) Table(out io.Writer) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "ORDERER\tBLOCK\tHEADER HASH\tNEXT OFFSET\tRULES\tCONFIG\tPUBLISHED")
	for _, q := range r.Orderers {
		age := "by another client"
		if q.At != "" {
			age = (time.Duration(q.Age) * time.Second).String() + " ago"
		}
		fmt.Fprintf(w, "%s\t%d\t%s\t%d\t%s\t%d\t%s\n", q.Orderer, q.Block, cmp.Or(q.Hash, "not published"), q.Offset, cmp.Or(q.Rules, "unknown"), q.ConfigSeq, age)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	for _, name := range r.Silent {
		fmt.Fprintf(out, "%s publishes no hashes (an older build, or a reset offset): it is not compared\n", name)
	}
	if len(r.Orderers) == 1 && r.unread == nil {
		_, err := fmt.Fprintf(out, "only %s has published: there is nothing to compare its blocks with\n", r.Orderers[0].Orderer)
		return err
	}
	fmt.Fprintf(out, "%d of %d pairs of orderers compared, %d contradict each other\n", r.Compared, len(r.Orderers)*(len(r.Orderers)-1)/2, len(r.Contradictions))
	for _, c := range r.Contradictions {
		fmt.Fprintf(out, "  %s and %s: block %d (or one before it) differs, hashes %s and %s\n", c.Orderers[0], c.Orderers[1], c.Block, c.Hashes[0], c.Hashes[1])
	}
	return nil
}

// Err returns the first contradiction, or else why a comparison that was asked for was
// not made. That there is only one orderer is neither.
func (r progressReport) Err() error {
	switch {
	case len(r.Contradictions) > 0:
		c := r.Contradictions[0]
		return fmt.Errorf("channel %s: orderers %s and %s have different blocks, or another client has committed for one of their groups: "+
			"fetch block %d from both (peer channel fetch %[4]d) and compare; consenter/TROUBLESHOOTING.md has the next steps", r.Channel, c.Orderers[0], c.Orderers[1], c.Block)
	case r.unread != nil:
		return fmt.Errorf("channel %s: not all orderers' progress could be read: %w", r.Channel, r.unread)
	case r.Compared == 0 && len(r.Orderers) > 1:
		return fmt.Errorf("channel %s: no two of the %d orderers that have published could be compared: compare their blocks with `osnkafka verify`", r.Channel, len(r.Orderers))
	}
	return nil
}
