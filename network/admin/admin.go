// Package admin is the operator's tool for channels that order through Kafka: for any
// cluster, by the addresses of its brokers and orderers. It needs no folder of a network
// of this project.
//
// This package has the commands that ask brokers and orderers, one per file. Those that work
// only on files are in package offline, and what all of them share is in package command.
//
// The function of each command ([PreflightCommand] and so on) takes a [command.Fill] that
// completes the [command.Target] where the command line does not: nil in osnkafka, the folder
// of a local network in the command network. Both run the same code.
package admin

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/fabric-kafka/orderer/network/admin/command"
	"github.com/fabric-kafka/orderer/network/admin/move"
	"github.com/fabric-kafka/orderer/network/admin/offline"
)

// Main runs osnkafka and returns its exit code. Errors are written to stderr.
func Main(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	root := Command()
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	strict(root) // completion prints to what is set by now
	ran, err := root.ExecuteContextC(ctx)
	code := command.ExitCode(err)
	switch {
	case code == command.ExitUsage:
		fmt.Fprintf(stderr, "%s: %v\n`%s --help` shows an example.\n", root.Name(), err, ran.CommandPath())
	case err != nil:
		fmt.Fprintf(stderr, "%s: %v\n", root.Name(), err)
	}
	return code
}

// Command returns osnkafka with all of its commands.
func Command() *cobra.Command {
	root := &cobra.Command{
		Use:   "osnkafka",
		Short: "Operate channels of ordering service nodes that order through Kafka",
		Long: `Operate channels of ordering service nodes that order through Kafka, alongside osnadmin.

Brokers are reached by --brokers, or as the orderer with the orderer.yaml of --config reaches them
(TLS, SASL, Brokers). Orderers are reached by --orderer, with --cafile and, where they ask for it,
--client-cert and --client-key; blocks are read as the identity in --mspdir.

Exit codes: 0 fine, 1 refused or something wrong was found, 2 usage, 3 no answer.`,
		Version:       version(),
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.SetGlobalNormalizationFunc(func(_ *pflag.FlagSet, name string) pflag.NormalizedName {
		if name == "ca-file" { // osnadmin's name for it
			name = "cafile"
		}
		return pflag.NormalizedName(name)
	})
	root.AddCommand(PreflightCommand(nil), ProgressCommand(nil), TopicCommand(nil), verifyCommand(),
		PruneCommand(nil), UpgradeRulesCommand(nil), repinCommand(), move.ChangeTypeCommand(), move.LeaveCommand(), offline.GenesisCommand(),
		offline.TranslateCommand(), offline.RemoveSystemChannelCommand())
	return root
}

// strict makes cobra's own commands refuse what they do not know, to which they respond with help
// and exit code 0.
func strict(root *cobra.Command) {
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	for _, c := range root.Commands() {
		switch c.Name() {
		case "completion":
			c.RunE = func(c *cobra.Command, _ []string) error { return c.Help() }
		case "help":
			c.Run, c.RunE = nil, func(_ *cobra.Command, args []string) error {
				of, _, err := root.Find(args)
				if err != nil {
					return err
				}
				of.InitDefaultHelpFlag()
				return of.Help()
			}
		}
	}
}
