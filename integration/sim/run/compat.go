package main

import (
	"os"

	"github.com/spf13/cobra"

	"github.com/fabric-kafka/orderer/integration/sim"
)

func compatCommand() *cobra.Command {
	var seeds uint64
	c := &cobra.Command{
		Use:   "compat",
		Short: "Compare the defects of in-tree orderers and ours, as a table",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return sim.Compare(c.Context(), seeds, os.Stdout)
		},
	}
	c.Flags().Uint64Var(&seeds, "seeds", 2000, "runs of each line")
	return c
}
