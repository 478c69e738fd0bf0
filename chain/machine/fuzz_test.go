package machine

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// FuzzStep reads logs that the fuzzer's bytes choose, of each kind of topic,
// answers effects that ask, and checks what node checks; that the log orders what it
// should; that a machine that was restarted halfway from its last block, and one
// that crashed anywhere, write the same blocks; and that an orderer can continue from
// blocks as in-tree orderers write them.
func FuzzStep(f *testing.F) {
	for _, seed := range fuzzSeeds() {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		choices := &choices{left: data[:min(len(data), 1500)]} // restarts at every block take time
		steady, log, crash := fuzzed(t, choices.choose, func() bool { return len(choices.left) > 0 })
		checkOrdered(t, 0, steady, log)
		checkSame(t, 0, steady, crashedOnce(t, log, steady.first, &budget{len(log) / 2, -1}))
		checkSame(t, 0, steady, crashedOnce(t, log, steady.first, crash))
		for i := range steady.ledger {
			continues(t, steady, log, i)
		}
	})
}

// fuzzed returns a log, the node that read it while it was written, and a crash.
func fuzzed(t *testing.T, choose func(int) int, more func() bool) (*node, []Input, *budget) {
	k := topics[choose(len(topics))]
	a := &author{node: newNode(t, fresh(k)), choose: choose, offset: -1}
	if choose(8) != 0 { // the rules of most topics are known
		a.node.first.Metadata.RuleSet = Compatible
		if k == strictTopic {
			a.node.first.Metadata.RuleSet = Strict
		}
		a.node.boot()
	}
	crash := &budget{choose(64), choose(64)}
	var log []Input
	for more() {
		if k == upgradedTopic && choose(16) == 0 {
			log = append(log, a.append(Connect{Offset: a.advance(), Description: a.description(0)}))
		}
		log = append(log, a.append(a.record()))
	}
	return a.node, log, crash
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

// fuzzSeeds returns logs of each kind of record in each kind of topic.
func fuzzSeeds() [][]byte {
	var seeds [][]byte
	for k := range topics {
		for kind := byte(0); kind < 100; kind += 7 {
			seed := []byte{0, byte(k), 0, kind % 2, 0, 9, 0, 13}
			for i := range byte(24) {
				seed = append(seed, 0, 1, 0, kind, 0, i, 0, 5+i*3, 0, i)
			}
			seeds = append(seeds, seed)
		}
	}
	return append(seeds, nil)
}

// fuzzCorpus names the seeds in testdata/fuzz/FuzzStep, by what they show.
var fuzzCorpus = map[string]func(*census) bool{
	"strict-configs":         func(c *census) bool { return c.configs > 3 && c.blocks[Strict] > 12 && c.blocks[Compatible] == 0 },
	"compatible-overflows":   func(c *census) bool { return c.overflows > 2 && c.duplicates > 1 },
	"compatible-resubmitted": func(c *census) bool { return c.resubmits > 3 && c.hidden > 0 && c.configs > 2 },
	"compatible-halts":       func(c *census) bool { return c.halts > 0 && c.blocks[Compatible] > 6 },
	"compatible-mode":        func(c *census) bool { return c.unclassified > 2 && c.blocks[Compatible] > 6 },
	"upgraded":               func(c *census) bool { return c.across > 0 && c.blocks[Strict] > 3 && c.blocks[Compatible] > 3 },
	"upgraded-overflows":     func(c *census) bool { return c.across > 0 && c.overflows > 1 && c.blocks[Strict] > 3 },
	"upgraded-resubmitted":   func(c *census) bool { return c.across > 0 && c.resubmits > 2 && c.inFlight > 1 },
}

// TestFuzzCorpus: each seed still shows what it is named for. Choices mean
// something else after a change to author; then write the seeds again:
//
//	go test ./chain/machine -run FuzzCorpus -rewrite
func TestFuzzCorpus(t *testing.T) {
	for name, shows := range fuzzCorpus {
		file := filepath.Join("testdata", "fuzz", "FuzzStep", name)
		if *rewrite {
			seed := findSeed(t, shows)
			if err := os.WriteFile(file, []byte("go test fuzz v1\n[]byte("+strconv.Quote(string(seed))+")\n"), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		quoted := strings.TrimSuffix(strings.TrimPrefix(string(b), "go test fuzz v1\n[]byte("), ")\n")
		data, err := strconv.Unquote(quoted)
		if err != nil {
			t.Fatal(err)
		}
		if !shows(censusOf(t, []byte(data))) {
			t.Errorf("%s does not show what it should", file)
		}
	}
}

func censusOf(t *testing.T, data []byte) *census {
	choices := &choices{left: data}
	steady, _, _ := fuzzed(t, choices.choose, func() bool { return len(choices.left) > 0 })
	c := &census{}
	c.count(steady)
	return c
}

// findSeed tries bytes at random.
func findSeed(t *testing.T, shows func(*census) bool) []byte {
	for seed := range uint64(200000) {
		rng := rand.New(rand.NewPCG(seed, 5))
		data := make([]byte, 600)
		for i := range data {
			data[i] = byte(rng.Uint32())
		}
		if shows(censusOf(t, data)) {
			return data
		}
	}
	t.Fatal("no bytes show it")
	return nil
}
