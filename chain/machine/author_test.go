package machine

import (
	"fmt"
	"math"
)

// author writes logs, out of choices that a generator of random numbers makes or
// a fuzzer. It reads what it writes through a node of its own, so that most
// records fit the moment that they are read at, and some just miss it.
type author struct {
	node   *node
	choose func(n int) int // a number in [0, n)
	offset Offset
}

func fresh() Start {
	return Start{
		Channel:     "ours",
		GenesisHash: []byte{10, 11},
		Next:        1,
		Metadata:    Metadata{Offset: -1},
		Seq:         3,
		Limits:      Limits{MaxMessageCount: 3, PreferredMaxBytes: 100, AbsoluteMaxBytes: 250},
	}
}

// log is a described topic: its description, then length records.
func (a *author) log(length int) []Input {
	log := []Input{a.append(Connect{Offset: a.advance(), Description: a.description(0)})}
	for range length {
		log = append(log, a.append(a.record()))
	}
	return log
}

func (a *author) append(in Input) Input {
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
	return Regular{Offset: at, Class: class, ConfigSeq: a.seq(), Envelope: Envelope{
		Bytes:   fmt.Appendf(nil, "e%d", at),
		Size:    a.size(),
		Channel: "ours",
		Type:    headerType,
	}}
}

// forged is a regular record of which nothing need be true.
func (a *author) forged(at Offset) Regular {
	r := a.regular(at, Class(a.choose(6)-2), int32(a.choose(12)-2))
	switch a.choose(5) {
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
	return Connect{Offset: at, Description: a.description(a.choose(5))}
}

// description is ours, but for one field that the wrong one names.
func (a *author) description(wrong int) *Description {
	d := Description{DescriptionVersion, Strict, "ours", []byte{10, 11}, "T"}
	switch wrong {
	case 1:
		d.FormatVersion++
	case 2:
		d.RuleSet++
	case 3:
		d.Channel = "theirs"
	case 4:
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

func (a *author) cutFor() BlockNumber {
	next := a.node.machine.next
	switch a.choose(8) {
	case 0:
		return 0
	case 1:
		return next - 1
	case 2:
		return next + 1
	case 3:
		return math.MaxUint64
	}
	return next
}

func (a *author) size() int {
	if a.choose(10) == 0 {
		return 1 + a.choose(400)
	}
	return 1 + a.choose(60)
}

// expected lists the envelopes that a log orders, in order and whatever the
// blocks: a second, shorter telling of the strict rules.
func expected(log []Input, s Start) []string {
	var ordered []string
	for _, in := range log {
		switch in := in.(type) {
		case Connect:
			if s.Metadata.RuleSet == Undescribed && !ours(in.Description, s) {
				return ordered
			}
			s.Metadata.RuleSet = Strict
		case TimeToCut:
			if s.Metadata.RuleSet == Undescribed {
				return ordered
			}
		case Regular:
			if s.Metadata.RuleSet == Undescribed {
				return ordered
			}
			if !sound(in, s) || !holds(in, s.Seq) {
				continue
			}
			ordered = append(ordered, string(in.Envelope.Bytes))
			if in.Class == Config {
				c := configAfter(in.Envelope, s.Seq)
				s.Seq, s.Limits = c.Seq, c.Limits
			}
		}
	}
	return ordered
}

func ours(d *Description, s Start) bool {
	return d != nil && d.FormatVersion == 1 && d.RuleSet == Strict && d.Channel == s.Channel && string(d.GenesisHash) == string(s.GenesisHash)
}

func sound(r Regular, s Start) bool {
	e := r.Envelope
	honest := r.Class == Normal && e.Type != 1 && e.Type != 2 && e.Type != 4 || r.Class == Config && e.Type == 1
	return honest && e.Flaw == "" && e.Channel == s.Channel && e.Size > 0 && e.Size <= int(s.Limits.AbsoluteMaxBytes)
}

func holds(r Regular, now ConfigSeq) bool {
	if r.Class == Config && r.ConfigSeq < now {
		return false
	}
	return r.Class == Normal && r.ConfigSeq == now || refusal(r.Envelope, now) == ""
}
