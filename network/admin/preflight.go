package admin

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/fabric-kafka/orderer/chain/log"
	"github.com/fabric-kafka/orderer/chain/log/kafka"
	"github.com/fabric-kafka/orderer/network/admin/command"
)

// answerTimeout is how long brokers may take to answer a few questions.
const answerTimeout = time.Minute

// preflight are the flags of the command.
type preflight struct {
	command.Flags
	topic   string
	largest uint32
}

// PreflightCommand returns the command preflight.
func PreflightCommand(fill command.Fill) *cobra.Command {
	var p preflight
	c := &cobra.Command{
		Use:   "preflight [CHANNEL]",
		Short: "Check whether a channel's topic and its brokers keep what they acknowledge",
		Long: `Survey a topic as an orderer does when a channel starts (Consensus.Kafka.Preflight): number of
partitions, replication, replicas in sync, min.insync.replicas, cleanup, retention, unclean elections,
max.message.bytes, the rights of this client, the releases of the brokers that host the topic,
and how far the newest record's timestamp is ahead of this machine's clock. Each flaw comes
with the command that fixes it. What the brokers hide is unknown, which is not a flaw, nor is a
warning: a broker that is down, or clocks that differ.

Use the orderer.yaml of an orderer: the rights that are checked are those of its user.
Exits with 1 if there is a flaw.`,
		Example: "  osnkafka preflight mychannel --config /etc/orderer/orderer.yaml\n" +
			"  osnkafka preflight mychannel --brokers kafka1:9092,kafka2:9092 --json",
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: cobra.NoFileCompletions,
		PreRun: func(*cobra.Command, []string) {
			p.Target.Channel = p.topic
		},
	}
	c.RunE = p.Run(fill, command.NeedBrokers, p.survey)
	p.AddBrokers(c)
	p.AddOrderers(c)
	p.AddCommon(c, answerTimeout)
	c.Flags().StringVar(&p.topic, "topic", "", "topic, if it is not named like the channel")
	c.Flags().Uint32Var(&p.largest, "largest-envelope", 0, "AbsoluteMaxBytes of the channel (default: the channel's at --orderer, or 10 MB)")
	return c
}

func (p *preflight) survey(ctx context.Context, t *command.Target, out command.Printer) error {
	largest, err := p.limit(ctx, t)
	if err != nil {
		return err
	}
	if p.topic != "" {
		t.Channel = p.topic
	}
	topic, err := t.Open(ctx, largest)
	if err != nil {
		return err
	}
	defer topic.Close()
	found, err := topic.Survey(ctx)
	if errors.Is(err, log.ErrNoTopic) {
		return fmt.Errorf("%w: the first orderer of the channel creates it with the right settings if there are enough brokers and it has the right Create; "+
			"or create it with one partition, see README.md, section Configure (\"On the brokers\")", err)
	}
	if err != nil {
		return err
	}
	return out.Show(findings{t.Channel, found})
}

// limit returns the size of the largest envelope, or 0 if it is not known.
func (p *preflight) limit(ctx context.Context, t *command.Target) (largest uint32, err error) {
	if p.largest != 0 || len(t.Orderers) == 0 {
		return p.largest, nil
	}
	err = t.AnyOrderer(func(name string) (err error) {
		largest, err = t.Reader.LargestEnvelope(ctx, name, t.Channel)
		return err
	})
	return largest, err
}

// findings is the result of a survey.
type findings struct {
	topic string
	all   []log.Finding
}

// finding is the JSON form of a [log.Finding].
type finding struct {
	Setting string `json:"setting"`
	Value   string `json:"value"`
	Want    string `json:"want"`
	Result  string `json:"result"`
	Risk    string `json:"risk,omitempty"`
	Remedy  string `json:"remedy,omitempty"`
}

func (f findings) Value() any {
	all := make([]finding, len(f.all))
	for i, x := range f.all {
		all[i] = finding{x.Setting, x.Value, x.Want, x.Result.String(), x.Risk, x.Remedy}
	}
	return all
}

func (f findings) Table(out io.Writer) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "RESULT\tSETTING\tVALUE\tWANT")
	for _, x := range f.all {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", x.Result, x.Setting, x.Value, x.Want)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	for _, x := range f.all {
		if x.Remedy == "" {
			continue
		}
		why := x.Risk
		if x.Result == log.Unknown {
			why = "the brokers hide it"
		}
		fmt.Fprintf(out, "\n%s: %s.\n  %s\n", x.Setting, why, strings.TrimSpace(x.Remedy))
	}
	return f.explainSettings(out)
}

// explainSettings prints what belongs in the file that commands for secured brokers name.
func (f findings) explainSettings(out io.Writer) error {
	if !slices.ContainsFunc(f.all, func(x log.Finding) bool { return strings.Contains(x.Remedy, kafka.ToolSettings) }) {
		return nil
	}
	_, err := fmt.Fprintf(out, "\n%s is a file of yours for Kafka's tools: security.protocol, ssl.* and sasl.* of a principal that may\n"+
		"change topics and rights, not of an orderer. SECURITY.md has an example.\n", kafka.ToolSettings)
	return err
}

func (f findings) Err() error {
	flaws := log.Of(log.Flawed, f.all)
	if len(flaws) == 0 {
		return nil
	}
	return fmt.Errorf("topic %q: %d of %d checks found a flaw: run the commands listed with them", f.topic, len(flaws), len(f.all))
}
