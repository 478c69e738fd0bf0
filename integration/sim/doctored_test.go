package sim

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"testing"

	"github.com/fabric-kafka/orderer/chain/fabric"
	"github.com/fabric-kafka/orderer/chain/record"
	"github.com/fabric-kafka/orderer/chain/session"
	"github.com/fabric-kafka/orderer/chain/status"
)

// settled returns a world that has settled, in which every checker has something to
// check and finds nothing.
func settled(t *testing.T) *World {
	t.Helper()
	p := Profile{Orderers: 3, Steps: 200, Updates: true}
	plan := NewPlan(3, p)
	w := newWorld(p, plan)
	found := w.attempt(plan.Actions)
	l, acks := w.orderers[0].ledger, 0
	for _, c := range w.calls {
		if c.answer == acked {
			acks++
		}
	}
	if len(found) > 0 || l.height() < 10 || l.config().seq < firstSeq+2 || acks < 20 {
		t.Fatalf("the world shows too little: %v, %d blocks, config %d, %d acknowledged", found, l.height(), l.config().seq, acks)
	}
	return w
}

// ordered returns the number of a block with at least two normal envelopes that is
// followed by another such block.
func ordered(l *Ledger) int {
	fits := func(b stored) bool { return !b.Config && len(b.Envelopes) > 1 }
	for n := 2; n+1 < l.height(); n++ {
		if fits(l.blocks[n]) && fits(l.blocks[n+1]) {
			return n
		}
	}
	panic("no such blocks")
}

func configBlock(l *Ledger) int {
	return slices.IndexFunc(l.blocks, func(b stored) bool { return b.Config })
}

// each changes the block of a number on every orderer.
func each(w *World, number func(*Ledger) int, change func(*stored)) {
	for _, o := range w.orderers {
		b := &o.ledger.blocks[number(o.ledger)]
		b.Envelopes = slices.Clone(b.Envelopes)
		change(b)
	}
}

// one changes a block on one orderer.
func one(o *Orderer, change func(*stored)) {
	b := &o.ledger.blocks[ordered(o.ledger)]
	b.Envelopes = slices.Clone(b.Envelopes)
	change(b)
}

// moved gives a block another offset.
func moved(b *stored, by int64) {
	m := b.position()
	m.LastOffsetPersisted += by
	b.Metadata = must(record.EncodeMetadata(m))
}

func final(l *Ledger) int { return l.height() - 1 }

