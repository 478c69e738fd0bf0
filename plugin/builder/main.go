// Command builder compiles a Fabric orderer with the kafka plugin in it, and on
// request the other Fabric tools of the same version.
//
//	go run ./plugin/builder --out DIR [--with peer,osnadmin,configtxgen,cryptogen,configtxlator]
//
// It never changes Fabric's files: the one file that must know the plugin, the
// orderer's main, is parsed, completed and handed to the compiler beside the
// original (go build -overlay).
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := command().ExecuteContext(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "builder:", err)
		os.Exit(1)
	}
}

func command() *cobra.Command {
	b := &builder{progress: os.Stderr}
	c := &cobra.Command{
		Use:           "builder --out DIR",
		Short:         "Compile a Fabric orderer with the kafka plugin",
		Args:          cobra.NoArgs,
		SilenceUsage:  true,
		SilenceErrors: true,
		RunE:          func(c *cobra.Command, _ []string) error { return b.run(c.Context()) },
	}
	c.Flags().StringVar(&b.out, "out", "", "folder for the binaries (required)")
	c.Flags().StringVar(&b.work, "work", "", "folder for the copy of Fabric and generated files (default: .build beside go.mod)")
	c.Flags().StringSliceVar(&b.with, "with", nil, "also build these, unchanged: "+strings.Join(tools, ", "))
	_ = c.MarkFlagRequired("out") // the flag exists
	return c
}

// tools are the Fabric commands that can be built beside the orderer.
var tools = []string{"peer", "osnadmin", "configtxgen", "cryptogen", "configtxlator"}

// builder is one run.
type builder struct {
	out, work string
	with      []string
	progress  *os.File
}

func (b *builder) run(ctx context.Context) error {
	for _, tool := range b.with {
		if !slices.Contains(tools, tool) {
			return fmt.Errorf("--with %s: not one of %s", tool, strings.Join(tools, ", "))
		}
	}
	p := &project{ctx: ctx, progress: b.progress}
	if err := p.locate(); err != nil {
		return err
	}
	if b.work == "" {
		b.work = filepath.Join(p.root, ".build")
	}
	out, err := filepath.Abs(b.out)
	if err != nil {
		return err
	}
	if b.work, err = filepath.Abs(b.work); err != nil {
		return err
	}
	free, err := p.lock(b.work)
	if err != nil {
		return err
	}
	defer free()
	var source *source
	steps := []step{
		{"find Fabric", func() (err error) { source, err = p.moduleSource(b.work); return err }},
		{"copy Fabric", func() error { return source.materialise() }},
		{"patch the orderer's main", func() error { return source.patch() }},
		{"compile the orderer", func() error { return p.compileOrderer(source, out) }},
	}
	if len(b.with) > 0 {
		steps = append(steps, step{"compile " + strings.Join(b.with, ", "), func() error { return p.compileTools(source, out, b.with) }})
	}
	if err := p.runSteps(steps); err != nil {
		return err
	}
	fmt.Fprintf(b.progress, "orderer and tools are in %s; origin: %s\n", out, p.origin(source))
	return nil
}
