package machine

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// TestAgreement: several nodes read one log, each crashes at random and starts again
// from its last block, and all write equal blocks with
// equal metadata, which hold exactly what the log orders.
func TestAgreement(t *testing.T) {
	eachTopic(t, func(t *testing.T, k topic) {
		seeds := uint64(1000)
		var seen census
		for seed := range seeds {
			rng := rand.New(rand.NewPCG(seed, 1))
			steady, log := written(t, k, rng.IntN, 10+rng.IntN(50))
			checkOrdered(t, seed, steady, log)
			for range 3 {
				checkSame(t, seed, steady, crashing(t, rng, log, steady.first))
			}
			seen.count(steady)
		}
		seen.check(t, k, int(seeds))
	})
}

// TestRestartAnywhere crashes a node after every record, and after every effect,
// of many small logs: the blocks have all the state that matters.
func TestRestartAnywhere(t *testing.T) {
	eachTopic(t, func(t *testing.T, k topic) {
		for seed := range uint64(120) {
			rng := rand.New(rand.NewPCG(seed, 2))
			steady, log := written(t, k, rng.IntN, 15)
			for records := range len(log) {
				checkSame(t, seed, steady, crashedOnce(t, log, steady.first, &budget{records, -1}))
			}
			for effects := 0; ; effects++ {
				b := &budget{-1, effects}
				checkSame(t, seed, steady, crashedOnce(t, log, steady.first, b))
				if b.effects > 0 {
					break // the log leads to no more
				}
			}
		}
	})
}

// TestContinuesFromInTreeBlocks: each block of the compatible rules is
// replaced by the block of an in-tree orderer, whose metadata has fewer fields. An
// orderer of ours that continues from there writes the same blocks as orderers that
// never stopped, except for the offset of the last resubmitted config record, which
// is not in a block that was cut by a time-to-cut.
func TestContinuesFromInTreeBlocks(t *testing.T) {
	restarts, overflows := 0, 0
	for seed := range uint64(700) {
		rng := rand.New(rand.NewPCG(seed, 4))
		steady, log := written(t, topics[1+seed%2], rng.IntN, 40)
		for i, last := range steady.ledger {
			if !continues(t, steady, log, i) {
				break
			}
			restarts++
			if last.metadata.Marks.Overflow {
				overflows++
			}
		}
	}
	t.Logf("%d restarts, %d at a block that was cut for the record after it", restarts, overflows)
	if overflows < 500 {
		t.Errorf("%d of %d restarts at a block that was cut for the record after it: too few", overflows, restarts)
	}
}

// continues checks that an orderer can continue from block i of a ledger as an in-tree
// orderer would have written it; it returns false if the block has the strict rules.
func continues(t *testing.T, steady *node, log []Input, i int) bool {
	t.Helper()
	last := steady.ledger[i]
	if last.metadata.RuleSet != Compatible {
		return false
	}
	first := steady.startAfter(inTreeBlock(last))
	first.LastBlock = BlockInfo{last.count, last.bytes, slices.Contains(configBlocks(steady), i), cutItself(log, last)}
	n := newNode(t, first)
	n.read(log, forever())
	if want, got := withoutResubmitted(steady.ledger[i+1:]), withoutResubmitted(n.ledger); !slices.Equal(want, got) {
		t.Fatalf("%v:\nafter block %d as in-tree orderers write it, blocks are\n%+v, want\n%+v", log, last.number, got, want)
	}
	return true
}

func inTreeBlock(b block) block {
	m := b.metadata
	b.metadata = Metadata{Offset: m.Offset, RuleSet: Compatible, Topic: m.Topic, Marks: Marks{Processed: m.Marks.Processed, Resubmitted: m.Marks.Shown}}
	return b
}

// configBlocks returns the indices of the blocks that changed the config.
func configBlocks(n *node) []int {
	var all []int
	seq := n.first.Seq
	for i, b := range n.ledger {
		if b.config.Seq != seq {
			all = append(all, i)
		}
		seq = b.config.Seq
	}
	return all
}

