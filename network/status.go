package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/fabric-kafka/orderer/network/client"
	"github.com/fabric-kafka/orderer/network/fabricnet"
	"github.com/fabric-kafka/orderer/network/inspect"
)

// statusReport is what status prints.
type statusReport struct {
	Orderers []ordererStatus `json:"orderers"`
	Peers    []peerStatus    `json:"peers"`
}

type ordererStatus struct {
	Name     string `json:"name"`
	Channel  string `json:"channel"`
	Running  bool   `json:"running"`
	Status   string `json:"status"`
	Relation string `json:"relation"`
	Height   uint64 `json:"height"`
	Next     *int64 `json:"nextOffset"`        // of the record after the last block
	LogEnd   *int64 `json:"logEnd"`            // offset of the next record of the topic
	Waiting  string `json:"waiting,omitempty"` // the brokers that the orderer waits for
	Error    string `json:"error,omitempty"`

	operations string // address of its metrics
}

type peerStatus struct {
	Name    string `json:"name"`
	Channel string `json:"channel"`
	Running bool   `json:"running"`
	Height  uint64 `json:"height"`
	Error   string `json:"error,omitempty"`
}

func statusCommand() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "status",
		Short: "Show how far every orderer and peer is on every channel",
		Args:  cobra.NoArgs,
		RunE: opened(func(c *cobra.Command, n *fabricnet.Network, _ []string) error {
			report := statusOf(c.Context(), n)
			if asJSON {
				out := json.NewEncoder(os.Stdout)
				out.SetIndent("", "  ")
				return out.Encode(report)
			}
			return report.print()
		}),
	}
	c.Flags().BoolVar(&asJSON, "json", false, "as JSON")
	return c
}

// statusTimeout is how long one process may take to answer.
const statusTimeout = 5 * time.Second

func statusOf(ctx context.Context, n *fabricnet.Network) statusReport {
	report := statusReport{Orderers: []ordererStatus{}, Peers: []peerStatus{}}
	d := n.Descriptor()
	for _, ch := range d.Channels {
		end := logEnd(ctx, d.Brokers, ch.Name)
		for _, o := range d.Orderers {
			s := ordererStatus{Name: o.Name, Channel: ch.Name, Running: o.PID != 0, LogEnd: end, operations: o.Operations}
			if s.Running {
				s.ask(ctx, n)
			}
			report.Orderers = append(report.Orderers, s)
		}
		for i, p := range d.Peers {
			s := peerStatus{Name: p.Name, Channel: ch.Name, Running: p.PID != 0}
			if s.Running {
				var err error
				if s.Height, err = n.PeerHeight(ctx, i+1, ch.Name); err != nil {
					s.Error = err.Error()
				}
			}
			report.Peers = append(report.Peers, s)
		}
	}
	return report
}

// logEnd returns the end offset of a topic, or nil if the brokers do not answer or have no such topic.
func logEnd(ctx context.Context, brokers []string, topic string) *int64 {
	ctx, cancel := context.WithTimeout(ctx, statusTimeout)
	defer cancel()
	l, err := inspect.OpenTopic(brokers, topic)
	if err != nil {
		return nil
	}
	defer l.Close()
	b, err := l.Bounds(ctx)
	if err != nil {
		return nil
	}
	end := int64(b.End)
	return &end
}

func (s *ordererStatus) ask(ctx context.Context, n *fabricnet.Network) {
	ctx, cancel := context.WithTimeout(ctx, statusTimeout)
	defer cancel()
	info, err := n.Info(ctx, s.Name, s.Channel)
	if err != nil {
		s.Error = err.Error()
		return
	}
	s.Status, s.Relation, s.Height = info.Status, info.Relation, info.Height
	if s.Waiting, err = waitingFor(ctx, s.operations, s.Channel); err != nil {
		s.Error = err.Error()
	}
	if s.Next, err = nextOffset(ctx, n, s.Name, s.Channel); err != nil {
		s.Error = err.Error()
	}
}

// nextOffset returns the offset after that of an orderer's last block.
func nextOffset(ctx context.Context, n *fabricnet.Network, orderer, channel string) (*int64, error) {
	r, err := fabricnet.NewReader(n.Dir(), n.Descriptor())
	if err != nil {
		return nil, err
	}
	o, err := r.Dial(orderer)
	if err != nil {
		return nil, err
	}
	defer o.Close()
	b, err := o.Newest(ctx, r.Identity(), channel)
	if err != nil {
		return nil, err
	}
	s, err := client.Summarize(b)
	if err != nil || s.Offset == nil {
		return nil, err
	}
	next := *s.Offset + 1
	return &next, nil
}

func (r statusReport) print() error {
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "NODE\tCHANNEL\tSTATUS\tRELATION\tHEIGHT\tNEXT OFFSET\tLOG END\t")
	for _, o := range r.Orderers {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%d\t%s\t%s\t%s\n", o.Name, o.Channel, running(o.Running, o.Status), o.Relation, o.Height, offsetText(o.Next), offsetText(o.LogEnd), cmp.Or(o.Error, o.Waiting))
	}
	for _, p := range r.Peers {
		fmt.Fprintf(w, "%s\t%s\t%s\t-\t%d\t-\t-\t%s\n", p.Name, p.Channel, running(p.Running, "up"), p.Height, p.Error)
	}
	return w.Flush()
}

func running(is bool, status string) string {
	if !is {
		return "not running"
	}
	return status
}
