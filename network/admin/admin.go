// Package admin is the operator's tool for channels that order through Kafka: for any
// cluster, by the addresses of its brokers and orderers. It needs no folder of a network
// of this project.
//
// The function of each command ([PreflightCommand] and so on) takes a [Fill] that completes
// the [Target] where the command line does not: nil in osnkafka, the folder of a local
// network in the command network. Both run the same code.
package admin

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// Exit codes of osnkafka.
const (
	ExitFine        = 0 // done, or nothing wrong was found
	ExitRefused     = 1 // refused, or something wrong was found
	ExitUsage       = 2 // the command line, or a file that it names, cannot be used
	ExitUnreachable = 3 // brokers or orderers gave no answer
)

// Main runs osnkafka and returns its exit code. Errors are written to stderr.
func Main(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	root := Command()
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	strict(root) // completion prints to what is set by now
	ran, err := root.ExecuteContextC(ctx)
	code := exitCode(err)
	switch {
	case code == ExitUsage:
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
		Long: `Operate channels of ordering service nodes that order through Kafka, beside osnadmin.

Brokers are reached by --brokers, or as the orderer with the orderer.yaml of --config reaches them
(TLS, SASL, Brokers). Orderers are reached by --orderer, with --cafile and, where they ask for it,
--client-cert and --client-key; blocks are read as the identity in --mspdir.

Exit codes: 0 fine, 1 refused or something wrong was found, 2 usage, 3 no answer.`,
		Version:       version(),
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.SetGlobalNormalizationFunc(func(_ *pflag.FlagSet, name string) pflag.NormalizedName {
		if name == "ca-file" { // as osnadmin has it
			name = "cafile"
		}
		return pflag.NormalizedName(name)
	})
	root.AddCommand(PreflightCommand(nil), ProgressCommand(nil), TopicCommand(nil), verifyCommand(),
		PruneCommand(nil), UpgradeRulesCommand(nil), repinCommand(), GenesisCommand(),
		TranslateCommand(), RemoveSystemChannelCommand())
	return root
}

// strict makes cobra's own commands refuse what they do not know, which they answer with help
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

// started is the error of a command that has started its work.
type started struct{ error }

func (s started) Unwrap() error { return s.error }

// usageError is a fault in the command line, or in a file that it names.
type usageError struct{ error }

func (u usageError) Unwrap() error { return u.error }

func usagef(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

// exitCode returns the exit code for an error of Execute. Errors of cobra itself, before a
// command has started, are usage errors.
func exitCode(err error) int {
	var ran started
	var usage usageError
	switch {
	case err == nil:
		return ExitFine
	case errors.As(err, &usage), !errors.As(err, &ran):
		return ExitUsage
	case unreachable(err):
		return ExitUnreachable
	}
	return ExitRefused
}