// doctored lists changes to a settled world, and the checker that must find each.
var doctored = []struct {
	invariant, what string
	doctor          func(w *World)
}{
	{"I1", "an acknowledged envelope is left out", func(w *World) {
		each(w, ordered, func(b *stored) { b.Envelopes = b.Envelopes[1:] })
	}},
	{"I1", "an acknowledged update is in no block", func(w *World) {
		s := w.orderers[0].ledger.config()
		w.calls = append(w.calls, &call{update: &update{id: 1 << 20, key: keyLimits, version: s.versions[slot(keyLimits)]}, answer: acked})
	}},
	{"I2", "an envelope is ordered twice", func(w *World) {
		each(w, ordered, func(b *stored) { b.Envelopes = append(b.Envelopes, b.Envelopes[0]) })
	}},
	{"I2", "an update is ordered twice", func(w *World) {
		l := w.orderers[0].ledger
		config := l.blocks[configBlock(l)].Envelopes[0]
		each(w, ordered, func(b *stored) { b.Envelopes = append(b.Envelopes, config) })
	}},
	{"I3", "an envelope was not submitted by anybody", func(w *World) {
		each(w, ordered, func(b *stored) {
			b.Envelopes[0] = must(fabric.Marshal(normal(0, expiryNone, "nobody", 3)))
		})
	}},
	{"I3", "an envelope is garbled", func(w *World) {
		each(w, ordered, func(b *stored) { b.Envelopes[0] = b.Envelopes[0][1:] })
	}},
	{"I4", "one has the envelopes in another order", func(w *World) {
		one(w.orderers[1], func(b *stored) { slices.Reverse(b.Envelopes) })
	}},
	{"I4", "one has a normal block as a config block", func(w *World) { one(w.orderers[2], func(b *stored) { b.Config = true }) }},
	{"I4", "one has other metadata", func(w *World) {
		one(w.orderers[2], func(b *stored) {
			m := b.position()
			m.TailOffset++
			b.Metadata = must(record.EncodeMetadata(m))
		})
	}},
	{"I5", "a block names an offset after its records", func(w *World) { each(w, final, func(b *stored) { moved(b, 1) }) }},
	{"I6", "a restart writes another block", func(w *World) {
		each(w, final, func(b *stored) { b.Envelopes = append(b.Envelopes, []byte("more")) })
		for (7*w.end()+len(w.calls))%w.orderers[0].ledger.height() != 0 {
			w.calls = append(w.calls, &call{answer: refused}) // it restarts from the genesis block
		}
	}},
	{"I7", "two envelopes change places", swapped},
	{"I8", "an envelope is in the next block", func(w *World) {
		for _, o := range w.orderers {
			n := ordered(o.ledger)
			a, b := &o.ledger.blocks[n], &o.ledger.blocks[n+1]
			last := len(a.Envelopes) - 1
			b.Envelopes = append([][]byte{a.Envelopes[last]}, b.Envelopes...)
			a.Envelopes = a.Envelopes[:last:last]
		}
	}},
	{"I8", "the last block is missing", func(w *World) {
		for _, o := range w.orderers {
			o.ledger = o.ledger.upTo(o.ledger.height() - 1)
		}
	}},
	{"I9", "a config is not in a block of its own", func(w *World) {
		each(w, configBlock, func(b *stored) { b.Config = false })
	}},
	{"I9", "a config block is missing", func(w *World) {
		for _, o := range w.orderers {
			n := configBlock(o.ledger)
			o.ledger.blocks = slices.Delete(o.ledger.blocks, n, n+1)
		}
	}},
	{"I10", "two blocks name one offset", func(w *World) {
		for _, o := range w.orderers {
			n := ordered(o.ledger)
			o.ledger.blocks[n+1].Metadata = o.ledger.blocks[n].Metadata
		}
	}},
	{"I11", "a topic that was recreated is read further", func(w *World) {
		w.loss = &loss{verb: Recreate, heights: map[*Orderer]int{w.orderers[0]: 5}}
	}},
	{"I11", "a log that was truncated is read further", func(w *World) {
		values := w.values()
		values[0] = []byte("another")
		w.loss = &loss{verb: CutTail, values: values, heights: map[*Orderer]int{w.orderers[0]: 5}}
	}},
	{"I11", "a stopped one wrote a block after the loss", func(w *World) {
		stopped(w.orderers[1])
		w.loss = &loss{verb: Recreate, heights: map[*Orderer]int{w.orderers[1]: 5}}
	}},
	{"I12", "one is not running, without a cause", func(w *World) { w.orderers[0].up = false }},
	{"I12", "one has stopped and accepts envelopes", func(w *World) { w.orderers[0].fault = errors.New("a fault") }},
	{"I13", "one has stopped without a loss", func(w *World) { stopped(w.orderers[1]) }},
	{"I13", "one of an older build has stopped at a config that it supports", func(w *World) {
		w.orderers[1].knows = 0
		stopped(w.orderers[1])
	}},
	{"I14", "a stopped one has an envelope that is in no log", func(w *World) {
		stopped(w.orderers[1])
		one(w.orderers[1], func(b *stored) { b.Envelopes[0] = []byte("nothing") })
	}},
	{"I15", "an envelope is acknowledged before it is in the log", func(w *World) { first(w, acked).end = 0 }},
	{"I15", "a denied envelope is in the log", func(w *World) { first(w, acked).answer = denied }},
	{"I15", "a refused envelope is in the log", func(w *World) { first(w, acked).answer = refused }},
	{"I16", "one continues to order, though the others have left", func(w *World) {
		for _, o := range w.orderers[:2] {
			o.ledger.blocks[final(o.ledger)].after.stage = stageLeft
			o.fail(session.ErrMigrated)
		}
		w.orderers[2].up = true
	}},
	{"L2", "one waits for brokers that are reachable", func(w *World) {
		w.orderers[2].ready.To(status.CutOff, errFault)
	}},
	{"L4", "one has one block fewer", func(w *World) {
		o := w.orderers[2]
		o.ledger = o.ledger.upTo(o.ledger.height() - 1)
	}},
}

