package machine

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// leastRestarts is how many blocks the transcripts have at least, together.
const leastRestarts = 250

// TestRestartFromAnyBlock: in every transcript, an orderer that restarts from
// any of its blocks, with the metadata of that block and the config in force after
// it, and reads the records that follow, writes the same blocks with the same
// metadata and reaches the same state.
func TestRestartFromAnyBlock(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil {
		t.Fatal(err)
	}
	restarts := map[RuleSet]int{}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			b, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			s := &script{t: t}
			if strings.Contains(s.play(string(b)), "    panic: ") {
				return
			}
			for at, block := range s.ledger {
				s.checkRestart(at)
				restarts[block.metadata.RuleSet]++
			}
		})
	}
	t.Logf("restarts by the rule set of the block: %v", restarts)
	if restarts[Strict] < leastRestarts/3 || restarts[Compatible] < leastRestarts/3 || restarts[Strict]+restarts[Compatible] < leastRestarts {
		t.Errorf("restarts by rule set: %v, want at least %d", restarts, leastRestarts)
	}
}

// checkRestart restarts from a block of the ledger and compares blocks and state.
func (s *script) checkRestart(at int) {
	s.t.Helper()
	r := s.restarted(at)
	if !slices.Equal(r.ledger, s.ledger) {
		s.t.Errorf("restarted from block %d, blocks are\n%+v, want\n%+v", s.ledger[at].number, r.ledger[at+1:], s.ledger[at+1:])
	}
	if got, want := r.machine.State().String(), s.machine.State().String(); got != want {
		s.t.Errorf("restarted from block %d, the state is\n%s, want\n%s", s.ledger[at].number, got, want)
	}
	if strings.Contains(r.out.String(), "    panic: ") {
		s.t.Errorf("restarted from block %d:\n%s", s.ledger[at].number, &r.out)
	}
}

// restarted returns the script of an orderer that started from a block of the ledger
// and was fed all records after its position.
func (s *script) restarted(at int) *script {
	r := &script{t: s.t, machine: New(s.startAt(at)), ledger: slices.Clone(s.ledger[:at+1]), fed: s.fed, config: s.ledger[at].config}
	for _, f := range s.fed {
		if f.offset <= r.ledger[at].metadata.Offset {
			continue
		}
		if _, ok := f.input.(Configured); !ok {
			r.configure(s)
		}
		r.feed(f)
	}
	if s.machine.State().Awaits != AwaitsConfigured {
		r.configure(s)
	}
	return r
}

// configure gives the answer that s did not give before it crashed, after its config
// block.
func (s *script) configure(as *script) {
	if last := len(s.ledger) - 1; s.machine.State().Awaits == AwaitsConfigured && last < len(as.ledger) {
		s.feed(fed{s.offset, "", as.ledger[last].config})
	}
}
