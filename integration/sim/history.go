package sim

import (
	"fmt"
	"slices"

	"google.golang.org/protobuf/proto"

	"github.com/fabric-kafka/orderer/chain/record"
)

// carried is what a record of the log carries.
type carried struct {
	payload []byte
	content content
	ok      bool
}

// index decodes the log, the chain and foreign records once, for all checkers.
func (e *evidence) index() {
	e.carried, e.inLog, e.foreign = map[int]carried{}, map[string][]int{}, map[string]int{}
	e.texts, e.updates = map[string][]int{}, map[int]int{}
	for at, value := range e.log {
		m := &record.Message{}
		if proto.Unmarshal(value, m) != nil || m.GetRegular() == nil {
			continue
		}
		c, ok := e.w.read(m.GetRegular().Payload)
		e.carried[at] = carried{m.GetRegular().Payload, c, ok}
		if ok && c.text != "" {
			e.inLog[c.text] = append(e.inLog[c.text], at)
		}
	}
	for b, times := range e.w.injected {
		if c, ok := e.w.read([]byte(b)); ok {
			e.foreign[c.text] += times
		}
	}
	for b, positions := range e.chain {
		c, _ := e.w.read([]byte(b))
		if c.update != nil {
			e.updates[c.update.id] += len(positions)
			continue
		}
		e.texts[c.text] = append(e.texts[c.text], positions...)
	}
}

// acknowledged looks for missing envelopes. One that had become invalid when its
// record was read, by a config in between, is dropped by all orderers; so is a config
// update that no longer applies after another one.
func (e *evidence) acknowledged() string {
	if e.first == nil {
		return ""
	}
	texts, updates := e.texts, e.updates
	for _, c := range e.w.calls {
		switch {
		case c.answer != acked:
		case c.update != nil:
			if e.ref.left >= 0 || c.update.key == keyStage && c.update.version == stageLeaving {
				continue // nobody reads it, or it became stale
			}
			if now := e.first.ledger.config().versions[slot(c.update.key)]; updates[c.update.id] == 0 && now <= c.update.version && e.w.loss == nil && !e.w.unread.gone(c.update.id) {
				return fmt.Sprintf("update %q was acknowledged by orderer %d; it is in no block and still applies", c.update, c.orderer)
			}
		case len(texts[c.text]) == 0 && !e.excused(c.text):
			return fmt.Sprintf("envelope %s was acknowledged by orderer %d; it is in no block", c.text, c.orderer)
		}
	}
	return ""
}

// excused reports whether all records of an envelope were invalid at their place in
// the log, or were lost with it.
func (e *evidence) excused(text string) bool {
	offsets := e.inLog[text]
	if len(offsets) == 0 {
		return e.w.loss != nil || e.w.unread.texts[text]
	}
	return !slices.ContainsFunc(offsets, func(at int) bool { return !e.ref.dropped[at] })
}

// once counts envelopes in the chain. More than one is right only if a foreign writer
// repeated the record.
func (e *evidence) once() string {
	texts, updates := e.texts, e.updates
	for _, c := range e.w.calls {
		switch {
		case c.update != nil && updates[c.update.id] > 1:
			return fmt.Sprintf("update %q is ordered %d times", c.update, updates[c.update.id])
		case c.update == nil && len(texts[c.text]) > 1+e.repeats(c.text):
			return fmt.Sprintf("envelope %s is ordered %d times, and was submitted once", c.text, len(texts[c.text]))
		}
	}
	return ""
}

// repeats returns how often foreign writers wrote an envelope.
func (e *evidence) repeats(text string) int { return e.foreign[text] }

// fabricated looks for envelopes that were not submitted.
func (e *evidence) fabricated() string {
	known := map[string]bool{}
	for _, c := range e.carried {
		known[string(c.payload)] = true
	}
	submitted := map[string]bool{}
	for _, c := range e.w.calls {
		submitted[c.text] = true
	}
	for b := range e.chain {
		c, ok := e.w.read([]byte(b))
		switch {
		case !ok || !known[b]:
			return "an ordered envelope is in no record of the log"
		case c.update == nil && !submitted[c.text] && e.w.injected[b] == 0:
			return fmt.Sprintf("envelope %q is ordered, and was not submitted", c.text)
		}
	}
	return ""
}

// ackOrder compares the order of answers and calls with the chain's. An envelope
// that a foreign writer repeated may have been invalid the first time.
func (e *evidence) ackOrder() string {
	texts := e.texts
	type placed struct{ began, ended, at int }
	var all []placed
	for _, c := range e.w.calls {
		if at := texts[c.text]; c.update == nil && c.answer == acked && len(at) > 0 && e.repeats(c.text) == 0 {
			all = append(all, placed{c.began, c.ended, slices.Min(at)})
		}
	}
	for _, a := range all {
		for _, b := range all {
			if a.ended < b.began && a.at > b.at {
				return fmt.Sprintf("event %d was acknowledged before event %d began, and is ordered after it", a.ended, b.began)
			}
		}
	}
	return ""
}

// configs replays the config blocks.
func (e *evidence) configs() string {
	for _, o := range e.w.orderers {
		now := firstSettings()
		for n := 1; n < o.ledger.height(); n++ {
			b := o.ledger.blocks[n]
			for _, envelope := range b.Envelopes {
				c, _ := e.w.read(envelope)
				if isConfig := c.update != nil; isConfig != b.Config || b.Config && len(b.Envelopes) != 1 {
					return fmt.Sprintf("%s: block %d mixes config and other envelopes", o, n)
				}
				if !b.Config {
					continue
				}
				next, err := now.becomes(c)
				if err != nil {
					return fmt.Sprintf("%s: config block %d: %v", o, n, err)
				}
				now = next
			}
		}
	}
	return ""
}

// ackedInLog looks for acknowledgements that came too early, and for denials of
// envelopes that are in the log.
func (e *evidence) ackedInLog() string {
	if e.w.loss != nil {
		return ""
	}
	inLog := e.inLog
	for _, c := range e.w.calls {
		if c.update != nil || e.w.unread.texts[c.text] {
			continue
		}
		offsets := inLog[c.text]
		switch {
		case c.answer == acked && (len(offsets) == 0 || slices.Min(offsets) >= int(c.end)):
			return fmt.Sprintf("envelope %s was acknowledged at log end %d, and is at %v", c.text, c.end, offsets)
		case (c.answer == denied || c.answer == refused) && len(offsets) > e.repeats(c.text):
			return fmt.Sprintf("envelope %s was %s, and is in the log", c.text, c.answer)
		}
	}
	return ""
}
