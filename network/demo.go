package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"text/tabwriter"
	"time"

	cb "github.com/hyperledger/fabric-protos-go/common"
	"github.com/spf13/cobra"

	"github.com/fabric-kafka/orderer/network/admin"
	"github.com/fabric-kafka/orderer/network/admin/command"
	"github.com/fabric-kafka/orderer/network/client"
	"github.com/fabric-kafka/orderer/network/fabricnet"
)

func demoCommand() *cobra.Command {
	var o fabricnet.Options
	var brokers []string
	c := &cobra.Command{
		Use:   "demo",
		Short: "Start a network, order a few transactions, show blocks and records, and remove it",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			o.Dir, o.Progress = dirOf(c), os.Stdout
			if err := o.UseBrokers(brokers); err != nil {
				return err
			}
			return demo(c.Context(), o)
		},
	}
	upFlags(c, &o, &brokers)
	return c
}

func demo(ctx context.Context, o fabricnet.Options) error {
	began := time.Now()
	heading("Start a network of orderers that order through Kafka")
	n, err := fabricnet.Up(ctx, o)
	if err != nil {
		return err
	}
	err = tour(ctx, n)
	heading("Remove it")
	if err = errors.Join(err, n.Down()); err != nil {
		return err
	}
	fmt.Printf("Done in %.0fs.\n\nTry it yourself:\n", time.Since(began).Seconds())
	for _, line := range []string{"up", "invoke put color blue", "query get color", "status", "kill orderer2", "load --tx 5000 --streams 32",
		"start orderer2", "verify", "down", "--help"} {
		fmt.Println("  go run ./network", line)
	}
	return nil
}

func heading(text string) { fmt.Printf("\n== %s\n", text) }

// tour shows what the network does on its first channel.
func tour(ctx context.Context, n *fabricnet.Network) error {
	channel := n.Descriptor().Channels[0].Name
	heading("Order chaincode transactions")
	for _, call := range [][]string{{"put", "color", "blue"}, {"put", "shape", "round"}, {"inc", "count", "41"}, {"inc", "count"}} {
		if err := n.Invoke(ctx, channel, call...); err != nil {
			return err
		}
		fmt.Println("invoked", call)
	}
	for _, key := range []string{"color", "shape", "count"} {
		value, err := n.Query(ctx, 1, channel, "get", key)
		if err != nil {
			return err
		}
		fmt.Println("peer1 has", key, "=", value)
	}
	heading("The blocks of " + channel + ", equal on all orderers")
	if err := printEqualBlocks(ctx, n, channel); err != nil {
		return err
	}
	heading("The records of topic " + channel + ", and their blocks")
	topic := admin.TopicCommand(func(_ *cobra.Command, t *command.Target) error { return ofNetwork(n, t) })
	topic.SetArgs([]string{channel})
	if err := topic.ExecuteContext(ctx); err != nil {
		return err
	}
	return verify(ctx, n)
}

// printEqualBlocks prints each block once with the header hash of every orderer.
func printEqualBlocks(ctx context.Context, n *fabricnet.Network, channel string) error {
	r, _, err := readerOf(n, "")
	if err != nil {
		return err
	}
	orderers := n.Descriptor().Running()
	var rows []client.Summary
	hashes := map[uint64][]string{}
	for i, name := range orderers {
		err := r.Blocks(ctx, name, channel, func(b *cb.Block) error {
			s, err := client.Summarize(b)
			if i == 0 {
				rows = append(rows, s)
			}
			hashes[s.Number] = append(hashes[s.Number], s.HeaderHash[:16])
			return err
		})
		if err != nil {
			return err
		}
	}
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprint(w, "BLOCK\tTX\tOFFSET")
	for _, name := range orderers {
		fmt.Fprintf(w, "\tHASH ON %s", name)
	}
	fmt.Fprintln(w)
	for _, s := range rows {
		fmt.Fprintf(w, "%d\t%d\t%s", s.Number, s.Transactions, offsetText(s.Offset))
		for _, h := range hashes[s.Number] {
			fmt.Fprintf(w, "\t%s", h)
		}
		fmt.Fprintln(w)
	}
	return w.Flush()
}
