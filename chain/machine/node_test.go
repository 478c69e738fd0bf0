package machine

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"maps"
	"slices"
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

	taken        map[Offset]bool
	resubmitted  []Resubmit // of valid envelopes, so that copies of them reach the log eventually
	unclassified int        // successful checks of records without a class
	inFlight     int        // copies that an upgraded topic ordered
}

// block is a block in the ledger, and the config in force after it.
type block struct {
	number   BlockNumber
	ordered  string // the names of its envelopes
	bytes    uint64
	count    int
	metadata Metadata
	config   Configured
}

// budget is how much a node does before it crashes; negative if there is no limit.
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
	n := &node{t: t, first: first, taken: map[Offset]bool{}}
	n.boot()
	return n
}

// boot starts a machine from the last block.
func (n *node) boot() {
	s := n.first
	if len(n.ledger) > 0 {
		s = n.startAfter(n.ledger[len(n.ledger)-1])
	}
	n.machine, n.timer, n.halted = New(s), 0, false
}

func (n *node) startAfter(last block) Start {
	s := n.first
	s.Next, s.Metadata = last.number+1, last.metadata
	s.Seq, s.Limits, s.Resubmission = last.config.Seq, last.config.Limits, last.config.Resubmission
	return s
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
	n.taken[offsetOf(in)] = true
	processed := n.machine.marks.Processed
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
	if n.machine.ruleSet == Strict && n.machine.marks.Processed != processed {
		n.inFlight++
	}
	n.rest()
	return true
}

// perform does what a session would do, and returns the answer if the effect asks for one.
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
		n.ledger[len(n.ledger)-1].config = c
		return c
	case Judge:
		v := Verdict{Refusal: refusal(e.Envelope, n.machine.seq, e.Check)}
		if e.Check == CheckBroadcast && v.Refusal == "" {
			n.unclassified++
		}
		return v
	case Resubmit:
		v := Verdict{Refusal: refusal(e.Envelope, n.machine.seq, CheckBroadcast)}
		if v.Refusal == "" {
			n.resubmitted = append(n.resubmitted, e)
		}
		return v
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
	if m.Offset <= after || m.Offset >= n.machine.NextOffset() || m.RuleSet == Undescribed {
		n.t.Fatalf("block %d has metadata %+v after offset %d and before %d", number, m, after, n.machine.NextOffset())
	}
	if want := coverage(slices.Collect(maps.Keys(n.taken)), after, m.Offset); m.Window() != want {
		n.t.Fatalf("block %d covers %+v, want %+v", number, m.Window(), want)
	}
	if m.Cut != cutDigest(m.Offset, n.machine.last.offset) {
		n.t.Fatalf("block %d at offset %d, cut at %d, has digest %x of what it was cut for", number, m.Offset, n.machine.last.offset, m.Cut)
	}
	in := n.machine
	n.ledger = append(n.ledger, block{number, names(envelopes), sizes(envelopes), len(envelopes), m, Configured{in.seq, in.batch.limits, in.old.resubmission}})
}

// coverage returns the window of the records after one offset up to another; without
// a digest if no record is at its end. It is a second implementation.
func coverage(offsets []Offset, after, to Offset) Window {
	slices.Sort(offsets)
	w := Window{FirstOffset: -1, LastOffset: to}
	for _, at := range offsets {
		if at <= after || at > to {
			continue
		}
		if w.FirstOffset < 0 {
			w.FirstOffset = at
		}
		d := digestOf(at)
		sum := sha256.Sum256(binary.BigEndian.AppendUint64(append(w.RecordsDigest[:], d[:]...), uint64(at)))
		copy(w.RecordsDigest[:], sum[:])
	}
	if !slices.Contains(offsets, to) {
		return Window{LastOffset: to}
	}
	return w
}

// cutDigest returns the digest of the record that a block was cut for, if the block
// does not include it.
func cutDigest(persisted, last Offset) Digest {
	if persisted == last {
		return Digest{}
	}
	return digestOf(last)
}

// fits checks a block of normal envelopes against the limits in force.
func (n *node) fits(e WriteBlock) {
	limits, size, count := n.machine.batch.limits, sizes(e.Envelopes), len(e.Envelopes)
	if count == 0 || count > max(1, int(limits.MaxMessageCount)) || count > 1 && size > uint64(limits.PreferredMaxBytes) {
		n.t.Fatalf("block %d has %d envelopes of %d bytes, limits %s", e.Number, count, size, limits)
	}
	if up := e.Metadata.Marks.Upgraded; n.machine.ruleSet == Strict && (up == 0 || e.Metadata.FirstOffset > up) {
		n.suits(e) // what was pending when the topic was upgraded may not
	}
}

// suits checks that a peer gets past a block, by what the peer reads ahead of each transaction.
func (n *node) suits(e WriteBlock) {
	for i, later := range e.Envelopes {
		for _, earlier := range e.Envelopes[:i] {
			meets := slices.ContainsFunc(earlier.Policies, func(k StateKey) bool { return slices.Contains(later.Written, k) })
			if earlier.Opaque && !later.Opaque || meets {
				n.t.Fatalf("block %d [%s]: %s is ahead of %s", e.Number, names(e.Envelopes), earlier.Bytes, later.Bytes)
			}
		}
	}
}

func sizes(envelopes []Envelope) (sum uint64) {
	for _, e := range envelopes {
		sum += uint64(e.Size)
	}
	return sum
}

// rest checks the invariant between records: the timer runs for the next block
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

// refusal returns the verdict on an envelope at a config. The block writer, whose
// refusal ends the channel, accepts more.
func refusal(e Envelope, seq ConfigSeq, check Check) string {
	d := digest(e, seq)
	if check == CheckWriter && d%48 == 0 || check != CheckWriter && d%3 == 0 {
		return "it does not hold"
	}
	return ""
}

// configAfter returns the config after a config envelope at seq.
func configAfter(e Envelope, seq ConfigSeq) Configured {
	d := digest(e, seq)
	preferred := 20 + uint32(d>>8%200)
	return Configured{Seq: seq + 1, Resubmission: d>>24%8 != 0, Limits: Limits{
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

// sealed returns a record with the digest of its offset.
func sealed(in Input) Input {
	d := digestOf(offsetOf(in))
	switch in := in.(type) {
	case Garbage:
		in.Digest = d
		return in
	case Connect:
		in.Digest = d
		return in
	case TimeToCut:
		in.Digest = d
		return in
	case Regular:
		in.Digest = d
		return in
	}
	return in
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
	panic(fmt.Sprintf("%T is not a record", in))
}
