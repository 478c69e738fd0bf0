package machine

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
)

// script plays a transcript. Its inputs are
//
//	start [next=1] [offset=-1] [rules=0] [seq=1] [count=3] [preferred=100] [absolute=1000]
//	connect [ours | flaw=TEXT | format=1 rules=1 channel=ours genesis=0a0b]
//	garbage [FLAW]
//	ttc BLOCK
//	normal|config|regular NAME SIZE [seq=] [channel=ours] [type=] [class=] [flaw=]
//	verdict ok | verdict REFUSAL
//	configured [seq=] [count=] [preferred=] [absolute=]
//	restart [from=BLOCK] [seq=] [count=] ...
//
// A record's offset is the one after the record before it, unless the line
// begins with @OFFSET. A word in an option stands for spaces by underscores.
// restart makes a new machine from the last block, or from an earlier one, and
// feeds it everything again that its position asks for.
type script struct {
	t       *testing.T
	out     strings.Builder
	machine *Machine
	ledger  []entry // what survives a restart; the first is what the start says
	fed     []fed
	offset  Offset // of the last record
	seq     ConfigSeq
	limits  Limits
}

// entry is a block in the ledger, and the config in force after it.
type entry struct {
	number   BlockNumber
	text     string
	metadata Metadata
	seq      ConfigSeq
	limits   Limits
}

// fed is an input, with the offset of the record that it is or belongs to.
type fed struct {
	offset Offset
	line   string
	input  Input
}

// play returns the transcript with its indented lines made anew.
func play(t *testing.T, text string) string {
	s := &script{t: t}
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\n")
		switch {
		case strings.HasPrefix(line, " "):
			continue // an output of last time
		case line == "" || line[0] == '#':
			s.print("%s", line)
		default:
			s.print("%s", line)
			s.perform(line)
		}
	}
	return s.out.String()
}

func (s *script) print(format string, args ...any) {
	fmt.Fprintf(&s.out, format+"\n", args...)
}

func (s *script) perform(line string) {
	w := parseWords(s.t, line)
	switch w.verb {
	case "start":
		s.start(w)
	case "restart":
		s.restart(w)
	default:
		f := fed{offset: s.offset, line: line, input: s.input(w)}
		f.offset = s.offset
		s.fed = append(s.fed, f)
		s.feed(f)
	}
}

func (s *script) start(w words) {
	s.seq = ConfigSeq(w.number("seq", 1))
	s.limits = w.limits(Limits{MaxMessageCount: 3, PreferredMaxBytes: 100, AbsoluteMaxBytes: 1000})
	s.offset = Offset(w.number("offset", -1))
	first := entry{
		number:   BlockNumber(w.number("next", 1)) - 1,
		metadata: Metadata{Offset: s.offset, RuleSet: RuleSet(w.number("rules", 0))},
		seq:      s.seq,
		limits:   s.limits,
	}
	s.ledger = []entry{first}
	s.begin(first)
}

func (s *script) begin(last entry) {
	s.machine = New(Start{
		Channel:     "ours",
		GenesisHash: []byte{10, 11},
		Next:        last.number + 1,
		Metadata:    last.metadata,
		Seq:         last.seq,
		Limits:      last.limits,
	})
	s.print("    -> %s", s.machine.State())
}

// restart forgets the machine and the blocks after the one to begin from. Those
// that it writes again must be the same.
func (s *script) restart(w words) {
	last := len(s.ledger) - 1
	from := BlockNumber(w.number("from", int64(s.ledger[last].number)))
	for s.ledger[last].number > from {
		last--
	}
	was := s.ledger[last+1:]
	s.ledger = append([]entry(nil), s.ledger[:last+1]...)
	s.ledger[last].seq = ConfigSeq(w.number("seq", int64(s.ledger[last].seq)))
	s.ledger[last].limits = w.limits(s.ledger[last].limits)
	s.seq, s.limits = s.ledger[last].seq, s.ledger[last].limits
	s.begin(s.ledger[last])
	for _, f := range s.fed {
		if f.offset > s.ledger[last].metadata.Offset {
			s.print("  again @%d %s", f.offset, f.line)
			s.feed(f)
		}
	}
	s.same(was, s.ledger[last+1:])
}

func (s *script) same(was, is []entry) {
	for i, b := range was {
		if i >= len(is) || is[i].text != b.text {
			s.t.Errorf("the restarted machine has not written again: %s", b.text)
		}
	}
}

// feed steps the machine, or says how it panicked.
func (s *script) feed(f fed) {
	effects, broken := stepOrPanic(s.machine, f.input)
	if broken != "" {
		s.print("    panic: %s", broken)
		return
	}
	for _, e := range effects {
		text := effectText(e)
		s.print("    %s", text)
		s.write(e, text)
	}
	if len(effects) == 0 {
		s.print("    nothing")
	}
	if c, ok := f.input.(Configured); ok {
		s.seq, s.limits = c.Seq, c.Limits
		s.ledger[len(s.ledger)-1].seq, s.ledger[len(s.ledger)-1].limits = c.Seq, c.Limits
	}
	s.print("    -> %s", s.machine.State())
}

func stepOrPanic(m *Machine, in Input) (effects []Effect, broken string) {
	defer func() {
		if r := recover(); r != nil {
			broken = fmt.Sprint(r)
		}
	}()
	return m.Step(in), ""
}

func (s *script) write(e Effect, text string) {
	switch e := e.(type) {
	case WriteBlock:
		s.ledger = append(s.ledger, entry{e.Number, text, e.Metadata, s.seq, s.limits})
	case WriteConfigBlock:
		s.ledger = append(s.ledger, entry{e.Number, text, e.Metadata, s.seq, s.limits})
	}
}

func (s *script) input(w words) Input {
	switch w.verb {
	case "verdict":
		return Verdict{Refusal: strings.TrimPrefix(strings.Join(w.args, " "), "ok")}
	case "configured":
		return Configured{Seq: ConfigSeq(w.number("seq", int64(s.seq)+1)), Limits: w.limits(s.limits)}
	}
	s.offset = Offset(w.number("@", int64(s.offset)+1))
	switch w.verb {
	case "garbage":
		return Garbage{Offset: s.offset, Flaw: strings.Join(w.args, " ")}
	case "connect":
		return Connect{Offset: s.offset, Description: w.description(), Flaw: w.text("flaw", "")}
	case "ttc":
		n, err := strconv.ParseUint(w.arg(0), 10, 64)
		w.check(err)
		return TimeToCut{Offset: s.offset, Block: BlockNumber(n)}
	}
	return Regular{Offset: s.offset, Class: w.class(), ConfigSeq: ConfigSeq(w.number("seq", int64(s.seq))),
		Original: Offset(w.number("copies", 0)), Envelope: w.envelope()}
}
