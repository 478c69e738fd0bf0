// Command network starts and controls Fabric networks that order through Kafka, on
// this machine, without containers. "go run ./network --help" lists its commands.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/fabric-kafka/orderer/network/admin"
	"github.com/fabric-kafka/orderer/network/admin/offline"
	"github.com/fabric-kafka/orderer/network/fabricnet"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := rootCommand().ExecuteContext(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "network:", err)
		os.Exit(1)
	}
}

func rootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:           "network",
		Short:         "Fabric networks that order through Kafka, on this machine, without containers",
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.PersistentFlags().String("dir", ".network", "folder of the network")
	root.AddCommand(
		upCommand(), downCommand(), statusCommand(), demoCommand(),
		invokeCommand(), queryCommand(),
		blocksCommand(), verifyCommand(), withChannel(admin.TopicCommand(fromFolder)), loadCommand(),
		startCommand(), stopCommand(), killCommand(), replaceCommand(), joinCommand(), removeCommand(),
		withChannel(admin.UpgradeRulesCommand(fromFolder)), repinCommand(), admin.PruneCommand(membersToo), admin.PreflightCommand(fromFolder),
		admin.ProgressCommand(fromFolder), offline.GenesisCommand(), backlogCommand(), chaosCommand(), checkCommand(), brokerCommand(),
	)
	return root
}

// dirOf returns the value of --dir.
func dirOf(c *cobra.Command) string {
	dir, err := c.Flags().GetString("dir")
	if err != nil {
		panic(err) // the root command defines it
	}
	return dir
}

// opened returns a RunE that runs f on the network in --dir.
func opened(f func(c *cobra.Command, n *fabricnet.Network, args []string) error) func(*cobra.Command, []string) error {
	return func(c *cobra.Command, args []string) error {
		n, err := fabricnet.Open(dirOf(c))
		if err != nil {
			return err
		}
		return f(c, n, args)
	}
}

// changing is opened for commands that change the network: it keeps the network locked.
func changing(f func(c *cobra.Command, n *fabricnet.Network, args []string) error) func(*cobra.Command, []string) error {
	return opened(func(c *cobra.Command, n *fabricnet.Network, args []string) error {
		release, err := n.Hold()
		if err != nil {
			return err
		}
		defer release()
		return f(c, n, args)
	})
}

// channelFlag adds --channel; channelOf returns its value, by default the network's first channel.
func channelFlag(c *cobra.Command) {
	c.Flags().StringP("channel", "C", "", "channel (default: the network's first)")
}

func channelOf(c *cobra.Command, n *fabricnet.Network) string {
	name, err := c.Flags().GetString("channel")
	if err != nil {
		panic(err) // channelFlag defines it
	}
	if name == "" {
		name = n.Descriptor().Channels[0].Name
	}
	return name
}
