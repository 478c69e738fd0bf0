package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"text/tabwriter"

	cb "github.com/hyperledger/fabric-protos-go/common"
	"github.com/spf13/cobra"

	"github.com/fabric-kafka/orderer/network/client"
	"github.com/fabric-kafka/orderer/network/fabricnet"
	"github.com/fabric-kafka/orderer/network/inspect"
)

func blocksCommand() *cobra.Command {
	var orderer string
	var asJSON bool
	c := &cobra.Command{
		Use:   "blocks",
		Short: "List an orderer's blocks: number, hashes, transactions, offset in the metadata",
		Args:  cobra.NoArgs,
		RunE: opened(func(c *cobra.Command, n *fabricnet.Network, _ []string) error {
			return printBlocks(c.Context(), n, orderer, channelOf(c, n), asJSON)
		}),
	}
	channelFlag(c)
	c.Flags().StringVar(&orderer, "orderer", "", "orderer (default: the first that runs)")
	c.Flags().BoolVar(&asJSON, "json", false, "one JSON object a line")
	return c
}

// readerOf returns a reader of the network, and the orderer to read: the one
// that was named, or the first that runs.
func readerOf(n *fabricnet.Network, orderer string) (*inspect.Reader, string, error) {
	r, err := fabricnet.NewReader(n.Dir(), n.Descriptor())
	if err != nil || orderer != "" {
		return r, orderer, err
	}
	running := n.Descriptor().Running()
	if len(running) == 0 {
		return nil, "", errors.New("no orderer runs; start one with: go run ./network start orderer1")
	}
	return r, running[0], nil
}

func printBlocks(ctx context.Context, n *fabricnet.Network, orderer, channel string, asJSON bool) error {
	r, orderer, err := readerOf(n, orderer)
	if err != nil {
		return err
	}
	if asJSON {
		out := json.NewEncoder(os.Stdout)
		return r.Blocks(ctx, orderer, channel, func(b *cb.Block) error {
			s, err := client.Summarize(b)
			if err != nil {
				return err
			}
			return out.Encode(s)
		})
	}
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "BLOCK\tHEADER HASH\tDATA HASH\tTX\tOFFSET")
	err = r.Blocks(ctx, orderer, channel, func(b *cb.Block) error {
		s, err := client.Summarize(b)
		fmt.Fprintf(w, "%d\t%s\t%s\t%d\t%s\n", s.Number, s.HeaderHash, s.DataHash, s.Transactions, offsetText(s.Offset))
		return err
	})
	return errors.Join(err, w.Flush())
}

func offsetText(offset *int64) string {
	if offset == nil {
		return "-"
	}
	return fmt.Sprint(*offset)
}

func verifyCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "verify",
		Short: "Compare the blocks of all running orderers on all channels; exit 1 at the first difference, or if a channel has nothing to compare",
		Args:  cobra.NoArgs,
		RunE: opened(func(c *cobra.Command, n *fabricnet.Network, _ []string) error {
			return verify(c.Context(), n)
		}),
	}
}

func verify(ctx context.Context, n *fabricnet.Network) error {
	r, _, err := readerOf(n, "")
	if err != nil {
		return err
	}
	var unread []string
	for _, ch := range n.Descriptor().Channels {
		orderers, err := r.Members(ctx, ch.Name, n.Descriptor().Running())
		if err != nil {
			return err
		}
		if len(orderers) == 0 {
			unread = append(unread, ch.Name)
			continue
		}
		height, err := r.Verify(ctx, ch.Name, orderers)
		if err != nil {
			return err
		}
		fmt.Println(verified(ch.Name, height, orderers))
	}
	if len(unread) > 0 {
		return fmt.Errorf("no running orderer has channel %s: nothing of it was compared; start orderers that have it, and try again", strings.Join(unread, ", "))
	}
	return nil
}

// verified says what was compared.
func verified(channel string, height uint64, orderers []string) string {
	if len(orderers) == 1 {
		return fmt.Sprintf("channel %s: %d blocks of %s are a chain; no other running orderer has it, so none was compared", channel, height, orderers[0])
	}
	return fmt.Sprintf("channel %s: %d blocks are equal on %s", channel, height, strings.Join(orderers, ", "))
}

func topicCommand() *cobra.Command {
	var asJSON bool
	var limit int
	c := &cobra.Command{
		Use:   "topic",
		Short: "List the records of a channel's topic beside the blocks that they went to",
		Args:  cobra.NoArgs,
		RunE: opened(func(c *cobra.Command, n *fabricnet.Network, _ []string) error {
			return printTopic(c.Context(), n, channelOf(c, n), asJSON, limit)
		}),
	}
	channelFlag(c)
	c.Flags().BoolVar(&asJSON, "json", false, "one JSON object a line")
	c.Flags().IntVar(&limit, "limit", 0, "stop after so many records (0: all)")
	return c
}

var errEnough = errors.New("enough")

func printTopic(ctx context.Context, n *fabricnet.Network, channel string, asJSON bool, limit int) error {
	r, orderer, err := readerOf(n, "")
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	show := func(rec inspect.Record) {
		block := "-"
		if rec.Block != nil {
			block = fmt.Sprint(*rec.Block)
		}
		fmt.Fprintf(w, "%d\t%s\t%s\t%d\t%s\n", rec.Offset, rec.Kind, rec.Detail, rec.Bytes, block)
	}
	if asJSON {
		out := json.NewEncoder(os.Stdout)
		show = func(rec inspect.Record) { _ = out.Encode(rec) } // a broken pipe ends the process anyway
	} else {
		fmt.Fprintln(w, "OFFSET\tRECORD\tDETAIL\tBYTES\tBLOCK")
	}
	l, err := inspect.OpenTopic(n.Descriptor().Brokers, channel)
	if err != nil {
		return err
	}
	defer l.Close()
	count := 0
	err = r.Topic(ctx, orderer, channel, l, func(rec inspect.Record) error {
		if count++; limit > 0 && count > limit {
			return errEnough
		}
		show(rec)
		return nil
	})
	if errors.Is(err, errEnough) {
		err = nil
	}
	return errors.Join(err, w.Flush())
}
