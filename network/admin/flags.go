package admin

import (
	"cmp"
	"context"
	"encoding/json"
	"io"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/fabric-kafka/orderer/network/client"
)

// Fill completes a target with what the command needs and the command line does not have:
// brokers or orderers, and then the channel.
type Fill func(c *cobra.Command, t *Target) error

// need is a set of what a command needs beside a channel.
type need int

const (
	needBrokers need = 1 << iota
	needOrderers
	anyChannel // the channel may be left out
)

// flags are the flags that several commands share.
type flags struct {
	target        Target
	orderers      []string
	tls           client.TLS
	mspID, mspDir string
	asJSON        bool
	timeout       time.Duration
}

// answering adds the flags of every command that asks brokers or orderers.
func (f *flags) answering(c *cobra.Command, timeout time.Duration) {
	f.printing(c)
	c.Flags().DurationVar(&f.timeout, "timeout", timeout, "how long brokers and orderers may take to answer, or to send the next record or block")
}

func (f *flags) printing(c *cobra.Command) {
	c.Flags().BoolVar(&f.asJSON, "json", false, "print JSON")
}

// ofBrokers adds the flags that name brokers.
func (f *flags) ofBrokers(c *cobra.Command) {
	c.Flags().StringSliceVar(&f.target.Brokers, "brokers", nil, "HOST:PORT of brokers (default: those of --config, else those of the channel's config at --orderer)")
	c.Flags().StringVar(&f.target.Config, "config", "", "orderer.yaml whose section Consensus.Kafka has TLS, SASL and brokers")
	mustMark(c.MarkFlagFilename("config", "yaml", "yml"))
}

// ofOrderers adds the flags that name orderers.
func (f *flags) ofOrderers(c *cobra.Command) {
	fs := c.Flags()
	fs.StringArrayVar(&f.orderers, "orderer", nil, "HOST:PORT where an orderer of the channel delivers blocks; may be repeated")
	fs.StringVar(&f.tls.CA, "cafile", "", "PEM file of the CA of the orderers' TLS certificates (default: no TLS)")
	fs.StringVar(&f.tls.Cert, "client-cert", "", "PEM file of the TLS client certificate for orderers that require one")
	fs.StringVar(&f.tls.Key, "client-key", "", "PEM file of the key of --client-cert")
	fs.StringVar(&f.tls.ServerName, "ordererTLSHostnameOverride", "", "host name in the orderers' TLS certificates (default: that of the address)")
	fs.StringVar(&f.mspDir, "mspdir", "", "MSP folder of the identity that reads the blocks: signcerts and keystore")
	fs.StringVar(&f.mspID, "mspid", "", "MSP ID of that identity")
	for _, name := range []string{"cafile", "client-cert", "client-key"} {
		mustMark(c.MarkFlagFilename(name, "pem", "crt", "cert", "key"))
	}
	mustMark(c.MarkFlagDirname("mspdir"))
}

// mustMark panics if a flag cannot be marked, which means that it does not exist.
func mustMark(err error) {
	if err != nil {
		panic(err)
	}
}

// run is the RunE of a command.
func (f *flags) run(fill Fill, needed need, do func(ctx context.Context, t *Target, p printer) error) func(*cobra.Command, []string) error {
	return func(c *cobra.Command, args []string) error {
		if err := f.complete(c, args, fill, needed); err != nil {
			return usageError{err}
		}
		work, stop := newMeter(c.Context(), f.timeout, c.ErrOrStderr())
		defer stop()
		f.target.observe(work)
		if err := do(work, &f.target, printer{c.OutOrStdout(), f.asJSON}); err != nil {
			return started{explained(err)}
		}
		return nil
	}
}

// local runs a command that asks neither brokers nor orderers.
func (f *flags) local(c *cobra.Command, do func(p printer) error) error {
	if err := do(printer{c.OutOrStdout(), f.asJSON}); err != nil {
		return started{err}
	}
	return nil
}

// complete sets the target from arguments, flags, and fill.
func (f *flags) complete(c *cobra.Command, args []string, fill Fill, needed need) error {
	t := &f.target
	if err := f.check(c); err != nil {
		return err
	}
	if len(args) > 0 {
		t.Channel = args[0]
	}
	if len(f.orderers) > 0 {
		if err := f.identify(); err != nil {
			return err
		}
	}
	noBrokers := needed&needBrokers != 0 && len(t.Brokers) == 0 && t.Config == "" && len(t.Orderers) == 0
	noOrderers := needed&needOrderers != 0 && len(t.Orderers) == 0
	switch {
	case fill != nil && (noBrokers || noOrderers):
		if err := fill(c, t); err != nil {
			return err
		}
	case noBrokers:
		return usagef("no broker is named: add --brokers HOST:PORT, or --config with the orderer.yaml of an orderer")
	case noOrderers:
		return usagef("no orderer is named: add --orderer HOST:PORT, with --cafile, --mspdir and --mspid")
	}
	if t.Channel == "" && needed&anyChannel == 0 {
		return usagef("no channel is named: write it after the command, %s CHANNEL", c.CommandPath())
	}
	return nil
}

// check returns the first fault of the flags that several commands share.
func (f *flags) check(c *cobra.Command) error {
	return cmp.Or(effective(c.Flags()), brokerAddresses(f.target.Brokers), above("timeout", f.timeout))
}

// identify sets the target's orderers and the identity that reads them from the flags.
func (f *flags) identify() error {
	for i, a := range f.orderers {
		if slices.Contains(f.orderers[:i], a) {
			return usagef("--orderer %s is given twice", a)
		}
		if err := address(a); err != nil {
			return usagef("--orderer %s: %w", a, err)
		}
	}
	if f.mspDir == "" || f.mspID == "" {
		return usagef("orderers give blocks to members of the channel only: add --mspdir and --mspid of one that may read it")
	}
	who, err := client.LoadMSP(f.mspID, f.mspDir)
	if err != nil {
		return usagef("--mspdir: %w", err)
	}
	if err := f.tls.Check(); err != nil {
		return usagef("--cafile, --client-cert, --client-key: %w", err)
	}
	f.target.hasOrderers(f.orderers, f.tls, who)
	return nil
}

// report is the result of a command.
type report interface {
	value() any              // encoded as JSON
	table(w io.Writer) error // printed as text
	verdict() error          // nil: nothing is wrong
}

// printer prints reports as text or JSON.
type printer struct {
	out    io.Writer
	asJSON bool
}

// show prints a report and returns its verdict.
func (p printer) show(r report) error {
	if err := p.print(r); err != nil {
		return err
	}
	return r.verdict()
}

func (p printer) print(r report) error {
	if !p.asJSON {
		return r.table(p.out)
	}
	encoder := json.NewEncoder(p.out)
	encoder.SetIndent("", "  ")
	return encoder.Encode(r.value())
}
