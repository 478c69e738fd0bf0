package machine

import (
	"fmt"
	"strings"
)

// State is a snapshot of a [Machine], for tests and for people: everything that decides
// what the machine does next, except the contents of pending envelopes.
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
	Topic      string // its id, by the description in force
	Marks      Marks
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
		Topic:      m.topic,
		Marks:      m.marks,
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

// NextOffset returns the offset after the last record taken, at which reading continues.
func (m *Machine) NextOffset() Offset { return m.last.offset + 1 }

// Windows returns the windows that the log must still have: that of the last block, and
// that of the records taken since. Either may be without records.
func (m *Machine) Windows() (lastBlock, since Window) { return m.lastWindow, m.last.window }

// Topic returns the id of the topic by the description in force; empty if it names none.
func (m *Machine) Topic() string { return m.topic }

// RuleSet returns the rule set in force.
func (m *Machine) RuleSet() RuleSet { return m.ruleSet }

// Pending returns the number of envelopes that wait for a block.
func (m *Machine) Pending() int { return len(m.batch.envelopes) }

// Timer returns the block that the batch timer runs for; 0 for none.
func (m *Machine) Timer() BlockNumber { return m.timer }

// String returns one line; it omits an empty batch and a timer that does not run.
func (s State) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s, next block %d, next offset %d, config %d, limits %s", s.RuleSet, s.Next, s.NextOffset, s.Seq, s.Limits)
	if len(s.Pending) > 0 {
		fmt.Fprintf(&b, ", pending %v", s.Pending)
	}
	if s.Timer != 0 {
		fmt.Fprintf(&b, ", timer %d", s.Timer)
	}
	if s.Topic != "" {
		fmt.Fprintf(&b, ", topic %s", s.Topic)
	}
	if s.Marks != (Marks{}) {
		fmt.Fprintf(&b, ", %s", s.Marks)
	}
	if s.Awaits != AwaitsNothing {
		fmt.Fprintf(&b, ", awaits %s", s.Awaits)
	}
	if s.Halted {
		b.WriteString(", halted")
	}
	return b.String()
}

// String returns the name of the rule set, or the number of an unknown one.
func (r RuleSet) String() string {
	switch r {
	case Undescribed:
		return "undescribed"
	case Strict:
		return "strict"
	case Compatible:
		return "compatible"
	}
	return fmt.Sprint(int(r))
}

// String omits fields that are zero.
func (k Marks) String() string {
	var parts []string
	for _, p := range []struct {
		name  string
		value Offset
	}{{"processed", k.Processed}, {"resubmitted", k.Resubmitted}, {"shown", k.Shown}, {"upgraded", k.Upgraded}} {
		if p.value != 0 {
			parts = append(parts, fmt.Sprintf("%s %d", p.name, p.value))
		}
	}
	if k.Overflow {
		parts = append(parts, "overflow")
	}
	return strings.Join(parts, " ")
}

// String returns count, preferred and absolute bytes.
func (l Limits) String() string {
	return fmt.Sprintf("%d/%d/%d", l.MaxMessageCount, l.PreferredMaxBytes, l.AbsoluteMaxBytes)
}

// String returns the name in the record format, or the number of an unknown class.
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
