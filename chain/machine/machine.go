// Package machine decides what is in a block. It maps the records of a channel's
// topic, in offset order, to effects; it has no clock, no I/O, no goroutine, no
// lock, no logger and no validator, and imports nothing but the standard library.
// The same records, verdicts and configs give the same effects on every orderer.
//
// A session (package session) owns a Machine and is the only caller of [Machine.Step]:
//
//	for each record, in offset order:
//		for input := record; input != nil; {
//			for each effect of Step(input), in order: perform it
//			input = the answer that the last effect asks for, if it asks
//		}
//
// What cannot be decided from the records alone comes in as an answer: a [Verdict]
// on an envelope that was validated at a stale config sequence, and the limits after
// a config block, as [Configured]. Time comes in as a [TimeToCut] record only.
//
// A restart needs the last block and nothing else: [New] takes its number and its
// metadata, and reading continues at [Machine.NextOffset].
package machine

import "fmt"

// DescriptionVersion is the format version of the descriptions that this package reads.
const DescriptionVersion = 1

// Start is what a chain knows before it reads the topic: its channel and its last block.
type Start struct {
	Channel     string
	GenesisHash []byte      // SHA-256 of the header of block 0
	Next        BlockNumber // number of the block to be written next: the ledger's height
	Metadata    Metadata    // of the last block; Offset -1 and Undescribed for a fresh ledger
	Seq         ConfigSeq   // config sequence in force
	Limits      Limits      // batch limits in force

	// Only the compatible rules use the rest.
	Resubmission     bool // the channel's capability
	AllowUndescribed bool // a topic without a description may be read, by the compatible rules
	LastBlock        BlockInfo
	IgnoredCuts      []Offset // time-to-cut records that an operator has the machine ignore
}

// BlockInfo is what the compatible rules must know of the last block, if in-tree
// orderers wrote it: their metadata does not say why it was cut.
type BlockInfo struct {
	Envelopes int
	Bytes     uint64 // of the envelopes, as the limits count
	Config    bool   // a config block
	Cut       bool   // the record at its offset is the time-to-cut that cut it
}

// Machine is the state between two records. It is not safe for concurrent use.
type Machine struct {
	channel     string
	genesisHash []byte

	ruleSet    RuleSet
	rules      rules // of ruleSet
	next       BlockNumber
	last       position // of the last record taken; offset -1 before the first
	before     position // of the record taken before it
	digest     Digest   // of the last record
	size       int      // of the last record
	lastWindow Window   // of the last block
	topic      string   // its id, by the description in force
	seq        ConfigSeq
	batch      batch
	timer      BlockNumber // the block that the batch timer runs for; 0, the genesis block, for none
	marks      Marks
	overflow   Offset // the record that the last block was cut for, which must not advance marks.Processed; -1 for none
	old        oldStart

	asked  *question // what a Judge or Resubmit asked, until its Verdict comes
	config bool      // a WriteConfigBlock waits for its Configured
	halted bool
}

// question is what the session was asked about a record.
type question struct {
	Regular
	resubmit bool
	check    Check // of a Judge
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
		last:        position{offset: s.Metadata.Offset},
		lastWindow:  s.Metadata.Window(),
		topic:       s.Metadata.Topic,
		seq:         s.Seq,
		batch:       batch{limits: s.Limits},
		marks:       s.Metadata.Marks,
		old:         oldStart{s.AllowUndescribed, s.Resubmission, s.LastBlock, s.Metadata.Offset + 1, s.IgnoredCuts},
	}
	m.mustHold(ok, "the last block's rule set is not known to this build")
	m.overflow = -1
	if s.Metadata.Marks.Overflow {
		m.overflow = s.Metadata.Offset + 1
	}
	m.marks.Shown, m.marks.Overflow = 0, false // of the block, not of what follows
	return m
}

// Step takes one record, or the answer to the last effect of the step before,
// and returns what is to be done, in order. After a Halt it returns nil. A
// record out of order, a record while an answer is expected, or an unexpected
// answer is a broken invariant of the caller and panics.
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
		m.take(in.Offset, in.Digest, in.Size)
		return skip(in.Offset, ReasonGarbage, in.Flaw)
	case Connect:
		m.take(in.Offset, in.Digest, in.Size)
		return m.rules.connect(m, in)
	case TimeToCut:
		m.take(in.Offset, in.Digest, in.Size)
		return m.rules.timeToCut(m, in)
	case Regular:
		m.take(in.Offset, in.Digest, in.Size)
		return m.rules.regular(m, in)
	}
	m.mustHold(false, fmt.Sprintf("an input of unknown type %T", in))
	return nil
}

