// Package bench compares orderers: ours, Fabric's Raft consenter in the same binary, in-tree orderers and further
// builds, and what Kafka and the ledger could do at most.
//
// A run is a list of steps (see [Plan]). Each step starts a network of its own with [fabricnet], measures one side in one
// case, ends the network, and appends its result to a file, from which [Run.WriteReport] makes the report. A step that fails is a
// result, too. Only ratios within a round say something about another machine: they are taken between steps that
// followed one another.
package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"
	"time"

	"github.com/hyperledger/fabric/common/flogging"

	"github.com/fabric-kafka/orderer/network/fabricnet"
)

// Config configures a run.
type Config struct {
	Out      string // folder of results, report and plots; the network is in it, too
	Sides    []Side
	Cases    []Case
	Rounds   int
	Seconds  int // that a load lasts; an idle measurement takes three times as long
	Replayed int // records of replay cases, for the report
	Size     int // bytes of an envelope
	Streams  int
	GOGC     int // of orderers and of the generator
	Kafka    string
	BasePort int
	Orderers Cores // of orderers in pinned cases
	Others   Cores // of brokers and generator in pinned cases
	Resume   bool
	Progress io.Writer
}

// ResultsFile is the name of the file of results in a run's folder.
const ResultsFile = "results.jsonl"

// runner carries out a run.
type runner struct {
	config  Config
	bin     string // folder of our binaries
	results *results
	clock   clock
}

// Measure carries out a run and returns the file of its results. When the context ends, the network is ended, and the
// file has the steps that were completed.
func (c Config) Measure(ctx context.Context) (file string, err error) {
	if err := os.MkdirAll(c.Out, 0o755); err != nil {
		return "", err
	}
	file = filepath.Join(c.Out, ResultsFile)
	steps, err := c.remaining(file)
	if err != nil {
		return file, err
	}
	r := &runner{config: c}
	if r.bin, err = r.build(ctx); err != nil {
		return file, err
	}
	settings, err := r.settings(ctx)
	if err != nil {
		return file, err
	}
	if r.results, err = openResults(file, c.Resume); err != nil {
		return file, err
	}
	defer func() { err = errors.Join(err, r.results.close()) }()
	if err := r.results.add(line{Settings: &settings}); err != nil {
		return file, err
	}
	flogging.ActivateSpec("error")                       // what the ledger alone has to say
	defer debug.SetGCPercent(debug.SetGCPercent(c.GOGC)) // the generator shares the machine with what it measures
	if err := r.all(ctx, steps); err != nil {
		return file, err
	}
	end, err := describeMachine(c.Out)
	if err != nil {
		return file, err
	}
	return file, r.results.add(line{End: &end})
}

// remaining returns the steps that are still to be done.
func (c Config) remaining(file string) ([]Step, error) {
	steps := Plan(c.Cases, c.Sides, c.Rounds)
	if !c.Resume {
		return steps, nil
	}
	done, err := Load(file)
	if err != nil {
		return nil, err
	}
	var left []Step
	for _, s := range steps {
		if !done.has(s) {
			left = append(left, s)
		}
	}
	return left, nil
}

// all carries out steps one after the other.
func (r *runner) all(ctx context.Context, steps []Step) error {
	for i, s := range steps {
		fmt.Fprintf(r.config.Progress, "%3d/%d  round %d  %s  %s%s\n", i+1, len(steps), s.Round, s.Case.Name(), s.Side.Name, r.clock.left(steps[i:]))
		began := time.Now()
		result := r.step(ctx, s)
		if ctx.Err() != nil {
			return fmt.Errorf("interrupted at step %d of %d: %w; continue with --resume", i+1, len(steps), ctx.Err())
		}
		result.Seconds, result.Load = time.Since(began).Seconds(), loadAverage()
		r.clock.took(s, time.Since(began))
		fmt.Fprintf(r.config.Progress, "         %s\n", result.summary())
		if err := r.results.add(line{Result: &result}); err != nil {
			return err
		}
	}
	return nil
}

// step carries out one step.
func (r *runner) step(ctx context.Context, s Step) Result {
	result := Result{Case: s.Case, Side: s.Side.Name, Round: s.Round}
	limited, cancel := context.WithTimeout(ctx, s.Case.limit())
	defer cancel()
	m := &measurement{config: r.config, bin: r.bin, step: s, values: map[string]float64{}}
	err := m.run(limited)
	if err != nil {
		result.Failed = err.Error()
	}
	result.Values, result.Notes = m.values, m.notes
	return result
}

// limit is how long a step may take.
func (c Case) limit() time.Duration {
	return 5*time.Minute + time.Duration(c.Records)*200*time.Microsecond + time.Duration(c.Channels)*2*time.Second
}

// summary returns the most important figures of a result.
func (r Result) summary() string {
	if r.Failed != "" {
		first, _, _ := strings.Cut(r.Failed, "\n")
		return "failed: " + first
	}
	var parts []string
	for _, m := range Measures {
		switch m.Key {
		case committed, replayed, startUp, idleCPU, commitP50, cpuOrderers:
			if v, ok := r.Values[m.Key]; ok {
				parts = append(parts, fmt.Sprintf("%s %s %s", m.Title, m.Unit.text(v), m.Unit))
			}
		}
	}
	return strings.Join(parts, "; ")
}

// build compiles our binaries, unless they are up to date, and returns their folder.
func (r *runner) build(ctx context.Context) (string, error) {
	mod, err := output(ctx, "go", "env", "GOMOD")
	if err != nil {
		return "", err
	}
	root := filepath.Dir(mod)
	if mod == os.DevNull || mod == "" {
		return "", errors.New("run this inside a checkout of github.com/fabric-kafka/orderer")
	}
	fmt.Fprintln(r.config.Progress, "build the binaries")
	bin := filepath.Join(root, ".build", "bin")
	return bin, fabricnet.Build(ctx, root, bin)
}

func output(ctx context.Context, name string, args ...string) (string, error) {
	out, err := exec.CommandContext(ctx, name, args...).Output()
	return strings.TrimSpace(string(out)), err
}

// settings describes the run for its report.
func (r *runner) settings(ctx context.Context) (Settings, error) {
	c := r.config
	machine, err := describeMachine(c.Out)
	if err != nil {
		return Settings{}, err
	}
	s := Settings{
		Sides: c.Sides, Versions: map[string]string{}, Go: runtime.Version(), GOGC: c.GOGC, Rounds: c.Rounds, Seconds: c.Seconds, Size: c.Size,
		Streams: c.Streams, Replayed: c.Replayed, Timeout: batchTimeout.String(), Kafka: c.Kafka, Machine: machine,
		Cores: fmt.Sprintf("orderers on %s, brokers and generator on %s", c.Orderers, c.Others),
	}
	for _, side := range c.Sides {
		if v := side.version(ctx, r.bin); v != "" {
			s.Versions[side.Name] = v
		}
	}
	for _, x := range c.Cases {
		s.Cases = append(s.Cases, x.Name())
	}
	if s.Commit, err = output(ctx, "git", "describe", "--always", "--dirty"); err != nil {
		s.Commit = "unknown"
	}
	return s, nil
}
