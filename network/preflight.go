package main

import (
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
	"github.com/fabric-kafka/orderer/network/fabricnet"
)

// preflight is which topic is looked at, and as whom.
type preflight struct {
	brokers []string
	topic   string
	largest uint32 // AbsoluteMaxBytes of the channel
	config  string // an orderer.yaml; empty: the defaults
	asJSON  bool
}

// preflightPatience is how long the brokers may take to answer.
const preflightPatience = time.Minute

func preflightCommand() *cobra.Command {
	var p preflight
	c := &cobra.Command{
		Use:   "preflight [CHANNEL]",
		Short: "Look whether a channel's topic and its brokers keep what is acknowledged; exit 1 at a flaw",
		Long: `Look at a topic as an orderer does when a channel begins (Consensus.Kafka.Preflight): number of
partitions, replication, min.insync.replicas, cleanup, retention, unclean elections,
max.message.bytes, the rights of this client, the releases of the brokers that hold the topic,
and how far the newest record's time stamp is ahead of this machine's clock. Each flaw comes
with the command that mends it. What the brokers do not tell is said to be unknown, and no flaw.

The topic is a channel's of the network in --dir, or with --brokers any topic. With --config the
brokers are reached as the orderer with that orderer.yaml reaches them: TLS, SASL, Brokers.`,
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
	f.StringVar(&p.topic, "topic", "", "topic (default: CHANNEL)")
	f.Uint32Var(&p.largest, "largest-envelope", 0, "AbsoluteMaxBytes of the channel (default: the channel's, or 10 MB)")
	f.StringVar(&p.config, "config", "", "orderer.yaml whose Consensus.Kafka says how brokers are reached")
	f.BoolVar(&p.asJSON, "json", false, "as JSON")
	return c
}

// defaultLargest is AbsoluteMaxBytes in Fabric's sample configuration.
const defaultLargest = 10 << 20

// aim fills in what the flags leave open.
func (p *preflight) aim(c *cobra.Command, args []string) error {
	if p.topic == "" && len(args) > 0 {
		p.topic = args[0]
	}
	if len(p.brokers) == 0 && p.config == "" {
		if err := p.ofNetwork(c); err != nil {
			return err
		}
	}
	if p.topic == "" {
		return errors.New("name the channel, or the topic with --topic")
	}
	if p.largest == 0 {
		p.largest = defaultLargest
	}
	return nil
}

// ofNetwork takes brokers and limit from an orderer that runs, if one does.
func (p *preflight) ofNetwork(c *cobra.Command) error {
	n, err := fabricnet.Open(dirOf(c))
	if err != nil {
		return fmt.Errorf("%w; with --brokers no network is needed", err)
	}
	d := n.Descriptor()
	if p.topic == "" {
		p.topic = d.Channels[0].Name
	}
	p.brokers = d.Brokers
	running := d.Running()
	if len(running) == 0 {
		return nil
	}
	r, err := fabricnet.NewReader(n.Dir(), d)
	if err != nil {
		return err
	}
	if p.brokers, err = r.Brokers(c.Context(), running[0], p.topic); err != nil {
		return err
	}
	largest, err := r.LargestEnvelope(c.Context(), running[0], p.topic)
	if p.largest == 0 {
		p.largest = largest
	}
	return err
}

func (p *preflight) run(ctx context.Context, out io.Writer) error {
	ctx, cancel := context.WithTimeout(ctx, preflightPatience)
	defer cancel()
	topic, err := openAs(p.config, p.brokers, p.topic, p.largest)
	if err != nil {
		return err
	}
	defer topic.Close()
	found, err := topic.Survey(ctx)
	if errors.Is(err, log.ErrNoTopic) {
		return fmt.Errorf("%w: the first orderer of the channel makes it with the right settings, if there are brokers enough and it may (Create); "+
			"or make it with one partition, see `Broker side` in README.md", err)
	}
	if err != nil {
		return err
	}
	if err := p.print(out, found); err != nil {
		return err
	}
	if flaws := log.Of(log.Flawed, found); len(flaws) > 0 {
		return fmt.Errorf("topic %q: %d of %d looks found a flaw", p.topic, len(flaws), len(found))
	}
	return nil
}

// finding is a log.Finding as JSON has it.
type finding struct {
	Setting string `json:"setting"`
	Value   string `json:"value"`
	Want    string `json:"want"`
	Verdict string `json:"verdict"`
	Risk    string `json:"risk,omitempty"`
	Mend    string `json:"mend,omitempty"`
}

func (p *preflight) print(out io.Writer, found []log.Finding) error {
	if p.asJSON {
		all := make([]finding, len(found))
		for i, f := range found {
			all[i] = finding{f.Setting, f.Value, f.Want, f.Verdict.String(), f.Risk, f.Mend}
		}
		encoder := json.NewEncoder(out)
		encoder.SetIndent("", "  ")
		return encoder.Encode(all)
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "VERDICT\tSETTING\tVALUE\tWANT")
	for _, f := range found {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", f.Verdict, f.Setting, f.Value, f.Want)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	for _, f := range found {
		if f.Mend == "" {
			continue
		}
		why := f.Risk
		if f.Verdict == log.Unknown {
			why = "the brokers do not tell"
		}
		fmt.Fprintf(out, "\n%s: %s.\n  %s\n", f.Setting, why, strings.TrimSpace(f.Mend))
	}
	return nil
}
