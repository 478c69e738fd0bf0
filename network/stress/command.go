package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/fabric-kafka/orderer/network/apache"
	"github.com/fabric-kafka/orderer/network/stress/bench"
)

// asked is what the flags of bench ask for.
type asked struct {
	config              bench.Config
	inTree, kafka       string
	others, cases       []string
	rate                int
	ordererCores, cores string
	quick, list         bool
}

const benchLong = `Compares orderers, each in networks of its own that are started and ended for each step: our consenter, Fabric's Raft
consenter in the same binary, in-tree orderers and further builds, and, as upper bounds, raw sarama and Fabric's ledger alone.
All take turns in each round. Each step adds a line to results.jsonl in --out; at the end, or when interrupted, report.md
and its plots (SVG and PNG) are written from it.

A full run takes hours: narrow it with --cases and --list, or interrupt it and continue it with --resume. Run it on
a machine that does nothing else; the report shows its load.`

const benchExample = `  go run ./network/stress bench --quick
  go run ./network/stress bench --in-tree .build/stock/orderer --cases closed/1/apache,replay --rounds 7
  go run ./network/stress bench --orderer lean=.build/lean --orderer stock-raft=etcdraft:.build/stock
  go run ./network/stress bench report .build/bench/results.jsonl`

func benchCommand() *cobra.Command { return new(asked).command() }

// command returns bench with the flags that fill a.
func (a *asked) command() *cobra.Command {
	a.config.Progress = os.Stderr
	c := &cobra.Command{
		Use:     "bench",
		Short:   "Compare our consenter with Raft, in-tree orderers and other builds, and write a report with plots",
		Long:    benchLong,
		Example: benchExample,
		Args:    cobra.NoArgs,
		RunE:    func(c *cobra.Command, _ []string) error { return a.run(c) },
	}
	f := c.Flags()
	f.StringVar(&a.config.Out, "out", filepath.Join(".build", "bench"), "folder of results and report; the networks are in it, too")
	f.StringVar(&a.inTree, "in-tree", "", "orderer of Fabric 2.5 as released, whose Kafka consenter is compared")
	f.StringArrayVar(&a.others, "orderer", nil, "one more orderer, NAME=DIR or NAME=KIND:DIR; KIND is kafka, etcdraft or in-tree")
	f.StringSliceVar(&a.cases, "cases", nil, "patterns of cases, part by part from the left: closed/1,replay,*/3/apache (default: all)")
	f.BoolVar(&a.list, "list", false, "print the names of the cases and do nothing")
	f.BoolVar(&a.quick, "quick", false, "two rounds of two short cases, which shows that the bench works")
	f.BoolVar(&a.config.Resume, "resume", false, "continue the run in --out: do only the steps that it lacks, or that failed")
	f.IntVar(&a.config.Rounds, "rounds", 5, "rounds; a report of fewer than five says so")
	f.IntVar(&a.config.Seconds, "seconds", 10, "seconds of each load")
	f.IntVar(&a.config.Replayed, "replayed", 200_000, "records of a replay")
	f.IntVar(&a.rate, "rate", 500, "envelopes a second of the cases with a fixed rate")
	f.IntVar(&a.config.Size, "size", 2048, "bytes of an envelope")
	f.IntVar(&a.config.Streams, "streams", 64, "streams of a load")
	f.IntVar(&a.config.GOGC, "gogc", 400, "GOGC of all orderers and of the generator")
	f.StringVar(&a.kafka, "kafka", "", "version of Apache Kafka (default: the newest that the network tool knows and, with in-tree orderers, these can use)")
	f.IntVar(&a.config.BasePort, "base-port", 17050, "lowest of the ports")
	f.StringVar(&a.ordererCores, "orderer-cores", "0", "cores of orderers in pinned cases, as in 0,2-3")
	f.StringVar(&a.cores, "other-cores", "1", "cores of brokers and generator in pinned cases")
	c.AddCommand(reportCommand())
	return c
}

// run measures, then writes the report of what there is, also after an interruption.
func (a *asked) run(c *cobra.Command) error {
	if err := a.complete(c.Flags().Changed); err != nil {
		return err
	}
	if a.list {
		for _, x := range a.config.Cases {
			fmt.Println(x.Name())
		}
		return nil
	}
	file, err := a.config.Measure(c.Context())
	if err != nil && !errors.Is(err, context.Canceled) {
		return err
	}
	return errors.Join(err, writeReport(file, a.config.Out))
}

// complete makes the configuration from the flags; given reports whether a flag was given.
func (a *asked) complete(given func(string) bool) (err error) {
	if a.quick {
		a.shorten(given)
	}
	if a.config.Rounds < 1 || a.config.Seconds < 2 {
		return fmt.Errorf("%d rounds of %d seconds: want at least 1 of at least 2", a.config.Rounds, a.config.Seconds)
	}
	if a.config.Cases, err = bench.Select(bench.Sizes{Replayed: a.config.Replayed, Rate: a.rate}, a.cases); err != nil {
		return err
	}
	if a.config.Sides, err = bench.Sides(a.inTree, a.others); err != nil {
		return err
	}
	if a.config.Kafka, err = a.brokers(); err != nil {
		return err
	}
	var err2 error
	a.config.Orderers, err = bench.ParseCores(a.ordererCores)
	a.config.Others, err2 = bench.ParseCores(a.cores)
	return errors.Join(err, err2)
}

// brokers returns the version of Apache Kafka: one that all sides can use, if there are cases on it.
func (a *asked) brokers() (string, error) {
	onApache := func(c bench.Case) bool { return c.Apache }
	inTree := func(s bench.Side) bool { return s.Kind == bench.InTree }
	old := slices.ContainsFunc(a.config.Cases, onApache) && slices.ContainsFunc(a.config.Sides, inTree)
	wanted := a.kafka
	if old && wanted == "" {
		wanted = "3"
	}
	version, err := apache.Find(wanted)
	if err == nil && old && !strings.HasPrefix(version.Number, "3.") {
		err = fmt.Errorf("in-tree orderers cannot use Apache Kafka %s, which has dropped requests that they make; "+
			"leave out --kafka for the newest that they can use, or --in-tree, or select cases on the embedded broker", version.Number)
	}
	return version.Number, err
}

// shorten sets what --quick means, except for flags that are given.
func (a *asked) shorten(given func(string) bool) {
	for flag, set := range map[string]func(){
		"cases":    func() { a.cases = []string{"closed/1/embedded/500", "replay/1/embedded/500"} },
		"rounds":   func() { a.config.Rounds = 2 },
		"seconds":  func() { a.config.Seconds = 4 },
		"replayed": func() { a.config.Replayed = 50_000 },
	} {
		if !given(flag) {
			set()
		}
	}
}

func reportCommand() *cobra.Command {
	var out string
	c := &cobra.Command{
		Use:     "report FILE",
		Short:   "Write the report of a run from its results, also of one that was interrupted",
		Example: "  go run ./network/stress bench report .build/bench/results.jsonl",
		Args:    cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			if out == "" {
				out = filepath.Dir(args[0])
			}
			return writeReport(args[0], out)
		},
	}
	c.Flags().StringVar(&out, "out", "", "folder of report and plots (default: that of the results)")
	return c
}

func writeReport(file, out string) error {
	run, err := bench.Load(file)
	if err != nil {
		return err
	}
	if err := run.WriteReport(out); err != nil {
		return err
	}
	fmt.Println(filepath.Join(out, bench.ReportFile))
	return nil
}
