package machine

import (
	"bytes"
	"fmt"
)

// undescribed holds until the topic's description was read. It belongs to a
// fresh ledger only: every block carries the rule set that it was cut by.
//
// The first record that decodes must be our description. Anything else was
// written by somebody who does not know that this topic has an owner: in-tree
// orderers, whose rules (compatible) this build does not read, or a foreigner.
type undescribed struct{}

func (undescribed) connect(m *Machine, in Connect) []Effect {
	switch {
	case in.Description == nil && in.Flaw == "":
		return m.foreign("an empty connect record")
	case in.Description == nil:
		return m.foreign("a connect record whose payload is no description (" + in.Flaw + ")")
	}
	if fault := m.contradiction(*in.Description); fault != "" {
		return m.halt("the topic belongs to another channel: its description at offset %d %s; "+
			"give each network topics of its own, or remove this topic if nobody needs it", in.Offset, fault)
	}
	m.ruleSet, m.rules = Strict, strict{}
	return []Effect{Described{in.Offset, Strict}}
}

func (undescribed) timeToCut(m *Machine, in TimeToCut) []Effect {
	return m.foreign(fmt.Sprintf("a time-to-cut record for block %d", in.Block))
}

func (undescribed) regular(m *Machine, _ Regular) []Effect {
	return m.foreign("an envelope")
}

// verdict is never reached: nothing is judged before the description.
func (undescribed) verdict(m *Machine, _ Regular, _ Verdict) []Effect {
	must(false, "verdict before the description, offset %d, block %d", m.offset, m.next)
	return nil
}

func (m *Machine) foreign(what string) []Effect {
	return m.halt("the topic has no description: its record at offset %d is %s, written by orderers of the in-tree rules, "+
		"which this build does not read, or by a stranger; use a topic of its own, or remove this one if nobody needs it", m.offset, what)
}

// contradiction says how a description differs from ours; empty if it does not.
func (m *Machine) contradiction(d Description) string {
	switch {
	case d.FormatVersion != DescriptionVersion:
		return fmt.Sprintf("has format version %d, this build reads %d", d.FormatVersion, DescriptionVersion)
	case d.Channel != m.channel:
		return fmt.Sprintf("names channel %q, ours is %q", d.Channel, m.channel)
	case !bytes.Equal(d.GenesisHash, m.genesisHash):
		return fmt.Sprintf("names genesis block %x, ours is %x", d.GenesisHash, m.genesisHash)
	case d.RuleSet != Strict:
		return fmt.Sprintf("asks for rule set %d, this build reads %d (strict)", d.RuleSet, Strict)
	}
	return ""
}
