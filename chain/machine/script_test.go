package machine

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// script plays a transcript. Its inputs are
//
//	start [compatible] [next=1] [offset=-1] [rules=0] [topic=] [seq=1] [count=3] [preferred=100] [absolute=1000]
//		[resubmission=1] [processed=] [resubmitted=] [overflow=] [upgraded=] [ignored=OFFSET]
//		[last_count=] [last_bytes=] [last_config=] [last_cut=]
//	connect [ours | flaw=TEXT | format=1 rules=1 channel=ours genesis=0a0b topic=]
//	garbage [FLAW]
//	ttc BLOCK
//	normal|config|regular NAME SIZE [seq=] [copies=OFFSET] [channel=ours] [type=] [class=] [flaw=] [header=] [signer=]
//		[opaque=1] [writes=KEYS] [sets=KEYS]
//	verdict ok | verdict REFUSAL | verdict stop CAUSE
//	configured [seq=] [count=] [preferred=] [absolute=] [resubmission=]
//	restart [from=BLOCK] [seq=] [count=] ... [ignored=OFFSET]
//
// A record's offset is the one after the record before it, unless the line
// begins with @OFFSET. A word in an option stands for spaces by underscores.
// "start compatible" allows a topic without a description. last_ options are for a
// last block that in-tree orderers wrote. restart starts a new machine from the
// last block, or from an earlier one, and feeds it every record after its position.
// Each record has a unique digest; that a block has the right one is checked, not
// shown.
type script struct {
	t       *testing.T
	out     strings.Builder
	machine *Machine
	allowed bool      // to read a topic without a description
	last    BlockInfo // by the start line
	ignored []Offset
	ledger  []entry // what survives a restart; the first is the start line
	fed     []fed
	offset  Offset // of the last record
	config  Configured
}

// entry is a block in the ledger, and the config in force after it.
type entry struct {
	number   BlockNumber
	text     string
	metadata Metadata
	config   Configured
}

// fed is an input, with the offset of the record that it is or belongs to.
type fed struct {
	offset Offset
	line   string
	input  Input
}

// play returns the transcript with its indented lines regenerated.
func (s *script) play(text string) string {
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\n")
		switch {
		case strings.HasPrefix(line, " "):
			continue // output of the last run
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
	s.allowed, s.last = len(w.args) == 1 && w.args[0] == "compatible", w.lastBlock()
	s.config = w.config(Configured{Seq: 1, Resubmission: true,
		Limits: Limits{MaxMessageCount: 3, PreferredMaxBytes: 100, AbsoluteMaxBytes: 1000}})
	s.offset = Offset(w.number("offset", -1))
	s.ledger = []entry{{
		number: BlockNumber(w.number("next", 1)) - 1,
		metadata: Metadata{
			Offset:  s.offset,
			RuleSet: RuleSet(w.number("rules", 0)),
			Topic:   w.text("topic", ""),
			Marks:   w.marks(),
		},
		config: s.config,
	}}
	s.ignore(w)
	s.begin(0)
}

// ignore adds a time-to-cut record to those that are ignored.
func (s *script) ignore(w words) {
	if _, ok := w.options["ignored"]; ok {
		s.ignored = append(s.ignored, Offset(w.number("ignored", 0)))
	}
}

// begin starts a machine from a block of the ledger.
func (s *script) begin(at int) {
	s.machine = New(s.startAt(at))
	s.print("    -> %s", s.machine.State())
}

func (s *script) startAt(at int) Start {
	last := s.ledger[at]
	start := Start{
		Channel:          "ours",
		GenesisHash:      []byte{10, 11},
		Next:             last.number + 1,
		Metadata:         last.metadata,
		Seq:              last.config.Seq,
		Limits:           last.config.Limits,
		Resubmission:     last.config.Resubmission,
		AllowUndescribed: s.allowed,
		IgnoredCuts:      s.ignored,
	}
	if at == 0 {
		start.LastBlock = s.last
	}
	return start
}

// restart discards the machine and the blocks after the one to start from. The blocks
// that are written again must be the same.
func (s *script) restart(w words) {
	last := len(s.ledger) - 1
	from := BlockNumber(w.number("from", int64(s.ledger[last].number)))
	for s.ledger[last].number > from {
		last--
	}
	was := s.ledger[last+1:]
	s.ledger = append([]entry(nil), s.ledger[:last+1]...)
	s.config = w.config(s.ledger[last].config)
	s.ledger[last].config = s.config
	s.ignore(w)
	s.begin(last)
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

// feed steps the machine, or prints how it panicked.
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
		s.config, s.ledger[len(s.ledger)-1].config = c, c
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
	var b entry
	switch e := e.(type) {
	case WriteBlock:
		b = entry{e.Number, text, e.Metadata, s.config}
	case WriteConfigBlock:
		b = entry{e.Number, text, e.Metadata, s.config}
	default:
		return
	}
	s.ledger = append(s.ledger, b)
	var offsets []Offset
	for _, f := range s.fed {
		offsets = append(offsets, f.offset)
	}
	after := s.ledger[len(s.ledger)-2].metadata.Offset
	if want := coverage(slices.Compact(offsets), after, b.metadata.Offset); b.metadata.Window() != want {
		s.t.Errorf("block %d covers %+v, want %+v", b.number, b.metadata.Window(), want)
	}
	if want := cutDigest(b.metadata.Offset, s.machine.last.offset); b.metadata.Cut != want {
		s.t.Errorf("block %d has digest %x of the record that it was cut for, want %x", b.number, b.metadata.Cut, want)
	}
}

func (s *script) input(w words) Input {
	switch w.verb {
	case "verdict":
		return verdictOf(strings.Join(w.args, " "))
	case "configured":
		next := s.config
		next.Seq++
		return w.config(next)
	}
	s.offset = Offset(w.number("@", int64(s.offset)+1))
	digest := digestOf(s.offset)
	switch w.verb {
	case "garbage":
		return Garbage{Offset: s.offset, Digest: digest, Flaw: strings.Join(w.args, " ")}
	case "connect":
		return Connect{Offset: s.offset, Digest: digest, Description: w.description(), Flaw: w.text("flaw", "")}
	case "ttc":
		n, err := strconv.ParseUint(w.arg(0), 10, 64)
		w.check(err)
		return TimeToCut{Offset: s.offset, Digest: digest, Block: BlockNumber(n)}
	}
	return Regular{Offset: s.offset, Digest: digest, Class: w.class(), ConfigSeq: ConfigSeq(w.number("seq", int64(s.config.Seq))),
		Original: w.offset("copies"), Envelope: w.envelope()}
}

// digestOf returns the digest that the record at an offset has in tests.
func digestOf(at Offset) Digest {
	return Digest{0: 0xd1, 14: byte(at >> 8), 15: byte(at)}
}

// verdictOf returns the verdict that a script states.
func verdictOf(said string) Verdict {
	if cause, ok := strings.CutPrefix(said, "stop "); ok {
		return Verdict{Stop: cause}
	}
	return Verdict{Refusal: strings.TrimPrefix(said, "ok")}
}
