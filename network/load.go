package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"

	"github.com/fabric-kafka/orderer/network/fabricnet"
	"github.com/fabric-kafka/orderer/network/stress/load"
)

func loadCommand() *cobra.Command {
	var config load.Config
	var orderer string
	var asJSON bool
	c := &cobra.Command{
		Use:   "load --tx N",
		Short: "Send signed envelopes to all orderers in turn and track the outcome of each",
		Long: "Sends N signed envelopes through Broadcast, on streams spread over the orderers, and follows\n" +
			"every orderer's blocks. Prints the numbers of acknowledged and ordered envelopes, committed\n" +
			"tx/s and latency percentiles. Exits 1 if an acknowledged envelope is missing or duplicated.",
		Args: cobra.NoArgs,
		RunE: opened(func(c *cobra.Command, n *fabricnet.Network, _ []string) error {
			config.Channel = channelOf(c, n)
			if err := config.Use(n, orderer); err != nil {
				return err
			}
			config.Report = func(p load.Progress) {
				fmt.Fprintf(os.Stderr, "sent %d, acknowledged %d, refused %d, unknown %d\n", p.Sent, p.Acknowledged, p.Refused, p.Unknown)
			}
			debug.SetGCPercent(400) // the generator shares the machine with what it measures
			result, err := load.Run(c.Context(), config)
			return report(result, err, asJSON)
		}),
	}
	channelFlag(c)
	f := c.Flags()
	f.IntVar(&config.Tx, "tx", 1000, "envelopes to send")
	f.IntVar(&config.Rate, "rate", 0, "envelopes a second over all streams (0: unlimited)")
	f.IntVar(&config.Size, "size", 2048, "bytes of an envelope")
	f.IntVar(&config.Streams, "streams", 16, "concurrent streams")
	f.BoolVar(&config.Persist, "persist", false, "after a refusal continue with the next orderer instead of ending")
	f.StringVar(&orderer, "orderer", "", "send to this one only (default: all running ones)")
	f.BoolVar(&asJSON, "json", false, "as JSON")
	return c
}

func report(result load.Result, failure error, asJSON bool) error {
	if failure != nil && result.Sent == 0 {
		return failure
	}
	if asJSON {
		text, err := json.MarshalIndent(result, "", "  ")
		if err != nil {
			return err
		}
		fmt.Println(string(text))
	} else {
		fmt.Println(strings.TrimSpace(result.String()))
	}
	switch {
	case result.Acknowledged == 0:
		return errors.Join(failure, errors.New("no envelope was acknowledged"))
	case !result.Sound():
		return errors.Join(failure, fmt.Errorf("%d acknowledged envelopes are missing, %d are duplicated", result.Missing, result.Duplicated))
	}
	return failure
}
