package machine

import (
	"slices"
	"testing"
)

// FuzzStep reads logs that the fuzzer's bytes choose, described or not, answers
// what is asked, and checks what node checks, that the log orders what it should
// (no record twice, none left out), and that a node which crashed comes to the same.
func FuzzStep(f *testing.F) {
	for _, seed := range fuzzSeeds() {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		choices := &choices{left: data}
		a := &author{node: newNode(t, fresh()), choose: choices.choose, offset: -1}
		if choices.choose(8) != 0 { // most logs are described
			a.node.first.Metadata.RuleSet = Strict
			a.node.boot()
		}
		crash := &budget{choices.choose(64), choices.choose(64)}
		var log []Input
		for len(choices.left) > 0 {
			log = append(log, a.append(a.record()))
		}
		checkOrdered(t, 0, a.node, log)
		n := newNode(t, a.node.first)
		if !n.read(log, crash) {
			n.read(log, forever())
		}
		if !slices.Equal(n.ledger, a.node.ledger) {
			t.Fatalf("blocks differ after a crash:\n%+v\n%+v", a.node.ledger, n.ledger)
		}
	})
}

// choices are made by bytes, two for a choice; 0 when there are none left.
type choices struct{ left []byte }

func (c *choices) choose(n int) int {
	if len(c.left) < 2 {
		c.left = nil
		return 0
	}
	v := int(c.left[0])<<8 | int(c.left[1])
	c.left = c.left[2:]
	return v % n
}

// fuzzSeeds are logs of each kind of record, described and not.
func fuzzSeeds() [][]byte {
	var seeds [][]byte
	for _, described := range []byte{0, 1} {
		for kind := byte(0); kind < 100; kind += 7 {
			seed := []byte{0, described, 0, 9, 0, 13}
			for i := range byte(24) {
				seed = append(seed, 0, 1, 0, kind, 0, i, 0, 5+i*3, 0, i)
			}
			seeds = append(seeds, seed)
		}
	}
	return append(seeds, nil)
}
