// Command builder compiles a Fabric orderer with the kafka plugin in it, and on
// request the other Fabric tools of the same version and the operator's tool.
//
//	go run ./plugin/builder [--fabric TREE] --out DIR [--with osnkafka,peer,osnadmin,configtxgen,cryptogen,configtxlator]
//
// It never changes Fabric's files: the one file that must refer to the plugin, the orderer's main, is parsed, and the
// compiler gets a patched copy instead (go build -overlay), as it does of files that options change.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/fabric-kafka/orderer/plugin/builder/options"
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
	c.Flags().StringVar(&b.fabric, "fabric", "", "checkout or unpacked source archive of a Fabric release, 2.5.x or 3.x; nothing in it is changed (default: the module that go.mod requires)")
	c.Flags().StringVar(&b.out, "out", "", "folder for the binaries (required)")
	c.Flags().StringSliceVar(&b.tags, "tags", nil, "build tags, as Fabric's GO_TAGS: pkcs11")
	c.Flags().StringVar(&b.platform, "platform", "", "OS/ARCHITECTURE of the binaries, for instance linux/arm64 (default: this machine's)")
	c.Flags().BoolVar(&b.static, "static", false, "binaries that need no C library, as for an image from scratch")
	c.Flags().StringVar(&b.archive, "archive", "", "also lay out what was built as Fabric's release archives are, in this file (.tar.gz), with its SHA-256 beside it")
	c.Flags().StringVar(&b.work, "work", "", "folder for the copy of Fabric and generated files (default: .build beside go.mod)")
	c.Flags().StringSliceVar(&b.with, "with", nil, "also build these, unchanged: "+strings.Join(tools, ", "))
	b.options.AddFlags(c.Flags())
	_ = c.MarkFlagRequired("out") // the flag exists
	c.AddCommand(flagsCommand(b))
	return c
}

// tools are the commands that can be built along with the orderer: Fabric's, and operatorTool.
var tools = []string{operatorTool, "peer", "osnadmin", "configtxgen", "cryptogen", "configtxlator"}

// operatorTool is our own command. It is compiled with the Fabric module that go.mod requires, whatever
// the orderer is: it talks to orderers of every release.
const operatorTool = "osnkafka"

// packageOf returns the package of a command.
func packageOf(name string) string {
	if name == operatorTool {
		return ourModule + "/network/admin/" + name
	}
	return fabricModule + "/cmd/" + name
}

// builder holds the flags of one run.
type builder struct {
	fabric   string
	out      string
	work     string
	archive  string
	with     []string
	tags     []string
	static   bool
	platform string
	options  options.Set
	progress io.Writer
}

func (b *builder) validate() error {
	for _, tool := range b.with {
		if !slices.Contains(tools, tool) {
			return fmt.Errorf("--with %s: not one of %s", tool, strings.Join(tools, ", "))
		}
	}
	if b.static && slices.Contains(b.tags, "pkcs11") {
		return errors.New("--static with --tags pkcs11: the library of a hardware module is loaded at run time, which a static binary cannot do; leave one of them out")
	}
	return nil
}

func (b *builder) run(ctx context.Context) error {
	if err := b.validate(); err != nil {
		return err
	}
	environment, err := b.environment()
	if err != nil {
		return err
	}
	p := &project{ctx: ctx, progress: b.progress, environment: environment}
	out, err := filepath.Abs(b.out)
	if err != nil {
		return err
	}
	t := target{out: out, tags: b.tags}
	if b.static {
		t.tags = append(t.tags, "netgo", "osusergo")
	}
	s, free, err := b.open(p)
	if err != nil {
		return err
	}
	defer free()
	if err := p.runSteps(b.steps(p, s, t)); err != nil {
		return err
	}
	fmt.Fprintf(b.progress, "orderer and tools are in %s; origin: %s\n", t.out, p.origin(s))
	return nil
}

// open finds our module and Fabric, and locks the folder that this Fabric is compiled in until free is called.
func (b *builder) open(p *project) (s *source, free func(), err error) {
	if err := p.locate(); err != nil {
		return nil, nil, err
	}
	if b.work == "" {
		b.work = filepath.Join(p.root, ".build")
	}
	if b.work, err = filepath.Abs(b.work); err != nil {
		return nil, nil, err
	}
	if err := p.runSteps([]step{{"find Fabric", func() (err error) { s, err = b.find(p); return err }}}); err != nil {
		return nil, nil, err
	}
	s.options = b.options
	free, err = p.lock(s.work)
	return s, free, err
}

func (b *builder) find(p *project) (*source, error) {
	if b.fabric == "" {
		return p.moduleSource(b.work)
	}
	return p.treeSource(b.fabric, b.work)
}

func (b *builder) steps(p *project, s *source, t target) []step {
	steps := []step{
		{"prepare Fabric " + s.version, s.prepare},
		{"patch the orderer's main", s.patch},
		{"resolve modules", func() error { return p.resolve(s) }},
		{"compile the orderer", func() error { return p.compileOrderer(s, t) }},
	}
	if len(b.with) > 0 {
		steps = append(steps, step{"compile " + strings.Join(b.with, ", "), func() error { return p.compileTools(s, t, b.with) }})
	}
	steps = append(steps, step{"write the sample configuration", func() error { return errors.Join(p.writeSamples(s, t.out, b.with), p.describe(s, t.out)) }})
	if b.archive != "" {
		steps = append(steps, step{"write " + b.archive, func() error { return p.archive(s, b.archive, t.out, append([]string{"orderer"}, b.with...)) }})
	}
	return steps
}
