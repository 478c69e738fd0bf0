package machine

import "fmt"

// The header types that the rules distinguish, numbered as Fabric's common.HeaderType.
const (
	typeConfig             = 1
	typeConfigUpdate       = 2
	typeOrdererTransaction = 4
)

// strict is the rule set of every topic that our orderers create. An envelope
// that was validated at an older config is judged at its place in the log; a
// stale config envelope is computed again and appended; nothing else
// about a record's past matters, so there is no mark to lose in a restart.
//
// No block holds two envelopes that together stop peers. To validate a transaction, a peer reads the
// first action of each envelope ahead of it in its block, whatever that envelope is, and
// crashes, or waits without limit, where there is none to read. It also waits for the outcome
// of each transaction ahead that sets the endorsement policy of a key that this one writes,
// and a transaction that was found invalid early has none. So a transaction begins a new block
// rather than follow either.
type strict struct{}

// connect skips what follows the description. The first description in the
// log counts; a later one, ours or forged, must not be able to stop the channel.
func (strict) connect(_ *Machine, in Connect) []Effect {
	if in.Description != nil {
		return skip(in.Offset, ReasonDescription, "the topic has its description already")
	}
	return skip(in.Offset, ReasonConnect, in.Flaw)
}

// timeToCut cuts what is pending if the record names the next block. Any other
// time-to-cut is late, early or forged, and changes nothing.
func (strict) timeToCut(m *Machine, in TimeToCut) []Effect {
	if in.Block != m.next || m.Pending() == 0 {
		return skip(in.Offset, ReasonUnexpectedCut, fmt.Sprintf("for block %d, next is %d with %d pending", in.Block, m.next, m.Pending()))
	}
	cut := m.block(m.batch.cut(), m.last, CutByTimeToCut)
	return m.withTimer([]Effect{cut})
}

func (strict) regular(m *Machine, in Regular) []Effect {
	if reason, detail := m.unfit(in); reason != "" {
		return skip(in.Offset, reason, detail)
	}
	switch {
	case m.inherited(in) && in.Original <= m.marks.Processed:
		return skip(in.Offset, ReasonCopy, fmt.Sprintf("of the record at offset %d", in.Original))
	case in.Class == Config && in.ConfigSeq < m.seq:
		return []Effect{ResubmitConfig{in.Offset, in.Envelope}}
	case in.Class == Config, in.ConfigSeq != m.seq:
		// A sequence ahead of ours is forged, and has no advantage.
		return m.judge(in, CheckAgreed)
	}
	return m.order(in)
}

func (strict) verdict(m *Machine, in question, v Verdict) []Effect {
	switch {
	case v.Refusal != "":
		return skip(in.Offset, ReasonRefused, v.Refusal)
	case in.Class == Config:
		return m.orderConfig(in.Envelope)
	}
	return m.order(in.Regular)
}

// marks of a topic that was upgraded are kept; they are zero on any other.
func (strict) marks(s Marks, _ bool, _ CutCause) Marks {
	return Marks{Processed: s.Processed, Upgraded: s.Upgraded}
}

// inherited reports whether a record is a copy that the compatible rules made of a
// record from before the topic was upgraded: of those only the first counts.
func (m *Machine) inherited(in Regular) bool {
	return in.Class == Normal && 0 < in.Original && in.Original < m.marks.Upgraded
}

// unfit returns why a record may not enter any block, whatever the config: such an
// envelope in a block could make peers refuse it.
func (m *Machine) unfit(in Regular) (Reason, string) {
	e := in.Envelope
	switch {
	case e.Flaw != "" || e.HeaderFlaw != "" || e.SignerFlaw != "":
		return ReasonMalformed, e.Flaw + e.HeaderFlaw + e.SignerFlaw
	case e.Size <= 0:
		return ReasonMalformed, "empty envelope"
	case e.Channel != m.channel:
		return ReasonChannel, "envelope is for channel " + quote(e.Channel)
	case !fits(in.Class, e.Type):
		return ReasonClass, fmt.Sprintf("class %s with header type %d", in.Class, e.Type)
	case uint64(e.Size) > uint64(m.batch.limits.AbsoluteMaxBytes):
		return ReasonSize, fmt.Sprintf("%d bytes, the channel takes %d", e.Size, m.batch.limits.AbsoluteMaxBytes)
	}
	return "", ""
}

// fits reports whether the class of a record agrees with the type of its envelope.
// A config envelope ordered as a normal one would be applied by peers and not by
// orderers; orderer transactions and config updates are never ordered.
func fits(class Class, headerType int32) bool {
	switch headerType {
	case typeConfig:
		return class == Config
	case typeConfigUpdate, typeOrdererTransaction:
		return false
	}
	return class == Normal
}

// order puts a normal envelope, the last record, into the pending batch.
func (m *Machine) order(in Regular) []Effect {
	var cut []full
	if m.batch.stops(in.Envelope) {
		cut = m.batch.cutBefore(CutByConflict)
	}
	cut = append(cut, m.batch.add(in.Envelope)...)
	var effects []Effect
	if len(cut) > 0 && !cut[0].includes {
		// A restart must read the record that did not fit, with the marks of before.
		effects = append(effects, m.block(cut[0].envelopes, m.before, cut[0].cause))
		cut = cut[1:]
	}
	if m.inherited(in) {
		m.marks.Processed = in.Original
	}
	for _, b := range cut {
		effects = append(effects, m.block(b.envelopes, m.last, b.cause))
	}
	return m.withTimer(effects)
}

// orderConfig flushes what is pending, then gives the config a block of its own.
func (m *Machine) orderConfig(e Envelope) []Effect {
	var effects []Effect
	if m.Pending() > 0 {
		effects = append(effects, m.block(m.batch.cut(), m.before, CutByConfig))
	}
	return append(m.withTimer(effects), m.configBlock(e))
}

// withTimer keeps the batch timer in step with what is pending: it runs for the
// next block while anything is, with a fresh deadline for each block.
func (m *Machine) withTimer(effects []Effect) []Effect {
	pending := m.Pending() > 0
	switch {
	case pending && m.timer != m.next:
		m.timer = m.next
		return append(effects, ArmTimer{m.next})
	case !pending && m.timer != 0:
		m.timer = 0
		return append(effects, CancelTimer{})
	}
	return effects
}

func skip(at Offset, reason Reason, detail string) []Effect {
	return []Effect{Skip{at, reason, detail}}
}
