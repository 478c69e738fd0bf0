package sim

import (
	"fmt"

	"github.com/fabric-kafka/orderer/chain/fabric"
	"github.com/fabric-kafka/orderer/chain/log"
	"github.com/fabric-kafka/orderer/chain/machine"
)

// answer is the outcome of a call, as its client sees it.
type answer string

const (
	acked    answer = "acknowledged"
	refused  answer = "refused"   // before anything was appended
	denied   answer = "denied"    // "the envelope is not ordered"
	unknown  answer = "unknown"   // "the envelope may or may not be ordered"
	noAnswer answer = "no answer" // the orderer died
)

// call is one client's call, for the history.
type call struct {
	id      int
	text    string  // of a normal envelope
	update  *update // of a config update
	client  int
	orderer int
	began   int // by the event counter of the clients
	ended   int
	tried   bool // an append was attempted
	answer  answer
	end     log.Offset // of the log, when it was acknowledged
}

// answered records what Order or Configure returned.
func (c *call) answered(w *World, err error) {
	w.clock++
	c.ended = w.clock
	switch {
	case err == nil:
		c.answer, c.end = acked, log.Offset(w.end())
	case log.ClassOf(err) == log.Ambiguous:
		c.answer = unknown
	default:
		c.answer = denied
	}
}

func (w *World) newCall() *call {
	w.clock++
	c := &call{id: len(w.calls), began: w.clock, answer: noAnswer}
	w.calls = append(w.calls, c)
	return c
}

func (w *World) playClient(o *Orderer, a Action) {
	switch a.Verb {
	case Submit:
		w.submit(o, a)
	case Update:
		w.update(o, keys[a.A%len(keys)], a.B, a.C)
	case Enable:
		w.update(o, keyLevel, a.A, a.C)
	case Advance:
		w.update(o, keyStage, 0, a.C)
	case Conflict:
		// Both clients have seen the same config.
		next := w.orderers[(o.id+1)%len(w.orderers)]
		w.update(o, keys[a.A%len(keys)], a.B, 1)
		w.update(next, keys[a.A%len(keys)], a.B+1, a.C)
	case Append:
		if len(o.slow) > 0 && o.up {
			s := o.slow[0]
			o.slow = o.slow[1:]
			o.order(s)
		}
	}
}

func (w *World) submit(o *Orderer, a Action) {
	c := w.newCall()
	c.client, c.text = a.A%clients, fmt.Sprintf("c%d", c.id)
	expires := int64(expiryNone)
	if a.A%7 == 0 && !w.profile.Measured {
		expires = w.now + 2500 // a certificate that ends soon
	}
	w.send(o, c, normal(c.client, expires, c.text, a.B), machine.Normal, a.C)
}

var keys = []string{keyLimits, keyWriters, keyBrokers}

func (w *World) update(o *Orderer, name string, value, slow int) {
	c := w.newCall()
	w.updates++
	s := o.ledger.config()
	c.update = &update{w.updates, name, s.versions[slot(name)], value}
	if w.profile.Measured && w.profile.Compatible {
		c.update.version = always // as in the measurements; the strict rules rely on updates that do not apply twice
	}
	w.send(o, c, configured(c.update, s.seq, o.id), machine.Config, slow)
}

func (w *World) send(o *Orderer, c *call, envelope *fabric.Envelope, class machine.Class, slow int) {
	s := o.broadcast(c, envelope, class)
	switch {
	case s == nil:
		w.clock++
		c.ended = w.clock
	case slow == 1:
		o.slow = append(o.slow, s)
	default:
		o.order(s)
	}
}
