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
		"--kafka=4 --in-tree=stock/orderer": "in-tree orderers cannot use Apache Kafka 4.",
		"--kafka=4 --orderer=old=in-tree:x": "in-tree orderers cannot use Apache Kafka 4.",
		"--cases=none":                      "no case matches none; --list shows the cases",
		"--kafka=1.0":                       "unknown version 1.0",
		"--orderer=lean":                    "write NAME=DIR",
		"--orderer-cores=one":               "is not a list of cores",
		"--other-cores=1-0":                 "is not a list of cores",
		"--rounds=0":                        "want at least 1 of",
		"--seconds=1":                       "of at least 2",
	} {
		_, err := parsed(t, strings.Fields(flags)...)
		checktest.Fails(t, err, says)
	}
}

// All sides of a run have the same brokers: those that in-tree orderers can use, if there are any.
func TestVersionOfTheBrokers(t *testing.T) {
	for flags, want := range map[string]string{
		"": "4.", "--kafka=3.9": "3.9.", "--in-tree=stock/orderer": "3.9.", "--in-tree=stock/orderer --cases=closed/1/embedded/500": "4.",
	} {
		a, err := parsed(t, strings.Fields(flags)...)
		checktest.Must(t, err)
		if !strings.HasPrefix(a.config.Kafka, want) {
			t.Errorf("%q: Apache Kafka %s, want %s", flags, a.config.Kafka, want)
		}
	}
}

func TestReportOfNothing(t *testing.T) {
	c := rootCommand()
	c.SetArgs([]string{"bench", "report", "absent.jsonl"})
	if err := c.Execute(); err == nil || !strings.Contains(err.Error(), "absent.jsonl") {
		t.Fatalf("the error is %v, want one that names the file", err)
	}
}
