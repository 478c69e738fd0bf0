package machine

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// TestAgreement: several nodes read one log, each crashes and starts again from
// its last block as often as its luck wants, and all write equal blocks with
// equal metadata, which hold exactly what the log orders.
func TestAgreement(t *testing.T) {
	seeds := uint64(2000)
	blocks, configs := 0, 0
	for seed := range seeds {
		rng := rand.New(rand.NewPCG(seed, 1))
		steady, log := written(t, rng.IntN, 10+rng.IntN(50))
		checkOrdered(t, seed, steady, log)
		for range 3 {
			checkSame(t, seed, steady, crashing(t, rng, log))
		}
		blocks += len(steady.ledger)
		configs += int(steady.machine.seq - steady.first.Seq)
	}
	// A generator that went wrong must not pass for a machine that is right.
	if blocks < 5*int(seeds) || configs < int(seeds) {
		t.Errorf("%d logs made only %d blocks, %d of them of config", seeds, blocks, configs)
	}
}

// TestRestartAnywhere crashes a node after every record, and after every effect,
// of many small logs: no state that matters is outside of the blocks.
func TestRestartAnywhere(t *testing.T) {
	for seed := range uint64(300) {
		rng := rand.New(rand.NewPCG(seed, 2))
		steady, log := written(t, rng.IntN, 15)
		for records := range len(log) {
			checkSame(t, seed, steady, crashedOnce(t, log, &budget{records, -1}))
		}
		for effects := 0; ; effects++ {
			b := &budget{-1, effects}
			checkSame(t, seed, steady, crashedOnce(t, log, b))
			if b.effects > 0 {
				break // more than the log leads to
			}
		}
	}
}

// written is a log, and the node that read it while it was written.
func written(t *testing.T, choose func(int) int, length int) (*node, []Input) {
	a := &author{node: newNode(t, fresh()), choose: choose, offset: -1}
	return a.node, a.log(length)
}

func crashing(t *testing.T, rng *rand.Rand, log []Input) *node {
	n := newNode(t, fresh())
	for range 20 {
		if n.read(log, &budget{rng.IntN(40), rng.IntN(40)}) {
			return n
		}
	}
	n.read(log, forever())
	return n
}

func crashedOnce(t *testing.T, log []Input, b *budget) *node {
	n := newNode(t, fresh())
	if !n.read(log, b) {
		n.read(log, forever())
	}
	return n
}

// checkSame compares ledgers, and what is pending after them.
func checkSame(t *testing.T, seed uint64, want, got *node) {
	t.Helper()
	if !slices.Equal(want.ledger, got.ledger) {
		t.Fatalf("seed %d: blocks differ:\n%+v\n%+v", seed, want.ledger, got.ledger)
	}
	w, g := want.machine, got.machine
	if w.State().String() != g.State().String() || names(w.batch.envelopes) != names(g.batch.envelopes) {
		t.Fatalf("seed %d: states differ:\n%s\n%s", seed, w.State(), g.State())
	}
}

// checkOrdered holds blocks, and what is pending after them, against the log.
func checkOrdered(t *testing.T, seed uint64, n *node, log []Input) {
	t.Helper()
	got := strings.Fields(n.ordered() + " " + names(n.machine.batch.envelopes))
	if want := expected(log, n.first); !slices.Equal(want, got) {
		t.Fatalf("seed %d: ordered\n%v, want\n%v", seed, got, want)
	}
}