func stopped(o *Orderer) { o.fail(errors.New("a fault")) }

// first returns the first call for a normal envelope with this answer.
func first(w *World, a answer) *call {
	return w.calls[slices.IndexFunc(w.calls, func(c *call) bool { return c.answer == a && c.update == nil })]
}

// swapped exchanges two envelopes, one of which was acknowledged before the other was
// sent.
func swapped(w *World) {
	e := newEvidence(w)
	place := func(c *call) int { return e.texts[c.text][0] }
	var acks []*call
	for _, c := range w.calls {
		if c.update == nil && c.answer == acked && len(e.texts[c.text]) == 1 {
			acks = append(acks, c)
		}
	}
	a, b := acks[0], acks[len(acks)-1]
	if a.ended >= b.began || place(a) >= place(b) {
		panic(fmt.Sprintf("%+v and %+v were sent at the same time", a, b))
	}
	for _, o := range w.orderers {
		var all []*[]byte
		for n := range o.ledger.blocks {
			o.ledger.blocks[n].Envelopes = slices.Clone(o.ledger.blocks[n].Envelopes)
			for i := range o.ledger.blocks[n].Envelopes {
				all = append(all, &o.ledger.blocks[n].Envelopes[i])
			}
		}
		x, y := all[place(a)], all[place(b)]
		*x, *y = *y, *x
	}
}

// TestDoctored: each checker finds what it is for.
func TestDoctored(t *testing.T) {
	shown := map[string]bool{}
	for _, d := range doctored {
		w := settled(t)
		d.doctor(w)
		found := check(w)
		if !slices.ContainsFunc(found, func(v violation) bool { return v.invariant == d.invariant }) {
			t.Errorf("%s: %s does not find it: %v", d.what, d.invariant, found)
		}
		shown[d.invariant] = true
	}
	for _, c := range Checkers {
		if !shown[c.Name] {
			t.Errorf("no case shows that %s finds anything", c.Name)
		}
	}
}

// raised returns the violation that f panics with; the zero value for none.
func raised(f func()) (v violation) {
	defer func() { v, _ = recover().(violation) }()
	f()
	return v
}

// TestDoctoredLiveness: a world that never settles violates its invariant.
func TestDoctoredLiveness(t *testing.T) {
	for _, d := range []struct {
		invariant, what string
		doctor          func(w *World)
	}{
		{"L1", "an envelope is pending, and no timer runs", func(w *World) {
			w.play(Action{Verb: Submit, B: 5})
			w.round()
			for _, o := range w.orderers {
				o.timer = nil
			}
			w.rest("L1")
		}},
		{"L1", "one never reads further", func(w *World) {
			w.orderers[1].cutOff = true
			w.play(Action{Verb: Submit, B: 5})
			w.rest("L1")
		}},
		{"L3", "one accepts no envelope", func(w *World) {
			w.orderers[2].ready.RulesKnown = false
			w.probe()
		}},
	} {
		w := settled(t)
		if v := raised(func() { d.doctor(w) }); v.invariant != d.invariant {
			t.Errorf("%s: got %+v, want %s", d.what, v, d.invariant)
		}
	}
}

// TestReportOfNothing: a series in which nothing happened fails, though no invariant is
// violated.
func TestReportOfNothing(t *testing.T) {
	still := Profile{Orderers: 1, Steps: 0}
	if err := (Series{Seeds: leastRuns, Workers: 1, Profile: still}).Report(t.Context(), io.Discard); err == nil {
		t.Error("a series in which nothing happened is reported as clean")
	}
	if err := (Series{Seeds: leastRuns, Workers: 1, Profile: Everything()}).Report(t.Context(), io.Discard); err != nil {
		t.Error(err)
	}
}
