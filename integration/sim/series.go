package sim

import (
	"context"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"
)

// Series is many runs of one profile.
type Series struct {
	First, Seeds uint64
	Workers      int
	Profile      Profile
	Progress     io.Writer // receives a line every 10 s; nil for none
}

// Sum is the outcome of a series.
type Sum struct {
	Runs, Blocks, Configs, Records, Acked, Stopped, Left int
	Failures                                             []Result // by seed, at most a few of each invariant
	Violations                                           map[string]int
	Took                                                 time.Duration
}

// Run runs the seeds, several at a time, until all are done, ctx ends, or one
// violates an invariant.
func (s Series) Run(ctx context.Context) *Sum {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	sum, began := &Sum{Violations: map[string]int{}}, time.Now()
	var next atomic.Uint64
	var mu sync.Mutex
	var workers sync.WaitGroup
	for range max(1, s.Workers) {
		workers.Go(func() {
			for ctx.Err() == nil {
				seed := next.Add(1) - 1
				if seed >= s.Seeds {
					return
				}
				r := Run(s.First+seed, s.Profile)
				mu.Lock()
				sum.add(r)
				if r.Failed() {
					cancel()
				}
				mu.Unlock()
			}
		})
	}
	stop := s.report(&mu, sum, began)
	workers.Wait()
	stop()
	sum.Took = time.Since(began)
	return sum
}

const fewFailures = 5

func (s *Sum) add(r Result) {
	s.Runs++
	s.Blocks += r.Blocks
	s.Configs += r.Configs
	s.Records += r.Records
	s.Acked += r.Acked
	s.Stopped += r.Stopped
	s.Left += r.Left
	seen := map[string]bool{}
	for _, v := range r.violations {
		if !seen[v.invariant] {
			s.Violations[v.invariant]++
		}
		seen[v.invariant] = true
	}
	if r.Failed() && len(s.Failures) < fewFailures {
		s.Failures = append(s.Failures, r)
	}
}

// report prints progress until stop is called.
func (s Series) report(mu *sync.Mutex, sum *Sum, began time.Time) (stop func()) {
	if s.Progress == nil {
		return func() {}
	}
	done := make(chan struct{})
	var printing sync.WaitGroup
	printing.Go(func() {
		tick := time.NewTicker(10 * time.Second)
		defer tick.Stop()
		for {
			select {
			case <-done:
				return
			case <-tick.C:
				mu.Lock()
				rate := float64(sum.Runs) / time.Since(began).Seconds()
				fmt.Fprintf(s.Progress, "%d of %d seeds, %.0f/s, about %s to go\n", sum.Runs, s.Seeds, rate,
					time.Duration(float64(int(s.Seeds)-sum.Runs)/rate*float64(time.Second)).Round(time.Second))
				mu.Unlock()
			}
		}
	})
	return func() { close(done); printing.Wait() }
}

// Report runs the series and prints its outcome. A violation is shrunk and printed with
// the command that reproduces it; Report then returns an error.
func (s Series) Report(ctx context.Context, out io.Writer) error {
	sum := s.Run(ctx)
	for _, r := range sum.Failures[:min(1, len(sum.Failures))] {
		fmt.Fprintf(out, "seed %d violates %s (%s)\n  %s\n  to run it again: make sim SEED=%d\n", r.Seed, r.Invariant, SentenceOf(r.Invariant), r.Text, r.Seed)
		small := Shrink(r.plan, s.Profile, r.Invariant, 5000)
		again := Play(small, s.Profile)
		fmt.Fprintf(out, "the fewest actions that reproduce it (%s), to be kept in integration/sim/testdata:\n\n# seed %d: %s\n%s\n", again.Text, r.Seed, r.Invariant, small.Transcript())
		return fmt.Errorf("%s is violated", r.Invariant)
	}
	rate := float64(sum.Runs) / sum.Took.Seconds()
	fmt.Fprintf(out, "%d runs of %d orderers and %d steps in %s: %.0f seeds/s (%.0f per worker), no invariant violated\n",
		sum.Runs, s.Profile.Orderers, s.Profile.Steps, sum.Took.Round(time.Millisecond), rate, rate/float64(max(1, s.Workers)))
	fmt.Fprintf(out, "  %d blocks, %d of them of config, of %d records; %d envelopes acknowledged; %d orderers rightly stopped\n",
		sum.Blocks, sum.Configs, sum.Records, sum.Acked, sum.Stopped)
	if err := sum.floor(); err != nil {
		return err
	}
	if uint64(sum.Runs) < s.Seeds {
		return fmt.Errorf("ended after %d of %d seeds: %w", sum.Runs, s.Seeds, ctx.Err())
	}
	return nil
}

// leastRuns is how many runs must show everything at least once.
const leastRuns = 200

// floor returns an error if the runs have no blocks, configs, acknowledgements or stopped orderers.
func (s *Sum) floor() error {
	if s.Runs >= leastRuns && min(s.Blocks, s.Configs, s.Acked, s.Stopped) == 0 {
		return fmt.Errorf("%d runs with %d blocks, %d configs, %d acknowledgements and %d stopped orderers: each should have happened", s.Runs, s.Blocks, s.Configs, s.Acked, s.Stopped)
	}
	return nil
}

// SentenceOf returns what an invariant promises.
func SentenceOf(name string) string {
	for _, c := range Checkers {
		if c.Name == name {
			return c.Sentence
		}
	}
	return map[string]string{
		"L1": "Once the faults have ended, pending envelopes are cut soon after the batch timeout.",
		"L3": "A channel that has healed accepts envelopes.",
	}[name]
}

// String returns a line about the run.
func (r Result) String() string {
	if r.Failed() {
		return fmt.Sprintf("%s is violated: %s", r.Invariant, r.Text)
	}
	return fmt.Sprintf("no invariant violated; %d blocks, %d of them of config, of %d records, %d envelopes acknowledged, %d orderers stopped",
		r.Blocks, r.Configs, r.Records, r.Acked, r.Stopped)
}
