package admin

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/fabric-kafka/orderer/network/admin/command"
	"github.com/fabric-kafka/orderer/network/inspect"
)

// changeTimeout is how long orderers and brokers may take to answer what a change needs.
const changeTimeout = 2 * time.Minute

// RepinLong is the description of repin, in osnkafka and in network.
const RepinLong = `Compare the last block of every orderer with the channel's current topic: its first and last
offset, and the records that the last blocks were made from. If all of them match, print the
setting that lets the orderers accept the topic's new id. If one does not match, only the reason
is printed: the topic is not the one that the ledger was made from.`

func repinCommand() *cobra.Command {
	var f command.Flags
	c := &cobra.Command{
		Use:   "repin CHANNEL --orderer HOST:PORT...",
		Short: "Let orderers accept a topic that was moved with its records at their offsets",
		Long: RepinLong + `

Name every orderer of the channel. It needs the right Read on the topic, at the brokers that it was
moved to, and an identity that may read the channel. Exits with 1 if the topic does not match.`,
		Example: "  osnkafka repin mychannel --config /etc/orderer/orderer.yaml --orderer orderer1:7050 --orderer orderer2:7050 \\\n" +
			"    --cafile tlsca.pem --mspdir msp --mspid OrdererMSP",
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: cobra.NoFileCompletions,
	}
	c.RunE = f.Run(nil, command.NeedOrderers|command.NeedBrokers, func(ctx context.Context, t *command.Target, p command.Printer) error {
		r, err := Repin(ctx, t)
		if err != nil {
			return err
		}
		return p.Show(r)
	})
	f.AddBrokers(c)
	f.AddOrderers(c)
	f.AddCommon(c, changeTimeout)
	return c
}

// Repinned is the result of repin.
type Repinned struct {
	Channel   string  `json:"channel"`
	TopicID   string  `json:"topicId"`
	Entry     string  `json:"entry"`                 // for Consensus.Kafka.Topic.Moved
	Needed    bool    `json:"needed"`                // an orderer would refuse the topic's id
	Described string  `json:"describedId,omitempty"` // topic id by the description in the topic's first record
	Orderers  []Moved `json:"orderers"`
}

// Moved is how an orderer's ledger continues in the topic.
type Moved struct {
	Orderer        string `json:"orderer"`
	From           string `json:"from"`       // topic id by its last block; empty if that names none
	Next           int64  `json:"nextOffset"` // of the record that it reads next
	NothingOrdered bool   `json:"nothingOrdered,omitempty"`
}

// Repin compares the orderers with the topic. An error means that one of them could not
// continue in it, or could not be asked.
func Repin(ctx context.Context, t *command.Target) (Repinned, error) {
	topic, err := t.Open(ctx, 0)
	if err != nil {
		return Repinned{}, err
	}
	defer topic.Close()
	id, err := topic.Identity(ctx)
	if err != nil {
		return Repinned{}, err
	}
	r := Repinned{Channel: t.Channel, TopicID: id.TopicID, Entry: t.Channel + "=" + id.TopicID}
	for _, name := range t.Orderers {
		m, err := t.Reader.CheckMove(ctx, name, t.Channel, topic)
		if errors.Is(err, inspect.ErrNothingOrdered) {
			r.Orderers = append(r.Orderers, Moved{Orderer: name, NothingOrdered: true})
			continue
		}
		if err != nil {
			return Repinned{}, fmt.Errorf("%s: %w", name, err)
		}
		r.Orderers = append(r.Orderers, Moved{Orderer: name, From: m.From, Next: int64(m.Next)})
	}
	if r.Described, err = inspect.DescribedTopic(ctx, topic); err != nil {
		return Repinned{}, err
	}
	r.Needed = slices.ContainsFunc(r.Orderers, r.refuses)
	return r, nil
}

// refuses reports whether an orderer refuses the topic for its id, unless it has the setting:
// its last block names another, or, if it has none, the description that it is going to read.
func (r Repinned) refuses(o Moved) bool {
	expected := o.From
	if o.NothingOrdered {
		expected = r.Described
	}
	return expected != "" && expected != r.TopicID
}

// Value returns what is printed as JSON.
func (r Repinned) Value() any { return r }

// Table prints how each orderer continues, and what is to be done.
func (r Repinned) Table(out io.Writer) error {
	if err := r.Compared(out); err != nil {
		return err
	}
	if !r.Needed {
		return r.Nothing(out)
	}
	return r.Instruct(out)
}

// Err returns nil: a topic that does not match is an error of [Repin].
func (r Repinned) Err() error { return nil }

// Compared prints how each orderer continues.
func (r Repinned) Compared(out io.Writer) error {
	for _, o := range r.Orderers {
		if _, err := fmt.Fprintf(out, "%s: %s\n", o.Orderer, r.compared(o)); err != nil {
			return err
		}
	}
	return nil
}

func (r Repinned) compared(o Moved) string {
	switch {
	case o.NothingOrdered && r.refuses(o):
		return fmt.Sprintf("%v; the topic's id is %s, and its first record describes it as %s", inspect.ErrNothingOrdered, r.TopicID, r.Described)
	case o.NothingOrdered:
		return fmt.Sprintf("%v: there is nothing to compare the topic with", inspect.ErrNothingOrdered)
	case o.From == "":
		return fmt.Sprintf("continues at offset %d; the topic's id is %s, and its last block names no topic id; its last records match", o.Next, r.TopicID)
	}
	return fmt.Sprintf("continues at offset %d; the topic's id was %s and is %s; its last records match", o.Next, o.From, r.TopicID)
}

// Nothing prints why the orderers need no setting.
func (r Repinned) Nothing(out io.Writer) error {
	ordered := slices.DeleteFunc(slices.Clone(r.Orderers), func(o Moved) bool { return o.NothingOrdered })
	unnamed := slices.DeleteFunc(slices.Clone(ordered), func(o Moved) bool { return o.From != "" })
	why := fmt.Sprintf("the topic has the id %s that its orderers expect; there is nothing to do", r.TopicID)
	switch {
	case len(ordered) == 0:
		why = fmt.Sprintf("no orderer has ordered anything yet, and nothing in the topic with the id %s names another: there is nothing to do, "+
			"but nothing shows either that this is the topic that was meant", r.TopicID)
	case len(unnamed) > 0:
		why = fmt.Sprintf("no last block names another topic id than %s, so the setting is not needed: restart those that have stopped, and there is nothing else to do", r.TopicID)
	}
	_, err := fmt.Fprintf(out, "channel %s: %s\n", r.Channel, why)
	return err
}

// Instruct prints what to put into each orderer.yaml, and what to restart.
func (r Repinned) Instruct(out io.Writer) error {
	var names []string
	for _, o := range r.Orderers {
		names = append(names, o.Orderer)
	}
	_, err := fmt.Fprintf(out, "Add this entry to the list Consensus.Kafka.Topic.Moved in the orderer.yaml of every orderer of the channel, replacing an older entry of the channel,\n"+
		"also of those that join later, and leave it there:\n  %s\nThen restart %s, and every other orderer of the channel.\n", r.Entry, strings.Join(names, ", "))
	return err
}
