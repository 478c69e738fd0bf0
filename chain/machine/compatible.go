package machine

import (
	"fmt"
	"slices"
)

// compatible is what in-tree orderers of Fabric v1.4 to v2.5 do with the same
// records, step for step, faults included: ours and theirs can share a topic
// and write blocks of equal headers and data. An envelope whose config sequence
// is stale is appended again by every orderer, as a copy that names the offset of
// the record that it copies; the first copy counts, by a high-water mark.
//
// Two things are ours. What a restart must know is in the block (Marks), where
// theirs loses it. And where theirs would stop permanently, or crash, ours halts the
// channel with a cause: to continue would be to order what they never will.
type compatible struct{}

// oldStart is what the compatible rules need of a [Start].
type oldStart struct {
	allowUndescribed bool // a topic without a description may be read
	resubmission     bool // the channel's capability
	lastBlock        BlockInfo
	first            Offset   // the record after the last block
	ignoredCuts      []Offset // time-to-cut records that an operator has the machine ignore
}

// connect ignores what in-tree orderers write; one of our descriptions moves the
// topic to the strict rules. A foreign one changes nothing, as in-tree orderers
// see nothing in it.
func (compatible) connect(m *Machine, in Connect) []Effect {
	d := in.Description
	switch {
	case d == nil:
		return skip(in.Offset, ReasonConnect, in.Flaw)
	case m.contradiction(*d) != nil:
		return skip(in.Offset, ReasonDescription, "it "+m.contradiction(*d).detail)
	case d.RuleSet != Strict:
		return skip(in.Offset, ReasonDescription, "the topic is read by these rules already")
	}
	m.marks = Marks{Processed: m.marks.Processed, Upgraded: in.Offset}
	return m.described(in)
}

// timeToCut cuts what is pending. A time-to-cut that no orderer should have
// sent ends an in-tree orderer's loop permanently, again at every start. It is
// forged, or its sender has cut blocks that we have not.
func (compatible) timeToCut(m *Machine, in TimeToCut) []Effect {
	switch {
	case in.Block < m.next:
		return skip(in.Offset, ReasonUnexpectedCut, fmt.Sprintf("for block %d, next is %d", in.Block, m.next))
	case in.Block == m.next && m.Pending() > 0:
		cut := m.block(m.batch.cut(), m.last, CutByTimeToCut)
		return m.withTimer([]Effect{cut})
	case slices.Contains(m.old.ignoredCuts, in.Offset):
		return skip(in.Offset, ReasonIgnoredCut, fmt.Sprintf("time-to-cut for block %d, next is %d", in.Block, m.next))
	}
	return m.halt(HaltImpossibleCut, "the time-to-cut record at offset %d asks for block %d, but block %d is next, with %d envelopes pending: "+
		"it is forged, or its sender has a longer chain", in.Offset, in.Block, m.next, m.Pending())
}

func (compatible) regular(m *Machine, in Regular) []Effect {
	switch {
	case in.Envelope.Flaw != "":
		return skip(in.Offset, ReasonMalformed, in.Envelope.Flaw)
	case in.Class == ClassUnknown, !m.old.resubmission:
		return m.unclassified(in)
	case in.Class != Normal && in.Class != Config:
		return skip(in.Offset, ReasonClass, fmt.Sprintf("class %s", in.Class))
	case in.Original != 0 && in.Original <= m.marks.Processed:
		return skip(in.Offset, ReasonCopy, fmt.Sprintf("of the record at offset %d", in.Original))
	}
	if in.Class == Config && m.marks.Resubmitted < in.Original {
		m.marks.Resubmitted = in.Original // even if it is not ordered
	}
	switch {
	case in.ConfigSeq < m.seq:
		return m.resubmit(in)
	case in.Class == Config:
		return m.judge(in, CheckWriter)
	}
	return m.orderOld(in) // unchecked
}

// unclassified handles a record of an orderer before Fabric v1.1, or on a channel
// without the capability: each orderer checks it, at its place in the log.
func (m *Machine) unclassified(in Regular) []Effect {
	in.Original = 0
	if in.Envelope.HeaderFlaw != "" {
		return skip(in.Offset, ReasonMalformed, in.Envelope.HeaderFlaw)
	}
	switch in.Envelope.Type {
	case typeConfigUpdate:
		return skip(in.Offset, ReasonClass, fmt.Sprintf("class %s with header type %d", in.Class, in.Envelope.Type))
	case typeConfig, typeOrdererTransaction:
		in.Class = Config
	default:
		in.Class = Normal
	}
	return m.judge(in, CheckBroadcast)
}

