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

	"github.com/fabric-kafka/orderer/network/admin"
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
	c.Flags().StringVar(&orderer, "orderer", "", "orderer (default: the first running one)")
	c.Flags().BoolVar(&asJSON, "json", false, "one JSON object a line")
	return c
}

// readerOf returns a reader of the network, and the orderer to read: the one
// that was named, or the first running one.
func readerOf(n *fabricnet.Network, orderer string) (*inspect.Reader, string, error) {
	r, err := fabricnet.NewReader(n.Dir(), n.Descriptor())
	if err != nil || orderer != "" {
		return r, orderer, err
	}
	running := n.Descriptor().Running()
	if len(running) == 0 {
		return nil, "", errNoneRunning
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
		verified, err := admin.Verify(ctx, r, ch.Name, orderers)
		if err != nil {
			return err
		}
		if err := verified.Err(); err != nil {
			return err
		}
		fmt.Println(verified)
	}
	if len(unread) > 0 {
		return fmt.Errorf("no running orderer has channel %s: its blocks were not compared; start orderers that have it, and try again", strings.Join(unread, ", "))
	}
	return nil
}