// take advances to the record at offset.
func (m *Machine) take(offset Offset, digest Digest, size int) {
	m.mustHold(m.asked == nil && !m.config, "a record while an answer is awaited")
	m.mustHold(offset > m.last.offset, "a record that does not follow the last one")
	m.before, m.last, m.digest, m.size = m.last, m.last.after(offset, digest, size), digest, size
	if m.last.window.FirstOffset == offset && m.before.window.records > 0 {
		m.lastWindow = m.before.window // it is full
	}
}

func (m *Machine) verdict(v Verdict) []Effect {
	m.mustHold(m.asked != nil, "a verdict that was not asked for")
	asked := *m.asked
	m.asked = nil
	if v.Stop != "" {
		return m.halt(HaltNoVerdict, "the record at offset %d cannot be judged by this orderer: %s", asked.Offset, v.Stop)
	}
	return m.rules.verdict(m, asked, v)
}

func (m *Machine) configured(c Configured) []Effect {
	m.mustHold(m.config, "a config that was not asked for")
	m.config = false
	m.seq, m.batch.limits, m.old.resubmission = c.Seq, c.Limits, c.Resubmission
	return nil
}

// judge asks the session about a record.
func (m *Machine) judge(in Regular, check Check) []Effect {
	m.asked = &question{Regular: in, check: check}
	return []Effect{Judge{in.Offset, in.Class, check, in.Envelope}}
}

// resubmit asks the session to append a copy of a record.
func (m *Machine) resubmit(in Regular) []Effect {
	m.asked = &question{Regular: in, resubmit: true}
	return []Effect{Resubmit{in.Offset, in.Class, in.Envelope}}
}

// halt ends the channel; the detail has the facts, and no remedy.
func (m *Machine) halt(cause HaltCause, format string, args ...any) []Effect {
	m.halted = true
	return []Effect{Halt{m.last.offset, cause, fmt.Sprintf(format, args...)}}
}

// block cuts a batch into the next block. Only this and configBlock number blocks,
// and only metadata makes what they carry. at is
// the last record that need not be read again once the block is on disk.
func (m *Machine) block(envelopes []Envelope, at position, cause CutCause) Effect {
	b := WriteBlock{m.next, envelopes, m.metadata(at), cause}
	b.Metadata.Marks = m.rules.marks(m.marks, at.offset != m.last.offset, cause)
	m.next++
	m.cutAt(at)
	return b
}

func (m *Machine) configBlock(e Envelope) Effect {
	b := WriteConfigBlock{m.next, e, m.metadata(m.last)}
	b.Metadata.Marks = m.rules.marks(m.marks, false, CutByConfig)
	m.next++
	m.cutAt(m.last)
	m.config = true
	return b
}

func (m *Machine) metadata(at position) Metadata {
	s := Metadata{Offset: at.offset, RuleSet: m.ruleSet, Topic: m.topic}
	if at.window.Known() {
		s.FirstOffset, s.RecordsDigest = at.window.FirstOffset, at.window.RecordsDigest
	}
	if at.offset != m.last.offset {
		s.Cut = m.digest // a log that has another record there cuts another block
	}
	return s
}

// cutAt begins the window of the next block.
func (m *Machine) cutAt(at position) {
	m.lastWindow, m.before = at.window, position{offset: at.offset}
	if at.offset == m.last.offset {
		m.last.window = Window{}
		return
	}
	m.last.window = Window{}.With(m.last.offset, m.digest, m.size)
}

// Window returns the window that is in the metadata of a block.
func (s Metadata) Window() Window {
	return Window{FirstOffset: s.FirstOffset, LastOffset: s.Offset, RecordsDigest: s.RecordsDigest}
}

// mustHold panics if an invariant that the caller keeps is broken.
func (m *Machine) mustHold(ok bool, otherwise string) {
	if !ok {
		panic(fmt.Sprintf("machine: %s: offset %d was the last, block %d is the next", otherwise, m.last.offset, m.next))
	}
}
