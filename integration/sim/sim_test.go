package sim

import (
	"testing"
)

func TestEverything(t *testing.T) {
	p := Everything()
	var sum Result
	for seed := range uint64(300) {
		r := Run(seed, p)
		if r.Failed() {
			small := Shrink(r.plan, p, r.Invariant, 2000)
			r = Play(small, p)
			t.Fatalf("seed %d: %s: %s\n%s", seed, r.Invariant, r.Text, small.Transcript())
		}
		sum.Blocks += r.Blocks
		sum.Configs += r.Configs
		sum.Records += r.Records
		sum.Acked += r.Acked
		sum.Stopped += r.Stopped
		sum.Left += r.Left
	}
	if min(sum.Blocks, sum.Configs, sum.Records, sum.Acked, sum.Stopped, sum.Left) == 0 {
		t.Errorf("nothing happened: %+v", sum)
	}
}

// BenchmarkRun is one run of 3 orderers and 300 steps, as CI has them.
func BenchmarkRun(b *testing.B) {
	p := Everything()
	b.ReportAllocs()
	for seed := uint64(0); b.Loop(); seed++ {
		Run(seed, p)
	}
}
