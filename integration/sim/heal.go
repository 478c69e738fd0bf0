package sim

import (
	"context"
	"fmt"

	"github.com/fabric-kafka/orderer/chain/machine"
)

var nilContext = context.Background()

const (
	healStep   = 50   // milliseconds of simulated time between two rounds
	healRounds = 4000 // more than any deadline
)

// heal ends every fault and lets the world settle. It panics with the liveness
// invariant that is violated, if any: pending envelopes must be cut, and reach every
// orderer, soon after the batch timeout.
func (w *World) heal() {
	w.recover()
	w.rest("L1")
	for _, o := range w.orderers {
		o.faults, o.deaf = nil, false
	}
	w.probe()
	w.rest("L4")
}

// rest lets time pass until nothing is left to do. It panics with a violation of the
// invariant when that takes longer than the deadline.
func (w *World) rest(invariant string) {
	began := w.now
	for range healRounds {
		if !w.round() && w.settled() {
			return
		}
		if deadline := w.deadline(); w.now-began > deadline && !w.settled() {
			panic(violation{invariant, fmt.Sprintf("not settled %d ms after the faults ended, the deadline is %d ms: %s", w.now-began, deadline, w.unsettled())})
		}
		w.now += healStep
	}
	panic(violation{invariant, "never settles: " + w.unsettled()})
}

// deadline returns the time, in milliseconds, by which the fastest clock's timer must
// have cut what is pending, and the slowest orderer must have retried after the last
// faults, or given up a block that was lost.
func (w *World) deadline() int64 {
	fastest, slowest := int64(1), int64(100)
	for _, o := range w.orderers {
		if o.live() {
			fastest, slowest = max(fastest, o.speed), min(slowest, o.speed)
		}
	}
	wait := int64(0)
	if l := w.loss; l != nil && (l.verb == Trim || l.verb == Recreate) {
		wait = missingTimeout * 100 / slowest
	}
	return batchTimeout*100/fastest + (lastFaults+1)*retryPause*100/slowest + 1000 + wait
}

// round lets every orderer do everything it can; it reports whether one did anything.
func (w *World) round() (did bool) {
	for len(w.late) > 0 {
		w.arrive()
		did = true
	}
	for _, o := range w.orderers {
		if o.live() && o.advance(1<<20) {
			did = true
		}
		if o.fire() {
			did = true
		}
	}
	return did
}

// settled reports whether all live orderers have read the log and have nothing pending.
func (w *World) settled() bool { return w.unsettled() == "" }

// unsettled returns why the world is not settled; empty if it is.
func (w *World) unsettled() string {
	end := w.end()
	for _, o := range w.orderers {
		if !o.live() {
			continue
		}
		m := o.driver.Machine()
		switch {
		case m == nil || o.ready.Ready() != nil:
			return fmt.Sprintf("%s is not ready: %v", o, o.ready.Ready())
		case !o.ready.CaughtUp:
			return fmt.Sprintf("%s has not caught up, at offset %d of %d", o, m.NextOffset(), end)
		case int(m.NextOffset()) != end:
			return fmt.Sprintf("%s is at offset %d of %d", o, m.NextOffset(), end)
		case m.Pending() > 0:
			return fmt.Sprintf("%s has %d envelopes pending for block %d, %s", o, m.Pending(), m.State().Next, o.timer)
		}
	}
	return ""
}

// probe submits one more envelope to every orderer: a channel that has healed accepts
// it (L3).
func (w *World) probe() {
	for _, o := range w.orderers {
		if !o.live() || o.ledger.config().maintained() {
			continue
		}
		c := w.newCall()
		c.text = fmt.Sprintf("c%d", c.id)
		w.send(o, c, normal(0, expiryNone, c.text, 10), machine.Normal, 0)
		if c.answer != acked {
			panic(violation{"L3", fmt.Sprintf("%s has healed, and an envelope is %s: %v", o, c.answer, o.ready.Ready())})
		}
	}
}

// String describes when the timer is due, by its orderer's clock.
func (t *timer) String() string {
	if t == nil {
		return "and no timer runs"
	}
	return fmt.Sprintf("and its timer is due at %d ms of its clock", t.due)
}
