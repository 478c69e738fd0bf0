package bench

import (
	"fmt"
	"path"
	"slices"
	"strings"
)

// Kind is what a case measures.
type Kind string

// The kinds of cases.
const (
	Closed   Kind = "closed"   // as fast as 64 streams go, each waiting for its answers
	Rate     Kind = "rate"     // a fixed rate, below what any side can do
	Overload Kind = "overload" // 1.2 times what the side did in closed loop
	Delay    Kind = "delay"    // closed loop, with a delay between orderers and brokers
	Replay   Kind = "replay"   // an empty ledger, and a long topic
	StartUp  Kind = "startup"  // a full ledger, and a long topic
	Idle     Kind = "idle"     // channels without transactions
	Policies Kind = "policies" // closed loop, with Fabric's default policies and several organizations
)

// Case is one situation in which sides are compared.
type Case struct {
	Kind     Kind `json:"kind"`
	Orderers int  `json:"orderers"`
	Apache   bool `json:"apache,omitempty"` // brokers of Apache Kafka, as many as orderers; otherwise the embedded one
	Block    int  `json:"block"`            // envelopes
	Rate     int  `json:"rate,omitempty"`   // envelopes a second
	Delay    int  `json:"delay,omitempty"`  // milliseconds there and back
	Records  int  `json:"records,omitempty"`
	Channels int  `json:"channels,omitempty"`
	Orgs     int  `json:"orgs,omitempty"`   // peer organizations, whose policies Writers is ANY of; otherwise 1, and one signature policy
	Pinned   bool `json:"pinned,omitempty"` // orderers on one core, brokers and generator on another
}

// Name returns the case's name, which [Select] chooses by: closed/1/embedded/500.
func (c Case) Name() string {
	parts := []string{string(c.Kind), fmt.Sprint(c.Orderers), c.Brokers(), fmt.Sprint(c.Block)}
	switch c.Kind {
	case Rate:
		parts = append(parts, fmt.Sprint(c.Rate))
	case Delay:
		parts = append(parts, fmt.Sprint(c.Delay))
	case StartUp:
		parts = append(parts, fmt.Sprint(c.Records))
	case Idle:
		parts = append(parts, fmt.Sprint(c.Channels))
	case Policies:
		parts = append(parts, fmt.Sprint(c.Orgs))
	}
	if c.Pinned {
		parts = append(parts, "pinned")
	}
	return strings.Join(parts, "/")
}

// Brokers returns which brokers the case has.
func (c Case) Brokers() string {
	if c.Apache {
		return "apache"
	}
	return "embedded"
}

// Sizes are how much the cases of a plan do.
type Sizes struct {
	Replayed int // records
	Rate     int // envelopes a second
}

// Cases returns all cases in the order in which they are measured. A rare case is measured only if it is named.
func Cases(s Sizes) (all, rare []Case) {
	for _, orderers := range []int{1, 3} {
		for _, apache := range []bool{false, true} {
			for _, block := range []int{500, 100, 10} {
				all = append(all, Case{Kind: Closed, Orderers: orderers, Apache: apache, Block: block})
			}
			all = append(all,
				Case{Kind: Rate, Orderers: orderers, Apache: apache, Block: 10, Rate: s.Rate},
				Case{Kind: Overload, Orderers: orderers, Apache: apache, Block: 10})
		}
	}
	for _, apache := range []bool{false, true} {
		all = append(all, Case{Kind: Closed, Orderers: 1, Apache: apache, Block: 500, Pinned: true})
		for _, block := range []int{500, 100, 10} {
			all = append(all, Case{Kind: Replay, Orderers: 1, Apache: apache, Block: block, Records: s.Replayed})
		}
		all = append(all, Case{Kind: Replay, Orderers: 1, Apache: apache, Block: 500, Records: s.Replayed, Pinned: true})
	}
	for _, orgs := range []int{2, 4, 12} {
		all = append(all, Case{Kind: Policies, Orderers: 1, Block: 500, Orgs: orgs, Pinned: true})
	}
	for _, delay := range []int{5, 50} {
		all = append(all, Case{Kind: Delay, Orderers: 1, Apache: true, Block: 500, Delay: delay})
	}
	for _, records := range []int{1_000, 10_000, 100_000} {
		all = append(all, Case{Kind: StartUp, Orderers: 1, Block: 500, Records: records})
	}
	for _, channels := range []int{1, 10, 100} {
		all = append(all, Case{Kind: Idle, Orderers: 1, Apache: true, Block: 500, Channels: channels})
	}
	return all, []Case{
		{Kind: StartUp, Orderers: 1, Block: 500, Records: 1_000_000},
		{Kind: Idle, Orderers: 1, Apache: true, Block: 500, Channels: 1_000},
		{Kind: Idle, Orderers: 1, Block: 500, Channels: 10},
		{Kind: Idle, Orderers: 1, Block: 500, Channels: 100},
	}
}

// Select returns the cases whose names match one of the patterns, or all but the rare ones without a pattern. A pattern
// matches the beginning of a name, part by part: closed, closed/3, */1/apache/10. A whole name selects that case alone.
func Select(s Sizes, patterns []string) ([]Case, error) {
	all, rare := Cases(s)
	if len(patterns) == 0 {
		return all, nil
	}
	var chosen []Case
	for _, c := range slices.Concat(all, rare) {
		for _, p := range patterns {
			ok, err := matches(p, c, slices.Contains(rare, c))
			if err != nil {
				return nil, fmt.Errorf("pattern %q of cases: %w; write it like closed/*/apache", p, err)
			}
			if ok && !slices.Contains(chosen, c) {
				chosen = append(chosen, c)
			}
		}
	}
	if len(chosen) == 0 {
		return nil, fmt.Errorf("no case matches %s; --list shows the cases", strings.Join(patterns, ", "))
	}
	return chosen, nil
}

func matches(pattern string, c Case, rare bool) (bool, error) {
	pattern = strings.TrimSuffix(pattern, "/")
	if unpinned := c; c.Pinned {
		unpinned.Pinned = false
		if pattern == unpinned.Name() {
			return false, nil
		}
	}
	if rare {
		return pattern == c.Name(), nil
	}
	parts := strings.Split(c.Name(), "/")
	n := strings.Count(pattern, "/") + 1
	return path.Match(pattern, strings.Join(parts[:min(n, len(parts))], "/"))
}

// Step is one measurement of one side in one case.
type Step struct {
	Case  Case
	Side  Side
	Round int // from 1
}

// fileName returns a name for what is kept of the step.
func (s Step) fileName() string {
	return strings.ReplaceAll(fmt.Sprintf("%s %s %d", s.Case.Name(), s.Side.Name, s.Round), "/", "-")
}

// Plan returns the steps of a run: all sides of a case one after the other, all cases in each round, so that a machine
// that becomes slower does so for all. Each round begins with another side.
func Plan(cases []Case, sides []Side, rounds int) (steps []Step) {
	for round := 1; round <= rounds; round++ {
		for _, c := range cases {
			var able []Side
			for _, s := range sides {
				if s.Does(c) {
					able = append(able, s)
				}
			}
			for i := range able {
				steps = append(steps, Step{c, able[(i+round-1)%len(able)], round})
			}
		}
	}
	return steps
}
