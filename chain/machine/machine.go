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
	timer   BlockNumber // the block that the batch timer runs for; 0, the genesis block, for none

	asked  *Regular // the record of a Judge that awaits its Verdict
	config bool     // a WriteConfigBlock awaits its Configured
	halted bool
}

// New returns the machine of a chain that has just been started. The rule set
// must be Known.
func New(s Start) *Machine {
	r, ok := rulesOf(s.Metadata.RuleSet)
	m := &Machine{
		channel:     s.Channel,
		genesisHash: s.GenesisHash,
		ruleSet:     s.Metadata.RuleSet,
		rules:       r,
		next:        s.Next,
		offset:      s.Metadata.Offset,
		seq:         s.Seq,
		batch:       batch{limits: s.Limits},
	}
	m.mustHold(ok, "the last block's rule set is not known to this build")
	return m
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
	m.mustHold(false, fmt.Sprintf("an input of unknown type %T", in))
	return nil
}

// take advances to the record at offset.
func (m *Machine) take(offset Offset) {
	m.mustHold(m.asked == nil && !m.config, "a record while an answer is awaited")
	m.mustHold(offset > m.offset, "a record that does not follow the last one")
	m.offset = offset
}

func (m *Machine) verdict(v Verdict) []Effect {
	m.mustHold(m.asked != nil, "a verdict that was not asked for")
	record := *m.asked
	m.asked = nil
	return m.rules.verdict(m, record, v)
}

func (m *Machine) configured(c Configured) []Effect {
	m.mustHold(m.config, "a config that was not asked for")
	m.config = false
	m.seq, m.batch.limits = c.Seq, c.Limits
	return nil
}

// judge asks the shell about a record.
func (m *Machine) judge(in Regular) []Effect {
	m.asked = &in
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

// mustHold panics if an invariant that the caller keeps is broken.
func (m *Machine) mustHold(ok bool, otherwise string) {
	if !ok {
		panic(fmt.Sprintf("machine: %s: offset %d was the last, block %d is the next", otherwise, m.offset, m.next))
	}
}
