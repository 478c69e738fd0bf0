package machine

import "fmt"

// smallStart returns the start of an orderer that has just joined a topic whose rules are
// known. A stray time-to-cut at an odd offset is ignored.
func smallStart(k topic) Start {
	s := fresh(k)
	s.Metadata = Metadata{Offset: -1, RuleSet: Compatible}
	s.IgnoredCuts = []Offset{1, 3, 5, 7, 9}
	if k == strictTopic {
		s.Metadata.RuleSet = Strict
	}
	return s
}

// letters returns the records that can come next.
func letters(w *world, k topic) []Input {
	n := w.front[0]
	if n.halted {
		return nil
	}
	m, at := n.machine, Offset(len(w.log))
	all := []Input{Garbage{Offset: at}, TimeToCut{Offset: at, Block: m.next + 1}}
	if m.Pending() == 0 {
		all = append(all, TimeToCut{Offset: at, Block: m.next}) // forged
	}
	for _, block := range w.timers {
		all = append(all, TimeToCut{Offset: at, Block: block}) // from an orderer whose timer fired, possibly late
	}
	now := m.seq
	all = append(all,
		letter(at, Normal, now, "+", 30),   // fits
		letter(at, Normal, now, "+", 80),   // makes a batch overflow
		letter(at, Normal, now, "+", 120),  // large, at the first limits
		letter(at, Normal, now-1, "+", 50), // stale
		letter(at, Config, now, "+", 10),
		letter(at, Config, now-1, "+", 10), // stale
	)
	if k == strictTopic {
		opaque, setter := letter(at, Normal, now, "+o", 30), letter(at, Normal, now, "+p", 30)
		opaque.Envelope.Opaque = true
		setter.Envelope.Written, setter.Envelope.Policies = []StateKey{1}, []StateKey{1}
		return append(all, opaque, setter,
			letter(at, Normal, now, "+", 100),   // as much as the first limits prefer
			letter(at, Normal, now-1, "-", 50),  // stale, and no longer valid
			letter(at, Normal, now+1, "+", 120), // forged
			letter(at, Config, now, "-", 10),    // cannot become a block
			letter(at, ClassUnknown, now, "+", 30),
			Connect{Offset: at, Description: &Description{DescriptionVersion, Compatible, "ours", []byte{10, 11}, "T", "C"}},
		)
	}
	for _, c := range w.copies {
		c.Offset = at
		all = append(all, c)
	}
	if k == upgradedTopic && m.ruleSet == Compatible {
		all = append(all, Connect{Offset: at, Description: &Description{DescriptionVersion, Strict, "ours", []byte{10, 11}, "T", "C"}})
	}
	return all
}

// letter returns a regular record; the sign is + if its envelope is valid.
func letter(at Offset, class Class, seq ConfigSeq, sign string, size int) Regular {
	e := Envelope{Bytes: fmt.Appendf(nil, "%s%d/%d", sign, at, size), Size: size, Channel: "ours", Type: typeEndorserTransaction}
	if class == Config {
		e.Type = typeConfig
	}
	return Regular{Offset: at, Class: class, ConfigSeq: seq, Envelope: e}
}
