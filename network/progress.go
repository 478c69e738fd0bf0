package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/fabric-kafka/orderer/chain/log"
	"github.com/fabric-kafka/orderer/consenter/settings"
)

// publications is whose progress is looked at, and as whom.
type publications struct {
	preflight // which topic, on which brokers, as whom, and how it is printed
	prefix    string
	now       time.Time
}

func progressCommand() *cobra.Command {
	p := publications{now: time.Now()}
	c := &cobra.Command{
		Use:   "progress [CHANNEL]",
		Short: "Show what every orderer of a channel has published, and compare their blocks; exit 1 if two contradict each other",
		Long: `Every orderer commits, for a consumer group of its own, how far its ledger is, and hashes of some of
its blocks: of the last two, and of the two newest whose numbers are multiples of 16, of 256 and of
each further power of 16. Any two orderers publish a block that both have; where their hashes
differ, one of their ledgers is wrong, or somebody else has committed for the group. No orderer is
asked: the brokers have it all. What a fork has changed is shown once the older of two last
blocks is a few blocks beyond it: up to 16 times as many as the orderers are apart.

The channel is of the network in --dir, or with --brokers any. With --config the brokers are reached
as the orderer with that orderer.yaml reaches them. It takes the right Describe on the topic and on
the groups, which Kafka hides without it. Offsets and text are as somebody committed them, perhaps
in another's name: to compare the blocks themselves, fetch them (peer channel fetch).`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if err := p.aim(c, args); err != nil {
				return err
			}
			return p.run(c.Context(), os.Stdout)
		},
	}
	f := c.Flags()
	f.StringSliceVar(&p.brokers, "brokers", nil, "HOST:PORT of any cluster's brokers (default: those of the network, or of --config)")
	f.StringVar(&p.config, "config", "", "orderer.yaml whose Consensus.Kafka says how brokers are reached")
	f.StringVar(&p.prefix, "group-prefix", settings.Default().ConsumerGroup, "the orderers' Consensus.Kafka.ConsumerGroup")
	f.BoolVar(&p.asJSON, "json", false, "as JSON")
	return c
}

func (p *publications) run(ctx context.Context, out io.Writer) error {
	ctx, cancel := context.WithTimeout(ctx, preflightPatience)
	defer cancel()
	topic, err := openAs(p.config, p.brokers, p.topic, p.largest)
	if err != nil {
		return err
	}
	defer topic.Close()
	if _, err := topic.Identity(ctx); err != nil { // a mistyped name has no publications
		return err
	}
	published, err := topic.Published(ctx, p.prefix+".")
	if err != nil {
		return err
	}
	if len(published) == 0 {
		return fmt.Errorf("channel %s: no orderer has published under the prefix %q, or none that this user may see: "+
			"grant it Describe on the consumer groups, and compare the prefix with the orderers' Consensus.Kafka.ConsumerGroup", p.topic, p.prefix)
	}
	report := p.report(published)
	if err := p.show(out, report); err != nil {
		return err
	}
	return report.verdict()
}

// progressReport is what progress prints.
type progressReport struct {
	Channel        string          `json:"channel"`
	Orderers       []publication   `json:"orderers"`
	Compared       int             `json:"comparedPairs"`
	Contradictions []contradiction `json:"contradictions"`
	Silent         []string        `json:"withoutHashes"` // orderers that publish no hashes, which are compared with nobody
}

type publication struct {
	Orderer   string `json:"orderer"`
	Offset    int64  `json:"nextOffset"`
	Block     uint64 `json:"block"`
	Hash      string `json:"hash,omitempty"` // of its header, shortened
	Rules     string `json:"rules,omitempty"`
	ConfigSeq uint64 `json:"configSequence"`
	At        string `json:"publishedAt,omitempty"` // empty: no orderer has, somebody reset the offset
	Age       int64  `json:"ageSeconds"`
}

type contradiction struct {
	Orderers [2]string `json:"orderers"`
	Block    uint64    `json:"block"` // the oldest that differs of those that both have published
	Hashes   [2]string `json:"hashes"`
}

func (p *publications) report(published []log.Progress) progressReport {
	r := progressReport{Channel: p.topic, Contradictions: []contradiction{}, Silent: []string{}}
	for i, q := range published {
		r.Orderers = append(r.Orderers, p.publication(q))
		if len(q.Hashes) == 0 {
			r.Silent = append(r.Silent, p.name(q.Member))
		}
		for _, other := range published[:i] {
			if _, ok := log.Comparable(other, q); ok {
				r.Compared++
			}
			if f, forked := log.ForkOf(other, q); forked {
				r.Contradictions = append(r.Contradictions, contradiction{[2]string{p.name(f.Members[0]), p.name(f.Members[1])}, f.Block, f.Hashes})
			}
		}
	}
	return r
}

func (p *publications) publication(q log.Progress) publication {
	made := publication{Orderer: p.name(q.Member), Offset: int64(q.Next), Block: q.Block, Rules: q.Rules, ConfigSeq: q.ConfigSeq}
	if len(q.Hashes) > 0 {
		made.Hash = q.Hashes[0].Hash
	}
	if !q.At.IsZero() {
		made.At, made.Age = q.At.UTC().Format(time.RFC3339), int64(p.now.Sub(q.At).Seconds())
	}
	return made
}

// name is a member without the prefix.
func (p *publications) name(member string) string {
	return log.Shown(strings.TrimPrefix(member, p.prefix+"."))
}

func (p *publications) show(out io.Writer, r progressReport) error {
	if p.asJSON {
		encoder := json.NewEncoder(out)
		encoder.SetIndent("", "  ")
		return encoder.Encode(r)
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "ORDERER\tBLOCK\tHEADER HASH\tNEXT OFFSET\tRULES\tCONFIG\tPUBLISHED")
	for _, q := range r.Orderers {
		age := "by somebody else"
		if q.At != "" {
			age = (time.Duration(q.Age) * time.Second).String() + " ago"
		}
		fmt.Fprintf(w, "%s\t%d\t%s\t%d\t%s\t%d\t%s\n", q.Orderer, q.Block, cmp.Or(q.Hash, "not published"), q.Offset, cmp.Or(q.Rules, "unknown"), q.ConfigSeq, age)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	for _, name := range r.Silent {
		fmt.Fprintf(out, "%s publishes no hashes (an older build, or a reset offset): it is compared with nobody\n", name)
	}
	fmt.Fprintf(out, "%d of %d pairs of orderers compared, %d contradict each other\n", r.Compared, len(r.Orderers)*(len(r.Orderers)-1)/2, len(r.Contradictions))
	for _, c := range r.Contradictions {
		fmt.Fprintf(out, "  %s and %s: block %d (or one before it) differs, hashes %s and %s\n", c.Orderers[0], c.Orderers[1], c.Block, c.Hashes[0], c.Hashes[1])
	}
	return nil
}

func (r progressReport) verdict() error {
	if len(r.Contradictions) == 0 {
		return nil
	}
	c := r.Contradictions[0]
	return errors.New("channel " + r.Channel + ": orderers " + c.Orderers[0] + " and " + c.Orderers[1] + " have different blocks, or somebody else has committed for one of their groups: " +
		fmt.Sprintf("fetch block %d from both (peer channel fetch %[1]d) and compare; consenter/TROUBLESHOOTING.md says what to do", c.Block))
}
