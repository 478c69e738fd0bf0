package admin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/fabric-kafka/orderer/network/inspect"
)

// listing are the flags of the command topic.
type listing struct {
	flags
	limit int
}

// TopicCommand returns the command topic.
func TopicCommand(fill Fill) *cobra.Command {
	var l listing
	c := &cobra.Command{
		Use:   "topic [CHANNEL]",
		Short: "List the records of a channel's topic beside the blocks that they are in",
		Long: `List the records of a channel's topic, with what each holds, and beside it the block that it is in,
or that it cut, at the first orderer that has the channel. Without --orderer no block is listed.
It takes the right Read on the topic. With --json each line is an object.`,
		Example: "  osnkafka topic mychannel --config /etc/orderer/orderer.yaml --limit 100\n" +
			"  osnkafka topic mychannel --brokers kafka1:9092 --orderer orderer1:7050 --cafile tlsca.pem --mspdir msp --mspid OrdererMSP",
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: cobra.NoFileCompletions,
	}
	c.RunE = l.run(fill, needBrokers, l.list)
	l.ofBrokers(c)
	l.ofOrderers(c)
	l.answering(c, answerTimeout)
	c.Flags().IntVar(&l.limit, "limit", 0, "stop after so many records (0: all)")
	return c
}

// flushed is how many lines are aligned with each other: a long list does not wait for its end.
const flushed = 1000

var errEnough = errors.New("enough")

func (l *listing) list(ctx context.Context, t *Target, p printer) error {
	if err := notNegative("limit", int64(l.limit)); err != nil {
		return err
	}
	topic, err := t.Open(ctx, 0)
	if err != nil {
		return err
	}
	defer topic.Close()
	w := tabwriter.NewWriter(p.out, 0, 0, 2, ' ', 0)
	show := func(r inspect.Record) error {
		block := "-"
		if r.Block != nil {
			block = fmt.Sprint(*r.Block)
		}
		_, err := fmt.Fprintf(w, "%d\t%s\t%s\t%d\t%s\n", r.Offset, r.Kind, r.Detail, r.Bytes, block)
		return err
	}
	if p.asJSON {
		out := json.NewEncoder(p.out)
		show = func(r inspect.Record) error { return out.Encode(r) }
	} else {
		fmt.Fprintln(w, "OFFSET\tRECORD\tDETAIL\tBYTES\tBLOCK")
	}
	count := 0
	err = t.records(ctx, topic, func(r inspect.Record) error {
		if count++; l.limit > 0 && count > l.limit {
			return errEnough
		}
		return t.work.without(func() error {
			if count%flushed == 0 {
				return errors.Join(show(r), w.Flush())
			}
			return show(r)
		})
	})
	if errors.Is(err, errEnough) {
		err = nil
	}
	if err := w.Flush(); err != nil {
		return err
	}
	return err
}

// records calls take for every record of the topic.
func (t *Target) records(ctx context.Context, topic Topic, take func(inspect.Record) error) error {
	if len(t.Orderers) == 0 {
		return inspect.Records(ctx, topic, take)
	}
	members, err := t.Reader.Members(ctx, t.Channel, t.Orderers)
	if err != nil {
		return err
	}
	if len(members) == 0 {
		return t.nobody()
	}
	return t.Reader.Topic(ctx, members[0], t.Channel, topic, take)
}

// nobody returns the error for a channel that no orderer has.
func (t *Target) nobody() error {
	return fmt.Errorf("none of the orderers has channel %s: correct its name, or name orderers that have joined it", t.Channel)
}