// cutItself reports whether the record at a block's offset is a time-to-cut for it.
func cutItself(log []Input, b block) bool {
	return slices.ContainsFunc(log, func(in Input) bool {
		cut, ok := in.(TimeToCut)
		return ok && cut.Offset == b.metadata.Offset && cut.Block == b.number
	})
}

func withoutResubmitted(blocks []block) []block {
	all := slices.Clone(blocks)
	for i := range all {
		all[i].metadata.Marks.Resubmitted, all[i].metadata.Marks.Shown = 0, 0
	}
	return all
}

func eachTopic(t *testing.T, f func(*testing.T, topic)) {
	for _, k := range topics {
		t.Run(k.String(), func(t *testing.T) { f(t, k) })
	}
}

// written returns a log, and the node that read it while it was written.
func written(t *testing.T, k topic, choose func(int) int, length int) (*node, []Input) {
	a := &author{node: newNode(t, fresh(k)), choose: choose, offset: -1}
	return a.node, a.log(k, length)
}

func crashing(t *testing.T, rng *rand.Rand, log []Input, first Start) *node {
	n := newNode(t, first)
	for range 20 {
		if n.read(log, &budget{rng.IntN(40), rng.IntN(40)}) {
			return n
		}
	}
	n.read(log, forever())
	return n
}

func crashedOnce(t *testing.T, log []Input, first Start, b *budget) *node {
	n := newNode(t, first)
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

// checkOrdered compares blocks, and what is pending after them, with the log.
func checkOrdered(t *testing.T, seed uint64, n *node, log []Input) {
	t.Helper()
	want := run(log, n.first)
	got := strings.Fields(n.ordered() + " " + names(n.machine.batch.envelopes))
	if !slices.Equal(want.ordered, got) {
		t.Fatalf("seed %d: ordered\n%v, want\n%v", seed, got, want.ordered)
	}
	var blocks []string
	for _, b := range n.ledger {
		if m := b.metadata; m.RuleSet == Compatible {
			blocks = append(blocks, inTreeText(b.number, b.ordered, m.Offset, m.Marks.Processed, m.Marks.Shown))
		}
	}
	if !slices.Equal(want.blocks, blocks) {
		t.Fatalf("seed %d: blocks of the compatible rules are\n%s, want\n%s", seed, strings.Join(blocks, "\n"), strings.Join(want.blocks, "\n"))
	}
	s := n.machine.State()
	if n.halted != want.ended || s.Topic != want.topic || s.Marks.Processed != want.processed || s.Marks.Upgraded != want.upgraded {
		t.Fatalf("seed %d: %s, want\n%+v", seed, s, want)
	}
}

// TestPermissionDecidesNothing: an orderer whose settings do not allow the
// compatible rules writes the blocks of one whose settings do, or halts before it
// writes any; and where its ledger has blocks, the permission changes nothing.
func TestPermissionDecidesNothing(t *testing.T) {
	eachTopic(t, func(t *testing.T, k topic) {
		halts, blocks := 0, 0
		for seed := range uint64(300) {
			rng := rand.New(rand.NewPCG(seed, 5))
			allowed, log := written(t, k, rng.IntN, 30)
			unlisted := allowed.first
			unlisted.AllowUndescribed = false
			n := newNode(t, unlisted)
			n.read(log, forever())
			if n.halted && len(n.ledger) == 0 {
				halts++
			} else {
				checkSame(t, seed, allowed, n)
			}
			for i := range allowed.ledger {
				again := newNode(t, unlisted)
				again.ledger = slices.Clone(allowed.ledger[:i+1])
				again.read(log, forever())
				checkSame(t, seed, allowed, again)
				blocks++
			}
		}
		if wantHalts := k != strictTopic; (halts > 0) != wantHalts || blocks < 500 {
			t.Errorf("%d halts, %d restarts: too few", halts, blocks)
		}
	})
}
