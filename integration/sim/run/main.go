// Command run runs the simulation: see `make sim`, `make mutants` and
// `make sim-compat`.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"

	"github.com/fabric-kafka/orderer/integration/sim"
)

func main() {
	debug.SetGCPercent(1600) // the worlds are small and short-lived
	root := &cobra.Command{
		Use:           "run",
		Short:         "Simulate channels under faults, and check their ledgers",
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.AddCommand(seedsCommand(), replayCommand(), compatCommand(), mutantsCommand(), huntCommand())
	if err := root.ExecuteContext(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, "run:", err)
		os.Exit(1)
	}
}

func seedsCommand() *cobra.Command {
	var first, seeds uint64
	var one int64
	var workers int
	var quiet bool
	c := &cobra.Command{
		Use:   "seeds",
		Short: "Run many seeds of the strict rules under all faults together",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if one >= 0 {
				first, seeds = uint64(one), 1
			}
			s := sim.Series{First: first, Seeds: seeds, Workers: workers, Profile: sim.Everything()}
			if !quiet {
				s.Progress = os.Stderr
			}
			ctx, cancel := signal.NotifyContext(c.Context(), os.Interrupt)
			defer cancel()
			return s.Report(ctx, os.Stdout)
		},
	}
	f := c.Flags()
	f.Uint64Var(&first, "first", 0, "first seed")
	f.Uint64Var(&seeds, "seeds", 5000, "how many")
	f.Int64Var(&one, "seed", -1, "run only this one")
	f.IntVar(&workers, "workers", runtime.NumCPU(), "runs at a time")
	f.BoolVar(&quiet, "quiet", false, "no progress")
	return c
}

func replayCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "replay FILE",
		Short: "Run a transcript",
		Args:  cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			text, err := os.ReadFile(args[0])
			if err != nil {
				return err
			}
			plan, err := sim.ParseTranscript(string(text))
			if err != nil {
				return err
			}
			r := sim.Play(plan, sim.Everything())
			fmt.Println(r)
			if r.Failed() {
				return fmt.Errorf("%s is violated", r.Invariant)
			}
			return nil
		},
	}
}
