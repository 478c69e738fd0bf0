package sim

import (
	"os"
	"path/filepath"
	"reflect"
	"testing"
)

// TestKeptTranscripts plays the transcripts of bugs that were found.
func TestKeptTranscripts(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("%d transcripts, %v", len(files), err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		plan, err := ParseTranscript(string(text))
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		if r := Play(plan, Everything()); r.Failed() {
			t.Errorf("%s: %s", file, r)
		}
	}
}

// TestSameSeedSameRun: runs of one seed are equal bit for bit, and so is the plan read
// back from its transcript.
func TestSameSeedSameRun(t *testing.T) {
	p := Everything()
	for seed := range uint64(50) {
		plan := NewPlan(seed, p)
		parsed, err := ParseTranscript(plan.Transcript())
		if err != nil || !reflect.DeepEqual(plan, parsed) {
			t.Fatalf("seed %d: the parsed transcript differs from the plan: %v", seed, err)
		}
		first, again := newWorld(p, plan), newWorld(p, plan)
		first.attempt(plan.Actions)
		again.attempt(parsed.Actions)
		if !reflect.DeepEqual(first.values(), again.values()) || first.now != again.now {
			t.Fatalf("seed %d: two runs wrote different logs", seed)
		}
		for i, o := range first.orderers {
			if !reflect.DeepEqual(o.ledger, again.orderers[i].ledger) {
				t.Fatalf("seed %d: two runs wrote different ledgers of %s", seed, o)
			}
		}
	}
}

// TestShrinkKeepsTheViolation: a plan in which one action is invalid is shrunk to that
// action.
func TestShrinkKeepsTheViolation(t *testing.T) {
	p := Everything()
	plan := Plan{Orderers: 1, Speeds: []int64{100}, Actions: []Action{
		{Verb: Tick, A: 10}, {Verb: Deliver, A: 3}, {Verb: "no such verb"}, {Verb: Tick, A: 10}, {Verb: Deliver, A: 1},
	}}
	small := Shrink(plan, p, "plan", 200)
	if len(small.Actions) != 1 || small.Actions[0].Verb != "no such verb" {
		t.Errorf("shrunk to\n%s", small.Transcript())
	}
}
