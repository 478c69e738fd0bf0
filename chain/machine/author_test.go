package machine

import (
	"fmt"
	"math"
)

// author writes logs from the choices of a random number generator or of a fuzzer. It
// reads what it writes with a node of its own, so that most records fit the state in
// which they are read, and some narrowly do not.
type author struct {
	node   *node
	choose func(n int) int // a number in [0, n)
	offset Offset
}

// topic is the history of rule sets of a topic.
type topic int

const (
	strictTopic     topic = iota
	compatibleTopic       // with or without a description
	upgradedTopic         // compatible, until a description halfway
)

var topics = []topic{strictTopic, compatibleTopic, upgradedTopic}

func (k topic) String() string { return [...]string{"strict", "compatible", "upgraded"}[k] }

// fresh returns the start of an orderer that has just joined. Every fourth stray time-to-cut is ignored.
func fresh(k topic) Start {
	s := Start{
		Channel:          "ours",
		GenesisHash:      []byte{10, 11},
		Next:             1,
		Metadata:         Metadata{Offset: -1},
		Seq:              3,
		Limits:           Limits{MaxMessageCount: 3, PreferredMaxBytes: 100, AbsoluteMaxBytes: 250},
		Resubmission:     true,
		AllowUndescribed: k != strictTopic,
	}
	for at := Offset(1); at < 100; at += 4 {
		s.IgnoredCuts = append(s.IgnoredCuts, at)
	}
	return s
}

// log writes a topic: its first records, then length more.
func (a *author) log(k topic, length int) []Input {
	log := []Input{a.append(a.head(k))}
	for i := range length {
		if k == upgradedTopic && i == length/2 {
			log = append(log, a.append(Connect{Offset: a.advance(), Description: a.description(0)}))
		}
		log = append(log, a.append(a.record()))
	}
	return log
}

func (a *author) head(k topic) Input {
	at := a.advance()
	switch {
	case k == strictTopic:
		return Connect{Offset: at, Description: a.description(0)}
	case a.choose(4) == 0:
		return Connect{Offset: at, Description: a.description(1)}
	case a.choose(4) == 0:
		return a.regular(at, Normal, typeEndorserTransaction)
	}
	return Connect{Offset: at}
}

func (a *author) append(in Input) Input {
	in = sealed(in)
	a.node.take(in, forever())
	return in
}

func (a *author) advance() Offset {
	a.offset++
	if a.choose(20) == 0 {
		a.offset += Offset(a.choose(5))
	}
	return a.offset
}

func (a *author) record() Input {
	at := a.advance()
	switch kind := a.choose(100); {
	case kind < 20 && len(a.node.resubmitted) > 0:
		return a.copied(at)
	case kind < 60:
		return a.regular(at, Normal, typeEndorserTransaction)
	case kind < 68:
		return a.regular(at, Config, typeConfig)
	case kind < 84:
		return TimeToCut{Offset: at, Block: a.cutFor()}
	case kind < 90:
		return a.forged(at)
	case kind < 95:
		return a.connect(at)
	}
	return Garbage{Offset: at, Flaw: "it does not decode"}
}

func (a *author) regular(at Offset, class Class, headerType int32) Regular {
	e := Envelope{Bytes: fmt.Appendf(nil, "e%d", at), Size: a.size(), Channel: "ours", Type: headerType}
	switch key := StateKey(1 + a.choose(2)); a.choose(8) {
	case 0, 1:
		e.Opaque = true
	case 2:
		e.Written = []StateKey{3, key}
	case 3:
		e.Written, e.Policies = []StateKey{key, 4, 3 - key}, []StateKey{key}
	}
	return Regular{Offset: at, Class: class, ConfigSeq: a.seq(), Envelope: e}
}

// copied returns a copy of a stale record, by one orderer or by the next.
func (a *author) copied(at Offset) Regular {
	was := a.node.resubmitted[a.choose(len(a.node.resubmitted))]
	return Regular{Offset: at, Class: was.Class, ConfigSeq: a.seq(), Original: was.Offset, Envelope: was.Envelope}
}

// forged returns a regular record with any claim about its envelope.
func (a *author) forged(at Offset) Regular {
	r := a.regular(at, Class(a.choose(6)-2), int32(a.choose(12)-2))
	switch a.choose(8) {
	case 5:
		r.Original = []Offset{-1, 0, 1, at - 1, at, at + 9, math.MaxInt64, math.MinInt64}[a.choose(8)]
	case 4:
		r.Envelope.HeaderFlaw = "its channel header does not decode"
	case 3:
		r.Envelope.SignerFlaw = "its signature header does not decode"
	case 0:
		r.Envelope.Channel = "theirs"
	case 1:
		r.Envelope.Flaw = "it does not decode"
	case 2:
		r.Envelope.Size = []int{-1, 0, math.MaxUint32, math.MaxInt}[a.choose(4)]
	}
	return r
}

func (a *author) connect(at Offset) Connect {
	switch a.choose(3) {
	case 0:
		return Connect{Offset: at}
	case 1:
		return Connect{Offset: at, Flaw: "it does not decode"}
	}
	return Connect{Offset: at, Description: a.description(1 + a.choose(5))}
}

// description returns ours, strict or compatible, or ours with one wrong field.
func (a *author) description(variant int) *Description {
	d := Description{DescriptionVersion, Strict, "ours", []byte{10, 11}, "T", "C"}
	if a.choose(4) == 0 {
		d.Topic = ""
	}
	switch variant {
	case 1:
		d.RuleSet = Compatible
	case 2:
		d.FormatVersion++
	case 3:
		d.RuleSet = 3
	case 4:
		d.Channel = "theirs"
	case 5:
		d.GenesisHash = nil
	}
	return &d
}

func (a *author) seq() ConfigSeq {
	now := a.node.machine.seq
	switch a.choose(12) {
	case 0:
		return 0
	case 1, 2:
		return now - 1
	case 3:
		return now + 1
	case 4:
		return math.MaxUint64
	}
	return now
}

// cutFor most often returns the next block. Other blocks are rare where they would
// stop the channel, and so end the log.
func (a *author) cutFor() BlockNumber {
	m := a.node.machine
	if m.ruleSet == Compatible && a.choose(15) != 0 {
		if m.Pending() == 0 {
			return m.next - 1
		}
		return m.next - BlockNumber(a.choose(8)/7)
	}
	switch a.choose(8) {
	case 0:
		return 0
	case 1:
		return m.next - 1
	case 2:
		return m.next + 1
	case 3:
		return math.MaxUint64
	}
	return m.next
}

func (a *author) size() int {
	if a.choose(10) == 0 {
		return 1 + a.choose(400)
	}
	return 1 + a.choose(60)
}
