// Command stress measures orderers. "go run ./network/stress --help" lists its commands; those that put a running network
// under load are commands of network.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := rootCommand().ExecuteContext(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "stress:", err)
		os.Exit(1)
	}
}

func rootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:           "stress",
		Short:         "Measure orderers that order through Kafka, and what they are compared with",
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.AddCommand(benchCommand())
	return root
}
