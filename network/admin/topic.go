package admin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/fabric-kafka/orderer/network/admin/command"
	"github.com/fabric-kafka/orderer/network/inspect"
)

// listing are the flags of the command topic.
type listing struct {
	command.Flags
	limit int
}

// TopicCommand returns the command topic.
func TopicCommand(fill command.Fill) *cobra.Command {
	var l listing
	c := &cobra.Command{
		Use:   "topic [CHANNEL]",
		Short: "List the records of a channel's topic with the blocks that they are in",
		Long: `List the records of a channel's topic, with what each holds, and next to it the block that it is in,
or that it cut, at the first orderer that has the channel. Without --orderer no block is listed.
It needs the right Read on the topic. With --json each line is an object.`,
		Example: "  osnkafka topic mychannel --config /etc/orderer/orderer.yaml --limit 100\n" +
			"  osnkafka topic mychannel --brokers kafka1:9092 --orderer orderer1:7050 --cafile tlsca.pem --mspdir msp --mspid OrdererMSP",
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: cobra.NoFileCompletions,
	}
	c.RunE = l.Run(fill, command.NeedBrokers, l.list)
	l.AddBrokers(c)
	l.AddOrderers(c)
	l.AddCommon(c, answerTimeout)
	c.Flags().IntVar(&l.limit, "limit", 0, "stop after this many records (0: all)")
	return c
}

// flushed is how many lines are aligned with each other: a long list does not wait for its end.
const flushed = 1000

var errEnough = errors.New("enough")

func (l *listing) list(ctx context.Context, t *command.Target, p command.Printer) error {
	if err := command.NotNegative("limit", int64(l.limit)); err != nil {
		return err
	}
	topic, err := t.Open(ctx, 0)
	if err != nil {
		return err
	}
	defer topic.Close()
	w := tabwriter.NewWriter(p.Out, 0, 0, 2, ' ', 0)
	show := func(r inspect.Record) error {
		block := "-"
		if r.Block != nil {
			block = fmt.Sprint(*r.Block)
		}
		_, err := fmt.Fprintf(w, "%d\t%s\t%s\t%d\t%s\n", r.Offset, r.Kind, r.Detail, r.Bytes, block)
		return err
	}
	if p.JSON {
		out := json.NewEncoder(p.Out)
		show = func(r inspect.Record) error { return out.Encode(r) }
	} else {
		fmt.Fprintln(w, "OFFSET\tRECORD\tDETAIL\tBYTES\tBLOCK")
	}
	count := 0
	err = records(ctx, t, topic, func(r inspect.Record) error {
		if count++; l.limit > 0 && count > l.limit {
			return errEnough
		}
		return t.Uncounted(func() error {
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
func records(ctx context.Context, t *command.Target, topic command.Topic, take func(inspect.Record) error) error {
	if len(t.Orderers) == 0 {
		return inspect.Records(ctx, topic, take)
	}
	members, err := t.Joined(ctx)
	if err != nil {
		return err
	}
	return t.Reader.Topic(ctx, members[0], t.Channel, topic, take)
}
