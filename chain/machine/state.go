package machine

import (
	"fmt"
	"strings"
)

// State is a snapshot of a Machine, for tests and for people: everything that
// decides what it does next, except the contents of what is pending.
type State struct {
	RuleSet    RuleSet
	Next       BlockNumber // the block to be written next
	NextOffset Offset
	Seq        ConfigSeq
	Limits     Limits
	Pending    []int       // sizes of the envelopes that wait for a block
	Timer      BlockNumber // the block that the batch timer runs for; 0 for none
	Awaits     Answer
	Halted     bool
}

// Answer names what a machine waits for.
type Answer string

const (
	AwaitsNothing    Answer = ""
	AwaitsVerdict    Answer = "verdict"
	AwaitsConfigured Answer = "configured"
)

// State returns a snapshot.
func (m *Machine) State() State {
	s := State{
		RuleSet:    m.ruleSet,
		Next:       m.next,
		NextOffset: m.NextOffset(),
		Seq:        m.seq,
		Limits:     m.batch.limits,
		Timer:      m.timer,
		Awaits:     m.awaits(),
		Halted:     m.halted,
	}
	for _, e := range m.batch.envelopes {
		s.Pending = append(s.Pending, e.Size)
	}
	return s
}

func (m *Machine) awaits() Answer {
	switch {
	case m.asked != nil:
		return AwaitsVerdict
	case m.config:
		return AwaitsConfigured
	}
	return AwaitsNothing
}

// NextOffset is the offset after the last record taken: where reading goes on.
func (m *Machine) NextOffset() Offset { return m.offset + 1 }

// RuleSet is the rule set in force.
func (m *Machine) RuleSet() RuleSet { return m.ruleSet }

// Pending is the number of envelopes that wait for a block.
func (m *Machine) Pending() int { return len(m.batch.envelopes) }

// String is one line; what is at rest (nothing pending, no timer) is left out.
func (s State) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s, next block %d, next offset %d, config %d, limits %s", s.RuleSet, s.Next, s.NextOffset, s.Seq, s.Limits)
	if len(s.Pending) > 0 {
		fmt.Fprintf(&b, ", pending %v", s.Pending)
	}
	if s.Timer != 0 {
		fmt.Fprintf(&b, ", timer %d", s.Timer)
	}
	if s.Awaits != AwaitsNothing {
		fmt.Fprintf(&b, ", awaits %s", s.Awaits)
	}
	if s.Halted {
		b.WriteString(", halted")
	}
	return b.String()
}

// String is the name that the design uses, or the number of an unknown one.
func (r RuleSet) String() string {
	switch r {
	case Undescribed:
		return "undescribed"
	case Strict:
		return "strict"
	}
	return fmt.Sprint(int(r))
}

// String is count, preferred and absolute bytes.
func (l Limits) String() string {
	return fmt.Sprintf("%d/%d/%d", l.MaxMessageCount, l.PreferredMaxBytes, l.AbsoluteMaxBytes)
}

// String is the name that the record format uses, or the number of an unknown one.
func (c Class) String() string {
	switch c {
	case ClassUnknown:
		return "unknown"
	case Normal:
		return "normal"
	case Config:
		return "config"
	}
	return fmt.Sprint(int(c))
}
