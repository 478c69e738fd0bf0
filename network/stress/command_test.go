package main

import (
	"strings"
	"testing"

	"github.com/fabric-kafka/orderer/chain/checktest"
	"github.com/fabric-kafka/orderer/network/stress/bench"
)

// parsed returns what flags ask for.
func parsed(t *testing.T, flags ...string) (*asked, error) {
	var a asked
	c := a.command()
	checktest.Must(t, c.ParseFlags(flags))
	return &a, a.complete(c.Flags().Changed)
}

func TestQuickIsShortUnlessFlagsSayOtherwise(t *testing.T) {
	a, err := parsed(t, "--quick")
	checktest.Must(t, err)
	if steps := bench.Plan(a.config.Cases, a.config.Sides, a.config.Rounds); len(steps) != 12 || a.config.Seconds != 4 {
		t.Fatalf("%d steps of %d seconds, want 12 of 4", len(steps), a.config.Seconds)
	}
	a, err = parsed(t, "--quick", "--rounds", "3", "--cases", "idle/1/apache/500/1", "--in-tree", "stock/orderer")
	checktest.Must(t, err)
	if len(a.config.Cases) != 1 || a.config.Rounds != 3 {
		t.Fatalf("%d cases in %d rounds, want 1 in 3", len(a.config.Cases), a.config.Rounds)
	}
	if steps := bench.Plan(a.config.Cases, a.config.Sides, a.config.Rounds); len(steps) != 9 {
		t.Fatalf("%d steps, want 9: three sides have channels", len(steps))
	}
}

func TestBadFlags(t *testing.T) {
	for flags, says := range map[string]string{
		"--cases=none":        "no case matches none; --list shows the cases",
		"--kafka=1.0":         "unknown version 1.0",
		"--orderer=lean":      "write NAME=DIR",
		"--orderer-cores=one": "is not a list of cores",
		"--other-cores=1-0":   "is not a list of cores",
		"--rounds=0":          "want at least 1 of",
		"--seconds=1":         "of at least 2",
	} {
		_, err := parsed(t, flags)
		checktest.Fails(t, err, says)
	}
}

func TestReportOfNothing(t *testing.T) {
	c := rootCommand()
	c.SetArgs([]string{"bench", "report", "absent.jsonl"})
	if err := c.Execute(); err == nil || !strings.Contains(err.Error(), "absent.jsonl") {
		t.Fatalf("the error is %v, want one that names the file", err)
	}
}
