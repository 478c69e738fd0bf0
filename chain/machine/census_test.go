package machine

import (
	"strings"
	"testing"
)

// census counts what logs led to: a generator that went wrong must not pass for
// a machine that is right.
type census struct {
	blocks     map[RuleSet]int
	configs    int
	overflows  int // blocks that say so
	resubmits  int
	duplicates int // envelopes ordered again
	hidden     int // blocks that hide their mark from in-tree orderers
	halts      int
	across     int // ledgers of both rule sets
	modeless   int // checks in compatibility mode that held
	inFlight   int // copies that an upgraded topic has ordered
}

func (c *census) count(n *node) {
	if c.blocks == nil {
		c.blocks = map[RuleSet]int{}
	}
	sets, seen := map[RuleSet]bool{}, map[string]bool{}
	for _, b := range n.ledger {
		m := b.metadata
		c.blocks[m.RuleSet]++
		sets[m.RuleSet] = true
		if m.Marks.Overflow {
			c.overflows++
		}
		if m.Marks.Shown != m.Marks.Resubmitted {
			c.hidden++
		}
	}
	for _, name := range strings.Fields(n.ordered()) {
		if seen[name] {
			c.duplicates++
		}
		seen[name] = true
	}
	c.configs += len(configBlocks(n))
	c.resubmits += len(n.resubmitted)
	c.modeless += n.modeless
	c.inFlight += n.inFlight
	if n.halted {
		c.halts++
	}
	if len(sets) > 1 {
		c.across++
	}
}

func (c *census) check(t *testing.T, k topic, logs int) {
	t.Helper()
	t.Logf("%d %s logs: %+v", logs, k, *c)
	rare := logs / 20
	tame := c.configs < logs/2
	if k == strictTopic {
		tame = tame || c.blocks[Strict] < 5*logs || c.halts != 0 || c.duplicates != 0
	} else {
		tame = tame || c.blocks[Compatible] < 2*logs || min(c.overflows, c.resubmits, c.duplicates, c.hidden, c.halts, c.modeless) < rare
	}
	if k == upgradedTopic {
		tame = tame || c.blocks[Strict] < logs || min(c.across, c.inFlight) < logs/4
	}
	if tame {
		t.Errorf("%d %s logs are too tame, or too wild: %+v", logs, k, *c)
	}
}