func (compatible) verdict(m *Machine, in question, v Verdict) []Effect {
	switch {
	case v.Refusal != "" && !in.resubmit && in.check == CheckWriter:
		return append(m.flushOld(), m.unusable(in.Regular, v)...)
	case v.Refusal != "":
		return skip(in.Offset, ReasonRefused, v.Refusal)
	case in.resubmit:
		if in.Class == Config {
			m.marks.Resubmitted = in.Offset
		}
		return skip(in.Offset, ReasonResubmitted, "its config sequence is stale")
	case in.Class == Normal:
		return m.orderOld(in.Regular)
	case in.check == CheckBroadcast:
		return m.judge(in.Regular, CheckWriter)
	}
	return m.orderOldConfig(in.Regular)
}

// unusable halts at a config record that in-tree orderers crash on, or, if it creates a channel
// through the system channel, that only they can order.
func (m *Machine) unusable(in Regular, v Verdict) []Effect {
	if in.Envelope.Type == typeOrdererTransaction {
		return m.halt(HaltNewChannel, "the record at offset %d creates a channel through the system channel, which only in-tree orderers do", in.Offset)
	}
	return m.halt(HaltUnusableConfig, "the config record at offset %d cannot become a block (%s), "+
		"and the compatible rules order nothing after it", in.Offset, clip(v.Refusal))
}

// marks returns the marks as in-tree orderers would have written them.
func (compatible) marks(s Marks, before bool, cause CutCause) Marks {
	s.Shown = s.Resubmitted
	if cause == CutByTimeToCut {
		s.Shown = 0
	}
	s.Overflow = before && cause == CutByBytes
	return s
}

// orderOld puts a normal envelope, the last record, into the pending batch. One
// that makes a batch overflow and stays pending does not advance the mark.
func (m *Machine) orderOld(in Regular) []Effect {
	overflows := m.overflow == in.Offset || m.overflowsLastBlock(in)
	cut := m.batch.add(in.Envelope)
	var effects []Effect
	if len(cut) > 0 && !cut[0].includes {
		overflows = len(cut) == 1
		effects = append(effects, m.block(cut[0].envelopes, m.beforeOld(), cut[0].cause))
		cut = cut[1:]
	}
	if !overflows && in.Original != 0 {
		m.marks.Processed = in.Original
	}
	for _, b := range cut {
		effects = append(effects, m.block(b.envelopes, m.last, b.cause))
	}
	return m.withTimer(effects)
}

// overflowsLastBlock reports whether the first record after a restart is the one that
// the last block was cut for. An in-tree orderer does not know: it advances the
// mark there and writes blocks other than those of orderers that did not restart.
func (m *Machine) overflowsLastBlock(in Regular) bool {
	last, limits := m.old.lastBlock, m.batch.limits
	preferred, size := uint64(limits.PreferredMaxBytes), uint64(in.Envelope.Size)
	full := uint64(last.Envelopes) >= uint64(limits.MaxMessageCount)
	return in.Offset == m.old.first && last.Envelopes > 0 && !last.Config && !last.Cut && !full &&
		last.Bytes <= preferred && size <= preferred && last.Bytes+size > preferred
}

// orderOldConfig flushes what is pending, then gives the config a block of its own.
func (m *Machine) orderOldConfig(in Regular) []Effect {
	effects := m.flushOld()
	if in.Original != 0 {
		m.marks.Processed = in.Original
	}
	return append(effects, m.configBlock(in.Envelope))
}

// flushOld cuts what is pending ahead of a config record, even of one at which
// in-tree orderers then crash.
func (m *Machine) flushOld() []Effect {
	var effects []Effect
	if m.Pending() > 0 {
		effects = append(effects, m.block(m.batch.cut(), m.beforeOld(), CutByConfig))
	}
	return m.withTimer(effects)
}

// beforeOld is the position before the last record, which in-tree orderers give
// as its offset minus one, even if no record is there.
func (m *Machine) beforeOld() position {
	at := position{offset: m.last.offset - 1}
	if m.before.offset == at.offset {
		at.window = m.before.window
	}
	return at
}
