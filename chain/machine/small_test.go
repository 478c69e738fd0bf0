package machine

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"testing"
)

// TestSmallWorlds visits every state of a small world: every log of a few records of
// a small alphabet, read by two orderers. Each takes its next record at any time,
// appends what an orderer appends, and crashes between any two blocks to restart
// from its last one. Orderers see nothing of one another but the log, so that the
// states of a pair are all pairs of states of one: it is enough to follow one orderer
// into each state that it can be in, and to compare every block that it writes with
// the block of that number that was written before. node checks the rest: positions increase,
// and the timer runs for the next block exactly while something is pending.
//
// MACHINE_SMALL_RECORDS makes the logs longer.
func TestSmallWorlds(t *testing.T) {
	for _, tc := range []struct {
		topic       topic
		records     int
		logs, pairs int // at least
	}{
		{strictTopic, 6, 10_000_000, 150_000},
		{compatibleTopic, 6, 500_000, 1_000_000},
		{upgradedTopic, 6, 900_000, 2_000_000},
	} {
		t.Run(tc.topic.String(), func(t *testing.T) {
			e := &explorer{t: t, records: records(t, tc.records)}
			e.explore(tc.topic)
			t.Logf("%d records: %d logs, in %d different worlds before the last record; %d states of one orderer, %d of a pair; %d blocks, %d restarts",
				e.records, e.logs, e.worlds, e.states, e.pairs, e.blocks, e.restarts)
			if e.logs < tc.logs || e.pairs < tc.pairs {
				t.Errorf("%d logs and %d pairs, want at least %d and %d", e.logs, e.pairs, tc.logs, tc.pairs)
			}
		})
	}
}

