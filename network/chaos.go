package main

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/fabric-kafka/orderer/network/fabricnet"
	"github.com/fabric-kafka/orderer/network/stress/chaos"
	"github.com/fabric-kafka/orderer/network/stress/history"
)

func chaosCommand() *cobra.Command {
	var minutes float64
	var faults []string
	var file, report string
	config := chaos.Config{Progress: os.Stderr}
	c := &cobra.Command{
		Use:   "chaos",
		Short: "Kill, stall and cut off brokers and orderers under load; then check what was promised",
		Long:  "Records the run as a history, and checks it as `network check` does: exit 1 if a promise\nwas broken. --seed decides the order of the faults, but not how long each step takes. Faults:\n\n" + faultTable(),
		Args:  cobra.NoArgs,
		RunE: changing(func(c *cobra.Command, n *fabricnet.Network, _ []string) (err error) {
			config.Network, config.Channel, config.Duration = n, channelOf(c, n), time.Duration(minutes*float64(time.Minute))
			if config.Faults, err = chaos.Named(n.Options(), faults); err != nil {
				return err
			}
			if err := config.Load.Use(n, ""); err != nil {
				return err
			}
			return runPart(c, config, file, report)
		}),
	}
	channelFlag(c)
	f := c.Flags()
	f.Float64Var(&minutes, "minutes", 2, "minimal duration; extended until each fault was injected once")
	f.IntVar(&config.Rounds, "rounds", 0, "maximal number of faults (0: unlimited)")
	f.Uint64Var(&config.Seed, "seed", 1, "decides the order of the faults")
	f.StringSliceVar(&faults, "faults", []string{"broker-kill", "orderer-kill"}, "names of faults; broker* selects all with that prefix that this network supports")
	f.StringVar(&file, "history", "history.jsonl", "file to write")
	f.StringVar(&report, "report", "", "file that sums up this run and others with the same file; see network/stress/chaos/README.md")
	f.IntVar(&config.Load.Rate, "rate", 100, "envelopes a second")
	f.IntVar(&config.Load.Streams, "streams", 6, "clients")
	f.IntVar(&config.Load.Size, "size", 1500, "bytes of an envelope")
	return c
}

func faultTable() string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	for _, f := range chaos.Faults {
		fmt.Fprintf(w, "  %s\t%s\n", f.Name, f.Description)
	}
	_ = w.Flush() // into memory
	return b.String()
}

// runPart runs chaos, checks the history, and adds the result to the report. A run that did not
// complete is not added.
func runPart(c *cobra.Command, config chaos.Config, file, report string) error {
	sum, err := newSumFile(c.Context(), report, config)
	if err != nil {
		return err
	}
	if err := writeHistory(c, config, file); err != nil {
		return err
	}
	events, found, err := readHistory(file)
	if err != nil {
		return err
	}
	fmt.Print(found)
	return errors.Join(sum.add(events, found), broken(file, found))
}

func writeHistory(c *cobra.Command, config chaos.Config, file string) error {
	out, err := os.Create(file)
	if err != nil {
		return err
	}
	buffered := bufio.NewWriter(out)
	config.History = history.NewWriter(buffered)
	err = chaos.Run(c.Context(), config)
	return errors.Join(err, buffered.Flush(), out.Close())
}

func checkCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "check HISTORY",
		Short: "Look for broken promises in the history of a chaos run; needs no network",
		Args:  cobra.ExactArgs(1),
		RunE:  func(_ *cobra.Command, args []string) error { return checkHistory(args[0]) },
	}
}

func checkHistory(file string) error {
	_, report, err := readHistory(file)
	if err != nil {
		return err
	}
	fmt.Print(report)
	return broken(file, report)
}

func readHistory(file string) ([]history.Event, history.Report, error) {
	in, err := os.Open(file)
	if err != nil {
		return nil, history.Report{}, err
	}
	defer in.Close()
	events, err := history.Read(bufio.NewReader(in))
	if err != nil {
		return nil, history.Report{}, err
	}
	return events, history.Check(events), nil
}

// broken returns an error if a history has broken promises.
func broken(file string, report history.Report) error {
	if report.Sound() {
		return nil
	}
	return fmt.Errorf("%s: %d promises were broken", file, len(report.Broken))
}
