package machine

import (
	"bytes"
	"fmt"
)

// undescribed is the rule set until the topic's description has been read. It belongs to a
// fresh ledger only: every block carries the rule set that it was cut by.
//
// The first record that decodes should be one of our descriptions. Anything else
// was written by in-tree orderers or by another client. Only an operator knows
// which, and may have allowed the compatible rules for this channel. A description that asks for
// those rules needs the same permission: anybody who may write to the topic can
// have written it, and the compatible rules order records that the strict ones
// refuse.
type undescribed struct{}

func (undescribed) connect(m *Machine, in Connect) []Effect {
	switch {
	case in.Description == nil && m.old.allowUndescribed:
		return append(m.withoutDescription(), m.rules.connect(m, in)...)
	case in.Description == nil && in.Flaw == "":
		return m.foreign("an empty connect record")
	case in.Description == nil:
		return m.foreign("a connect record whose payload is no description (" + clip(in.Flaw) + ")")
	}
	if c := m.contradiction(*in.Description); c != nil {
		return m.halt(c.cause, "the topic's description at offset %d %s", in.Offset, c.detail)
	}
	if in.Description.RuleSet == Compatible && !m.old.allowUndescribed {
		return m.halt(HaltNotAllowed, "the topic's description at offset %d asks for the compatible rules, "+
			"which this orderer's settings do not allow for the channel", in.Offset)
	}
	return m.described(in)
}

func (undescribed) timeToCut(m *Machine, in TimeToCut) []Effect {
	if m.old.allowUndescribed {
		return append(m.withoutDescription(), m.rules.timeToCut(m, in)...)
	}
	return m.foreign(fmt.Sprintf("a time-to-cut record for block %d", in.Block))
}

func (undescribed) regular(m *Machine, in Regular) []Effect {
	if m.old.allowUndescribed {
		return append(m.withoutDescription(), m.rules.regular(m, in)...)
	}
	return m.foreign("an envelope")
}

// verdict is never reached: nothing is judged before the description.
func (undescribed) verdict(m *Machine, _ question, _ Verdict) []Effect {
	m.mustHold(false, "a verdict before the description")
	return nil
}

// marks is never reached: no block is cut before the description.
func (undescribed) marks(s Marks, _ bool, _ CutCause) Marks { return s }

// described takes the rules that one of our descriptions names.
func (m *Machine) described(in Connect) []Effect {
	d := in.Description
	m.ruleSet, m.topic = d.RuleSet, d.Topic
	m.rules, _ = rulesOf(d.RuleSet)
	return []Effect{Described{in.Offset, d.RuleSet, d.Topic, d.Cluster}}
}

// withoutDescription applies the compatible rules from the current record on.
func (m *Machine) withoutDescription() []Effect {
	m.ruleSet, m.rules = Compatible, compatible{}
	return []Effect{Described{m.last.offset, Compatible, "", ""}}
}

// foreign halts at a first record that is not our description.
func (m *Machine) foreign(what string) []Effect {
	return m.halt(HaltNoDescription, "the topic has no description: its record at offset %d is %s, written by in-tree orderers or by another client",
		m.last.offset, what)
}

// contradiction is how a description differs from ours.
type contradiction struct {
	cause  HaltCause
	detail string
}

// contradiction returns how a description differs from ours; nil if it does not.
// The format version determines the meaning of the other fields.
func (m *Machine) contradiction(d Description) *contradiction {
	switch {
	case d.FormatVersion != DescriptionVersion:
		return &contradiction{HaltUnknownFormat, fmt.Sprintf("has format version %d, this build reads %d", d.FormatVersion, DescriptionVersion)}
	case d.Channel != m.channel:
		return &contradiction{HaltOtherChannel, fmt.Sprintf("names channel %s, ours is %q", quote(d.Channel), m.channel)}
	case !bytes.Equal(d.GenesisHash, m.genesisHash):
		return &contradiction{HaltOtherChannel, fmt.Sprintf("names genesis block %s, ours is %x", clip(fmt.Sprintf("%x", d.GenesisHash)), m.genesisHash)}
	case d.RuleSet != Strict && d.RuleSet != Compatible:
		return &contradiction{HaltUnknownFormat, fmt.Sprintf("asks for rule set %s, this build reads %s (%d) and %s (%d)",
			d.RuleSet, Strict, Strict, Compatible, Compatible)}
	}
	return nil
}