func records(t *testing.T, otherwise int) int {
	text := os.Getenv("MACHINE_SMALL_RECORDS")
	if text == "" {
		return otherwise
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	return max(n, otherwise)
}

// world is a log and the orderers that read it.
type world struct {
	log    []Input
	front  []*node // those that have read all of it, no two in the same state
	chain  []block // the blocks that the fastest of them has written
	timers []BlockNumber
	copies []Regular // copies that orderers may append, or have appended
	states int       // that one orderer can be in, at any place of the log
	logs   int       // that lead to a world like this
}

type explorer struct {
	t       *testing.T
	records int

	logs, worlds, states, pairs, blocks, restarts int
}

// explore extends the logs record by record. Worlds that cannot differ in what happens
// next are merged: what a record leads to depends on the orderers that have read all
// the log, and on what orderers may append. Orderers that are behind pass through
// states that were visited, since no block makes a restart read from before the
// record that it was cut at (checked).
func (e *explorer) explore(k topic) {
	level := []*world{{front: []*node{newNode(e.t, smallStart(k))}, logs: 1, states: 1}}
	for records := 1; records <= e.records; records++ {
		known := map[string]*world{}
		var next []*world
		for _, w := range level {
			for _, in := range letters(w, k) {
				grown := e.grow(w, sealed(in))
				if records == e.records {
					continue // the last record: nothing follows
				}
				key := grown.key()
				if same := known[key]; same != nil {
					same.logs += grown.logs
					continue
				}
				known[key] = grown
				next = append(next, grown)
			}
		}
		level = next
		e.worlds += len(level)
	}
}

// grow appends a record to a log and lets every orderer read it.
func (e *explorer) grow(w *world, in Input) *world {
	g := &world{
		log: append(slices.Clip(w.log), in), chain: slices.Clip(w.chain),
		timers: slices.Clip(w.timers), copies: slices.Clip(w.copies), states: w.states, logs: w.logs,
	}
	seen := map[string]bool{}
	for _, n := range w.front {
		e.read(g, n, seen)
	}
	e.logs += g.logs
	e.states += g.states
	e.pairs += g.states * (g.states + 1) / 2
	return g
}

// read takes the last record of the log, then crashes after each block that it
// led to.
func (e *explorer) read(w *world, n *node, seen map[string]bool) {
	n = n.clone()
	before, stale := len(n.ledger), len(n.resubmitted)
	n.take(w.log[len(w.log)-1], forever())
	if !w.arrive(n, seen) {
		return
	}
	if len(n.resubmitted) > stale {
		w.offer(n.resubmitted[stale], n.machine.seq)
	}
	for at := before; at < len(n.ledger); at++ {
		e.blocks++
		w.compare(e.t, n.ledger[at])
		e.restart(w, n, at+1, seen)
	}
}

// restart restarts an orderer that crashed when its ledger had that height.
func (e *explorer) restart(w *world, n *node, height int, seen map[string]bool) {
	e.restarts++
	n = n.clone()
	n.ledger = n.ledger[:height:height]
	n.boot()
	switch last := Offset(len(w.log) - 1); n.machine.NextOffset() {
	case last + 1:
		w.arrive(n, seen)
	case last:
		w.states++
		e.read(w, n, seen)
	default:
		e.t.Fatalf("after %s a restart begins at offset %d", logText(w.log), n.machine.NextOffset())
	}
}

// arrive adds an orderer that has read all of the log; it returns false if there was
// one of the same state.
func (w *world) arrive(n *node, seen map[string]bool) bool {
	key := string(n.key(nil))
	if seen[key] {
		return false
	}
	seen[key] = true
	if len(w.front) > 0 {
		w.agree(n)
	}
	w.states++
	w.front = append(w.front, n)
	if n.timer != 0 && !slices.Contains(w.timers, n.timer) {
		w.timers = append(w.timers, n.timer)
	}
	return true
}

// agree compares an orderer that has read all of the log with another one.
func (w *world) agree(n *node) {
	if want := w.front[0]; !bytes.Equal(n.state(nil), want.state(nil)) {
		n.t.Fatalf("after %s two orderers are at\n%s and\n%s", logText(w.log), want.machine.State(), n.machine.State())
	}
}

// offer adds the copy of a stale record that an orderer at seq may append.
func (w *world) offer(r Resubmit, seq ConfigSeq) {
	known := slices.ContainsFunc(w.copies, func(c Regular) bool { return c.Original == r.Offset && c.ConfigSeq == seq })
	if !known {
		w.copies = append(w.copies, Regular{Class: r.Class, ConfigSeq: seq, Original: r.Offset, Envelope: r.Envelope})
	}
}

// compare compares a block with the block of that number that another orderer wrote.
func (w *world) compare(t *testing.T, b block) {
	at := int(b.number) - 1
	if at == len(w.chain) {
		w.chain = append(w.chain, b)
	}
	if w.chain[at] != b {
		t.Fatalf("after %s two orderers have\n%+v and\n%+v", logText(w.log), w.chain[at], b)
	}
}

func (n *node) clone() *node {
	c, m := *n, *n.machine
	m.batch.envelopes, m.batch.policies = slices.Clone(m.batch.envelopes), maps.Clone(m.batch.policies)
	c.machine, c.ledger, c.resubmitted = &m, slices.Clip(n.ledger), slices.Clip(n.resubmitted)
	return &c
}

// key distinguishes orderers that can differ in what they do next.
func (n *node) key(b []byte) []byte {
	b = append(strconv.AppendInt(b, int64(n.machine.before.offset), 10), ' ')
	if n.machine.overflow >= n.machine.NextOffset() {
		b = append(b, "overflow "...)
	}
	return n.state(b)
}

// state is what orderers that have read the same records agree on.
func (n *node) state(b []byte) []byte {
	m := n.machine
	limits := m.batch.limits
	for _, v := range [...]int64{int64(m.ruleSet), int64(m.next), int64(m.last.offset), int64(m.seq), int64(m.timer),
		int64(m.marks.Processed), int64(m.marks.Resubmitted), int64(m.marks.Shown), int64(m.marks.Upgraded),
		int64(limits.MaxMessageCount), int64(limits.PreferredMaxBytes), int64(limits.AbsoluteMaxBytes)} {
		b = append(strconv.AppendInt(b, v, 10), ' ')
	}
	for _, v := range [...]bool{m.halted, m.old.resubmission, m.marks.Overflow} {
		b = strconv.AppendBool(b, v)
	}
	b = append(b, m.topic...)
	for _, e := range m.batch.envelopes {
		b = append(append(b, ' '), e.Bytes...)
	}
	return append(b, '\n')
}

// key distinguishes worlds that can differ in what happens next.
func (w *world) key() string {
	keys := make([]string, 0, len(w.front))
	for _, n := range w.front {
		keys = append(keys, string(n.key(nil)))
	}
	slices.Sort(keys)
	var b []byte
	for _, k := range keys {
		b = append(b, k...)
	}
	for _, n := range w.timers {
		b = append(strconv.AppendUint(b, uint64(n), 10), ' ')
	}
	for _, c := range w.copies {
		b = append(b, c.Envelope.Bytes...)
		b = append(strconv.AppendUint(strconv.AppendInt(b, int64(c.Original), 10), uint64(c.ConfigSeq), 10), ' ')
	}
	return string(b)
}

func logText(log []Input) string {
	text := ""
	for _, in := range log {
		text += fmt.Sprintf("\n%T %+v", in, in)
	}
	return text
}
