package machine

import (
	"fmt"
	"hash/fnv"
	"strings"
	"testing"
)

// node is an orderer reduced to what a machine needs: a ledger that survives a
// crash, and answers that are pure functions of envelope and config, as the
// shell's must be. It checks every effect on the way.
type node struct {
	t      *testing.T
	first  Start
	ledger []block

	machine *Machine
	timer   BlockNumber // as the effects say; 0 for none
	halted  bool
}

// block is a block in the ledger, and the config in force after it.
type block struct {
	number   BlockNumber
	ordered  string // the names of its envelopes
	bytes    int
	metadata Metadata
	seq      ConfigSeq
	limits   Limits
}

// budget is how much a node does before it crashes; negative for no limit.
type budget struct{ records, effects int }

func forever() *budget { return &budget{-1, -1} }

// spend takes one from what is left, and returns false if nothing is.
func spend(left *int) bool {
	if *left == 0 {
		return false
	}
	*left--
	return true
}

func newNode(t *testing.T, first Start) *node {
	n := &node{t: t, first: first}
	n.boot()
	return n
}

// boot makes a new machine from the last block.
func (n *node) boot() {
	s := n.first
	if len(n.ledger) > 0 {
		last := n.ledger[len(n.ledger)-1]
		s.Next, s.Metadata, s.Seq, s.Limits = last.number+1, last.metadata, last.seq, last.limits
	}
	n.machine, n.timer, n.halted = New(s), 0, false
}

// read takes the log from where the ledger ends; false if it crashed.
func (n *node) read(log []Input, b *budget) bool {
	n.boot()
	for _, record := range log {
		if offsetOf(record) < n.machine.NextOffset() {
			continue
		}
		if !spend(&b.records) || !n.take(record, b) {
			return false
		}
	}
	return true
}

// take steps the machine with a record and with the answers that follow from it.
func (n *node) take(in Input, b *budget) bool {
	for in != nil {
		effects := n.machine.Step(in)
		in = nil
		for i, e := range effects {
			if !spend(&b.effects) {
				return false
			}
			in = n.perform(e)
			if in != nil && i != len(effects)-1 {
				n.t.Fatalf("%T asks, and is not the last effect", e)
			}
		}
	}
	n.rest()
	return true
}

// perform does what the shell would do, and returns the answer if one is asked for.
func (n *node) perform(e Effect) Input {
	if n.halted {
		n.t.Fatalf("%T after a halt", e)
	}
	switch e := e.(type) {
	case WriteBlock:
		n.fits(e)
		n.write(e.Number, e.Metadata, e.Envelopes...)
	case WriteConfigBlock:
		n.write(e.Number, e.Metadata, e.Envelope)
		c := configAfter(e.Envelope, n.machine.seq)
		last := &n.ledger[len(n.ledger)-1]
		last.seq, last.limits = c.Seq, c.Limits
		return c
	case Judge:
		return Verdict{refusal(e.Envelope, n.machine.seq)}
	case ArmTimer:
		n.timer = e.Block
	case CancelTimer:
		if n.timer == 0 {
			n.t.Fatal("cancels a timer that does not run")
		}
		n.timer = 0
	case Halt:
		n.halted = true
	}
	return nil
}

// write appends to the ledger. Numbers follow one another, and positions
// increase, but not past the last record taken.
func (n *node) write(number BlockNumber, m Metadata, envelopes ...Envelope) {
	next, after := n.first.Next, n.first.Metadata.Offset
	if len(n.ledger) > 0 {
		last := n.ledger[len(n.ledger)-1]
		next, after = last.number+1, last.metadata.Offset
	}
	if number != next {
		n.t.Fatalf("block %d, want %d", number, next)
	}
	if m.Offset <= after || m.Offset >= n.machine.NextOffset() || m.RuleSet != Strict {
		n.t.Fatalf("block %d has metadata %+v after offset %d and before %d", number, m, after, n.machine.NextOffset())
	}
	size := 0
	for _, e := range envelopes {
		size += e.Size
	}
	n.ledger = append(n.ledger, block{number, names(envelopes), size, m, n.machine.seq, n.machine.batch.limits})
}

// fits checks a block of normal envelopes against the limits in force.
func (n *node) fits(e WriteBlock) {
	limits, size := n.machine.batch.limits, 0
	for _, envelope := range e.Envelopes {
		size += envelope.Size
	}
	count := len(e.Envelopes)
	if count == 0 || count > max(1, int(limits.MaxMessageCount)) || count > 1 && size > int(limits.PreferredMaxBytes) {
		n.t.Fatalf("block %d has %d envelopes of %d bytes, limits %s", e.Number, count, size, limits)
	}
}

// rest checks what holds between records: the timer runs for the next block
// exactly while something is pending.
func (n *node) rest() {
	want := BlockNumber(0)
	if n.machine.Pending() > 0 {
		want = n.machine.next
	}
	if n.timer != want {
		n.t.Fatalf("timer runs for block %d, want %d: %s", n.timer, want, n.machine.State())
	}
}

// ordered lists the envelopes of the ledger, in order.
func (n *node) ordered() string {
	var all []string
	for _, b := range n.ledger {
		all = append(all, b.ordered)
	}
	return strings.Join(all, " ")
}

// refusal is the verdict on an envelope at a config.
func refusal(e Envelope, seq ConfigSeq) string {
	if digest(e, seq)%3 == 0 {
		return "it does not hold"
	}
	return ""
}

// configAfter is the config that a config envelope makes of the one at seq.
func configAfter(e Envelope, seq ConfigSeq) Configured {
	d := digest(e, seq)
	preferred := 20 + uint32(d>>8%200)
	return Configured{Seq: seq + 1, Limits: Limits{
		MaxMessageCount:   1 + uint32(d%5),
		PreferredMaxBytes: preferred,
		AbsoluteMaxBytes:  preferred + uint32(d>>16%200),
	}}
}

func digest(e Envelope, seq ConfigSeq) uint64 {
	h := fnv.New64a()
	fmt.Fprintf(h, "%s at %d", e.Bytes, seq)
	return h.Sum64()
}

func offsetOf(in Input) Offset {
	switch in := in.(type) {
	case Garbage:
		return in.Offset
	case Connect:
		return in.Offset
	case TimeToCut:
		return in.Offset
	case Regular:
		return in.Offset
	}
	panic(fmt.Sprintf("%T is no record", in))
}
