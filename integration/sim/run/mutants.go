package main

import (
	"context"
	"fmt"
	"os"
	"slices"

	"github.com/spf13/cobra"

	"github.com/fabric-kafka/orderer/integration/sim"
	"github.com/fabric-kafka/orderer/integration/sim/mutants"
)

func mutantsCommand() *cobra.Command {
	var seeds uint64
	var only []string
	c := &cobra.Command{
		Use:   "mutants",
		Short: "Prove the checkers: each of many deliberate defects must be caught",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			root, err := os.Getwd()
			if err != nil {
				return err
			}
			all := mutants.All()
			if len(only) > 0 {
				all = slices.DeleteFunc(all, func(m mutants.Mutant) bool { return !slices.Contains(only, m.Name) })
			}
			if len(all) == 0 || len(only) > 0 && len(all) != len(only) {
				return fmt.Errorf("only %d of the mutants %v are known", len(all), only)
			}
			return mutants.Report(mutants.Hunt(c.Context(), root, all, seeds, os.Stderr), os.Stdout)
		},
	}
	c.Flags().Uint64Var(&seeds, "seeds", 20000, "how many to run a mutant on before it counts as a survivor")
	c.Flags().StringSliceVar(&only, "only", nil, "run only the mutants of these names")
	return c
}

// huntCommand is the command that a compiled mutant runs: it prints how many runs it took
// to catch the mutant, and the checker.
func huntCommand() *cobra.Command {
	var seeds uint64
	c := &cobra.Command{
		Use:    "hunt",
		Hidden: true,
		Args:   cobra.NoArgs,
		Run: func(c *cobra.Command, _ []string) {
			sum := sim.Series{Seeds: seeds, Workers: 1, Profile: sim.Everything()}.Run(context.WithoutCancel(c.Context()))
			checker := ""
			if len(sum.Failures) > 0 {
				checker = sum.Failures[0].Invariant
			}
			fmt.Println(sum.Runs, checker)
		},
	}
	c.Flags().Uint64Var(&seeds, "seeds", 20000, "how many")
	return c
}
