// Package command has what the commands of osnkafka share: their flags, the [Target] that
// they work on, how they print what they found, and their exit codes.
//
// A command embeds [Flags], adds those that it needs, and has [Flags.Run] or
// [Flags.RunOffline] as its RunE. It returns a [Report] to the [Printer]; the report's error
// is that of the command.
package command

import (
	"cmp"
	"context"
	"slices"

	"github.com/spf13/cobra"

	"github.com/fabric-kafka/orderer/network/client"
)

// Fill completes a target with what the command needs and the command line does not have:
// brokers or orderers, and then the channel.
type Fill func(c *cobra.Command, t *Target) error

// Need is a set of what a command needs besides a channel.
type Need int

// The needs of commands.
const (
	NeedBrokers Need = 1 << iota
	NeedOrderers
	AnyChannel // the channel may be left out
)

// Run is the RunE of a command.
func (f *Flags) Run(fill Fill, needed Need, do func(ctx context.Context, t *Target, p Printer) error) func(*cobra.Command, []string) error {
	return func(c *cobra.Command, args []string) error {
		if err := f.complete(c, args, fill, needed); err != nil {
			return usageError{err}
		}
		work, stop := newMeter(c.Context(), f.timeout, c.ErrOrStderr())
		defer stop()
		f.Target.observe(work)
		if err := do(work, &f.Target, Printer{c.OutOrStdout(), f.json}); err != nil {
			return started{withRemedy(err)}
		}
		return nil
	}
}

// RunOffline runs a command that asks neither brokers nor orderers.
func (f *Flags) RunOffline(c *cobra.Command, do func(p Printer) error) error {
	if err := do(Printer{c.OutOrStdout(), f.json}); err != nil {
		return started{err}
	}
	return nil
}

// complete sets the target from arguments, flags, and fill.
func (f *Flags) complete(c *cobra.Command, args []string, fill Fill, needed Need) error {
	t := &f.Target
	if err := f.check(c); err != nil {
		return err
	}
	if len(args) > 0 {
		t.Channel = args[0]
	}
	if len(f.OrdererAddresses) > 0 {
		if err := f.identify(); err != nil {
			return err
		}
	}
	noBrokers := needed&NeedBrokers != 0 && len(t.Brokers) == 0 && t.Config == "" && len(t.Orderers) == 0
	noOrderers := needed&NeedOrderers != 0 && len(t.Orderers) == 0
	switch {
	case fill != nil && (noBrokers || noOrderers):
		if err := fill(c, t); err != nil {
			return err
		}
	case noBrokers:
		return Usagef("no broker is named: add --brokers HOST:PORT, or --config with the orderer.yaml of an orderer")
	case noOrderers:
		return Usagef("no orderer is named: add --orderer HOST:PORT, with --cafile, --mspdir and --mspid")
	}
	if t.Channel == "" && needed&AnyChannel == 0 {
		return Usagef("no channel is named: write it after the command, %s CHANNEL", c.CommandPath())
	}
	return nil
}

// check returns the first fault of the flags that several commands share.
func (f *Flags) check(c *cobra.Command) error {
	return cmp.Or(checkPairs(c.Flags()), CheckBrokers(f.Target.Brokers), Positive("timeout", f.timeout))
}

// identify sets the target's orderers and the identity that reads them from the flags.
func (f *Flags) identify() error {
	for i, a := range f.OrdererAddresses {
		if slices.Contains(f.OrdererAddresses[:i], a) {
			return Usagef("--orderer %s is given twice", a)
		}
		if err := address(a); err != nil {
			return Usagef("--orderer %s: %w", a, err)
		}
	}
	if f.mspDir == "" || f.mspID == "" {
		return Usagef("orderers give blocks to members of the channel only: add --mspdir and --mspid of one that may read it")
	}
	who, err := client.LoadMSP(f.mspID, f.mspDir)
	if err != nil {
		return Usagef("--mspdir: %w", err)
	}
	if err := f.tls.Check(); err != nil {
		return Usagef("--cafile, --client-cert, --client-key: %w", err)
	}
	f.Target.hasOrderers(f.OrdererAddresses, f.tls, who)
	return nil
}
