package bench

import (
	"slices"
	"strings"
	"testing"

	"github.com/fabric-kafka/orderer/chain/checktest"
)

var sizes = Sizes{Replayed: 1000, Rate: 500}

func names(cases []Case) (all []string) {
	for _, c := range cases {
		all = append(all, c.Name())
	}
	return all
}

// Results are found by the name of their case.
func TestNamesOfCasesDiffer(t *testing.T) {
	all, rare := Cases(sizes)
	got := names(slices.Concat(all, rare))
	slices.Sort(got)
	if n := len(got); len(slices.Compact(got)) != n {
		t.Fatalf("of %d names some are equal: %v", n, got)
	}
}

func TestSelect(t *testing.T) {
	for pattern, want := range map[string][]string{
		"closed/1/embedded/500":   {"closed/1/embedded/500"},
		"closed/1/*/500":          {"closed/1/embedded/500", "closed/1/embedded/500/pinned", "closed/1/apache/500", "closed/1/apache/500/pinned"},
		"replay/*/apache/10":      {"replay/1/apache/10"},
		"delay":                   {"delay/1/apache/500/5", "delay/1/apache/500/50"},
		"*/3/apache/10/":          {"closed/3/apache/10", "rate/3/apache/10/500", "overload/3/apache/10"},
		"startup":                 {"startup/1/embedded/500/1000", "startup/1/embedded/500/10000", "startup/1/embedded/500/100000"},
		"idle/1/apache/500/1000":  {"idle/1/apache/500/1000"}, // rare
		"closed/*/*/500/pinned":   {"closed/1/embedded/500/pinned", "closed/1/apache/500/pinned"},
		"overload/1/embedded/10":  {"overload/1/embedded/10"},
		"policies":                {"policies/1/embedded/500/2/pinned", "policies/1/embedded/500/4/pinned", "policies/1/embedded/500/12/pinned"},
		"rate/1/embedded/10/500/": {"rate/1/embedded/10/500"},
	} {
		cases, err := Select(sizes, []string{pattern, pattern})
		checktest.Must(t, err)
		got := names(cases)
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Errorf("%s selects %v, want %v", pattern, got, want)
		}
	}
	_, err := Select(sizes, []string{"nothing"})
	checktest.Fails(t, err, "no case matches nothing")
	_, err = Select(sizes, []string{"closed/["})
	checktest.Fails(t, err, "write it like")
}

// Sides of a case follow one another within a round, all of them, and each round begins with another one.
func TestSidesTakeTurns(t *testing.T) {
	sides, err := Sides("in/orderer", []string{"lean=lean"})
	checktest.Must(t, err)
	cases, err := Select(sizes, []string{"closed/1/apache/10", "replay/1/apache/10"})
	checktest.Must(t, err)
	var got []string
	for _, s := range Plan(cases, sides, 2) {
		got = append(got, string(s.Case.Kind)+" "+s.Side.Name)
	}
	want := []string{
		"closed ours", "closed etcdraft", "closed in-tree", "closed lean", "closed raw sarama",
		"replay ours", "replay in-tree", "replay lean", "replay raw sarama", "replay ledger alone",
		"closed etcdraft", "closed in-tree", "closed lean", "closed raw sarama", "closed ours",
		"replay in-tree", "replay lean", "replay raw sarama", "replay ledger alone", "replay ours",
	}
	if !slices.Equal(got, want) {
		t.Fatalf("the plan is\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestParseSide(t *testing.T) {
	for text, want := range map[string]Side{
		"lean=bin/lean":            {"lean", Kafka, "bin/lean"},
		"stock=etcdraft:a/orderer": {"stock", Raft, "a"},
		"old=in-tree:b":            {"old", InTree, "b"},
	} {
		got, err := ParseSide(text)
		checktest.Must(t, err)
		if got != want {
			t.Errorf("%s is %+v, want %+v", text, got, want)
		}
	}
	for _, text := range []string{"", "lean", "=bin", "lean=", "lean=solo:bin", "lean=raw:bin"} {
		_, err := ParseSide(text)
		checktest.Fails(t, err, "write NAME=DIR")
	}
	_, err := Sides("", []string{"ours=bin"})
	checktest.Fails(t, err, "two sides are named")
}
