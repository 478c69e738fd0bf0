package machine

import (
	"strings"
	"testing"
)

// census counts what logs led to, so that a generator that produces too little is not
// mistaken for a correct machine.
type census struct {
	blocks       map[RuleSet]int
	configs      int
	overflows    int // blocks with the overflow mark
	resubmits    int
	duplicates   int // envelopes ordered more than once
	hidden       int // blocks that hide their mark from in-tree orderers
	halts        int
	across       int // ledgers of both rule sets
	unclassified int // checks of records without a class that succeeded
	inFlight     int // copies that an upgraded topic has ordered
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
	c.unclassified += n.unclassified
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
	tooFew := c.configs < logs/2
	if k == strictTopic {
		tooFew = tooFew || c.blocks[Strict] < 5*logs || c.halts != 0 || c.duplicates != 0
	} else {
		tooFew = tooFew || c.blocks[Compatible] < 2*logs || min(c.overflows, c.resubmits, c.duplicates, c.hidden, c.halts, c.unclassified) < rare
	}
	if k == upgradedTopic {
		tooFew = tooFew || c.blocks[Strict] < logs || min(c.across, c.inFlight) < logs/4
	}
	if tooFew {
		t.Errorf("%d %s logs show too little, or what must not happen: %+v", logs, k, *c)
	}
}
