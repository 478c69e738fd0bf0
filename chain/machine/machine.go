// Package machine decides what is in a block. It maps the records of a channel's
// topic, in offset order, to effects; it has no clock, no I/O, no goroutine, no
// lock, no logger and no validator, and imports nothing but the standard library.
// The same records, verdicts and configs give the same effects on every orderer.
//
// The shell (package chain) owns a Machine and is the only caller of Step:
//
//	for each record, in offset order:
//		for input := record; input != nil; {
//			for each effect of Step(input), in order: perform it
//			input = the answer that the last effect asks for, if it asks
//		}
//
// What cannot be decided from the records alone comes in as an answer: a Verdict
// on an envelope whose config sequence lags, and the new limits after a config
// block. Time comes in as a TimeToCut record only.
//
// A restart needs the last block and nothing else: New takes its number and its
// metadata, and reading goes on at NextOffset.
package machine

import "fmt"

// DescriptionVersion is the format version of the descriptions that this package reads.
const DescriptionVersion = 1

// Start is what a chain knows before it reads: its channel and its last block.
type Start struct {
	Channel     string
	GenesisHash []byte      // SHA-256 of the header of block 0
	Next        BlockNumber // number of the block to be written next: the ledger's height
	Metadata    Metadata    // of the last block; Offset -1 and Undescribed for a fresh ledger
	Seq         ConfigSeq   // config sequence in force
	Limits      Limits      // batch limits in force
}

// Machine is the state between two records. It is not safe for concurrent use.
type Machine struct {
	channel     string
	genesisHash []byte

	ruleSet RuleSet
	rules   rules // of ruleSet
	next    BlockNumber
	offset  Offset // of the last record taken; -1 before the first
	seq     ConfigSeq
	batch   batch
	armed   bool // the batch timer runs for block next

	asked  *question // a Judge without its Verdict
	config bool      // a WriteConfigBlock without its Configured
	halted bool
}

// question is a Judge effect that awaits its Verdict.
type question struct {
	record Regular
}

// rules is what a rule set decides: one method for each kind of record that
// decodes, and one for the verdict on a record that it asked about. Records come
// with the machine's offset already advanced to them.
type rules interface {
	connect(m *Machine, in Connect) []Effect
	timeToCut(m *Machine, in TimeToCut) []Effect
	regular(m *Machine, in Regular) []Effect
	verdict(m *Machine, in Regular, v Verdict) []Effect
}

// rulesOf returns the rules of a rule set, and false for one that this build does not know.
func rulesOf(set RuleSet) (rules, bool) {
	switch set {
	case Undescribed:
		return undescribed{}, true
	case Strict:
		return strict{}, true
	}
	return nil, false
}

// Known says whether this build can read a topic by this rule set.
func Known(set RuleSet) bool {
	_, ok := rulesOf(set)
	return ok
}

// New returns the machine of a chain that has just been started. The rule set
// must be Known.
func New(s Start) *Machine {
	r, ok := rulesOf(s.Metadata.RuleSet)
	must(ok, "rule set %d is not known", s.Metadata.RuleSet)
	return &Machine{
		channel:     s.Channel,
		genesisHash: s.GenesisHash,
		ruleSet:     s.Metadata.RuleSet,
		rules:       r,
		next:        s.Next,
		offset:      s.Metadata.Offset,
		seq:         s.Seq,
		batch:       batch{limits: s.Limits},
	}
}

// Step takes one record, or the answer to the last effect of the step before,
// and returns what is to be done, in order. After a Halt it returns nil. A
// record out of order, a record while an answer is awaited, or an answer that
// was not asked for is a broken invariant of the caller and panics.
func (m *Machine) Step(in Input) []Effect {
	if m.halted {
		return nil
	}
	switch in := in.(type) {
	case Verdict:
		return m.verdict(in)
	case Configured:
		return m.configured(in)
	case Garbage:
		m.take(in.Offset)
		return []Effect{Skip{in.Offset, ReasonGarbage, in.Flaw}}
	case Connect:
		m.take(in.Offset)
		return m.rules.connect(m, in)
	case TimeToCut:
		m.take(in.Offset)
		return m.rules.timeToCut(m, in)
	case Regular:
		m.take(in.Offset)
		return m.rules.regular(m, in)
	}
	panic(fmt.Sprintf("machine: unknown input %T", in))
}

// take advances to the record at offset.
func (m *Machine) take(offset Offset) {
	must(m.asked == nil && !m.config, "record at offset %d while an answer is awaited at offset %d, block %d", offset, m.offset, m.next)
	must(offset > m.offset, "record at offset %d after offset %d, block %d", offset, m.offset, m.next)
	m.offset = offset
}

func (m *Machine) verdict(v Verdict) []Effect {
	must(m.asked != nil, "verdict that was not asked for, offset %d, block %d", m.offset, m.next)
	record := m.asked.record
	m.asked = nil
	return m.rules.verdict(m, record, v)
}

func (m *Machine) configured(c Configured) []Effect {
	must(m.config, "config that was not asked for, offset %d, block %d", m.offset, m.next)
	m.config = false
	m.seq, m.batch.limits = c.Seq, c.Limits
	return nil
}

// judge asks the shell about a record.
func (m *Machine) judge(in Regular) []Effect {
	m.asked = &question{in}
	return []Effect{Judge{in.Offset, in.Class, in.Envelope}}
}

// halt ends the channel.
func (m *Machine) halt(format string, args ...any) []Effect {
	m.halted = true
	return []Effect{Halt{m.offset, fmt.Sprintf(format, args...)}}
}

// block cuts a batch into the next block. This is the one place that numbers
// blocks and makes their metadata. at is the last offset that need not be read
// again once the block is on disk.
func (m *Machine) block(envelopes []Envelope, at Offset, cause Cause) Effect {
	b := WriteBlock{m.next, envelopes, m.metadata(at), cause}
	m.next++
	return b
}

func (m *Machine) configBlock(e Envelope) Effect {
	b := WriteConfigBlock{m.next, e, m.metadata(m.offset)}
	m.next++
	m.config = true
	return b
}

func (m *Machine) metadata(at Offset) Metadata {
	return Metadata{Offset: at, RuleSet: m.ruleSet}
}

// NextOffset is the offset after the last record taken: where reading goes on.
func (m *Machine) NextOffset() Offset { return m.offset + 1 }

// RuleSet is the rule set in force.
func (m *Machine) RuleSet() RuleSet { return m.ruleSet }

// Pending is the number of envelopes that wait for a block.
func (m *Machine) Pending() int { return len(m.batch.envelopes) }

func must(ok bool, format string, args ...any) {
	if !ok {
		panic("machine: broken invariant: " + fmt.Sprintf(format, args...))
	}
}
