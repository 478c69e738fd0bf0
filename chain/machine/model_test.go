package machine

import (
	"fmt"
	"slices"
)

// model is a second, shorter implementation of both rule sets. It reads a whole log,
// without restarts. For the strict rules it returns the envelopes that are ordered, in
// any blocks; for the compatible rules the blocks that in-tree orderers write if they
// never stop, with the three fields of their metadata, in the order of their code
// (orderer/consensus/kafka of Fabric v1.4 to v2.5).
type model struct {
	start   Start // its Seq, Limits and Resubmission are those in force
	rules   RuleSet
	ended   bool
	ordered []string // names of all envelopes, pending ones included
	blocks  []string // of the compatible rules

	topic                      string
	next                       BlockNumber
	processed, resub, upgraded Offset
	pending                    []Envelope
}

// run reads a log from its beginning.
func run(log []Input, s Start) *model {
	t := &model{start: s, rules: s.Metadata.RuleSet, next: s.Next}
	for _, in := range log {
		if !t.ended {
			t.record(in)
		}
	}
	return t
}

func (t *model) record(in Input) {
	if _, ok := in.(Garbage); ok {
		return
	}
	if c, ok := in.(Connect); ok && c.Description != nil {
		t.describe(c)
		return
	}
	if t.rules == Undescribed {
		t.rules, t.ended = Compatible, !t.start.AllowUndescribed
	}
	if t.ended {
		return
	}
	switch in := in.(type) {
	case TimeToCut:
		if t.rules == Compatible {
			t.timeToCut(in)
		}
	case Regular:
		if t.rules == Strict {
			t.strict(in)
		} else {
			t.compatible(in)
		}
	}
}

func (t *model) describe(c Connect) {
	switch ours := ours(*c.Description, t.start); {
	case t.rules == Undescribed && ours && (c.Description.RuleSet == Strict || t.start.AllowUndescribed):
		t.rules, t.topic = c.Description.RuleSet, c.Description.Topic
	case t.rules == Undescribed:
		t.ended = true
	case t.rules == Compatible && ours && c.Description.RuleSet == Strict:
		t.rules, t.topic, t.upgraded = Strict, c.Description.Topic, c.Offset
	}
}

func ours(d Description, s Start) bool {
	return d.FormatVersion == 1 && (d.RuleSet == Strict || d.RuleSet == Compatible) &&
		d.Channel == s.Channel && string(d.GenesisHash) == string(s.GenesisHash)
}

func (t *model) order(e Envelope) { t.ordered = append(t.ordered, string(e.Bytes)) }

// configure puts the config of an envelope in force.
func (t *model) configure(e Envelope) {
	c := configAfter(e, t.start.Seq)
	t.start.Seq, t.start.Limits, t.start.Resubmission = c.Seq, c.Limits, c.Resubmission
}

func (t *model) strict(r Regular) {
	inFlight := r.Class == Normal && 0 < r.Original && r.Original < t.upgraded
	if !sound(r, t.start) || inFlight && r.Original <= t.processed || !holds(r, t.start.Seq) {
		return
	}
	if inFlight {
		t.processed = r.Original
	}
	t.order(r.Envelope)
	if r.Class == Config {
		t.configure(r.Envelope)
	}
}

func sound(r Regular, s Start) bool {
	e := r.Envelope
	honest := r.Class == Normal && e.Type != 1 && e.Type != 2 && e.Type != 4 || r.Class == Config && e.Type == 1
	decodes := e.Flaw+e.HeaderFlaw+e.SignerFlaw == ""
	return honest && decodes && e.Channel == s.Channel && e.Size > 0 && e.Size <= int(s.Limits.AbsoluteMaxBytes)
}

func holds(r Regular, now ConfigSeq) bool {
	if r.Class == Config && r.ConfigSeq < now {
		return false
	}
	return r.Class == Normal && r.ConfigSeq == now || refusal(r.Envelope, now, CheckAgreed) == ""
}

// timeToCut is their processTimeToCut.
func (t *model) timeToCut(in TimeToCut) {
	switch {
	case in.Block == t.next && len(t.pending) > 0:
		t.write(t.pending, in.Offset, t.processed, 0)
		t.pending = nil
	case in.Block >= t.next:
		t.ended = !slices.Contains(t.start.IgnoredCuts, in.Offset)
	}
}

// compatible is their processRegular.
func (t *model) compatible(r Regular) {
	now := t.start.Seq
	switch {
	case r.Envelope.Flaw != "":
	case r.Class == ClassUnknown || !t.start.Resubmission:
		t.compatibilityMode(r)
	case r.Class != Normal && r.Class != Config, r.Original != 0 && r.Original <= t.processed:
	case r.Class == Normal:
		if r.ConfigSeq >= now {
			t.commitNormal(r)
		}
	default:
		t.resub = max(t.resub, r.Original)
		switch {
		case r.ConfigSeq >= now:
			t.commitConfig(r)
		case refusal(r.Envelope, now, CheckBroadcast) == "":
			t.resub = r.Offset
		}
	}
}

func (t *model) compatibilityMode(r Regular) {
	e := r.Envelope
	r.Original = 0
	if e.HeaderFlaw != "" || e.Type == 2 || refusal(e, t.start.Seq, CheckBroadcast) != "" {
		return
	}
	if e.Type == 1 || e.Type == 4 {
		t.commitConfig(r)
	} else {
		t.commitNormal(r)
	}
}

// mark is the mark of processed originals once the record counts.
func (t *model) mark(r Regular) Offset {
	if r.Original != 0 {
		return r.Original
	}
	return t.processed
}

// commitNormal depends on the number of batches that the block cutter returns, and on
// whether envelopes are still pending.
func (t *model) commitNormal(r Regular) {
	batches, pending := t.cut(r.Envelope)
	t.order(r.Envelope)
	switch {
	case len(batches) == 0:
		t.processed = t.mark(r)
	case len(batches) == 1 && !pending:
		t.processed = t.mark(r)
		t.write(batches[0], r.Offset, t.processed, t.resub)
	case len(batches) == 1:
		t.write(batches[0], r.Offset-1, t.processed, t.resub) // and the mark stays
	default:
		t.write(batches[0], r.Offset-1, t.processed, t.resub)
		t.processed = t.mark(r)
		t.write(batches[1], r.Offset, t.processed, t.resub)
	}
}

// cut is their block cutter.
func (t *model) cut(e Envelope) (batches [][]Envelope, pending bool) {
	limits, size := t.start.Limits, uint64(0)
	for _, p := range t.pending {
		size += uint64(p.Size)
	}
	large := uint64(e.Size) > uint64(limits.PreferredMaxBytes)
	if len(t.pending) > 0 && (large || size+uint64(e.Size) > uint64(limits.PreferredMaxBytes)) {
		batches, t.pending = append(batches, t.pending), nil
	}
	t.pending = append(t.pending, e)
	if large || len(t.pending) >= int(limits.MaxMessageCount) {
		batches, t.pending = append(batches, t.pending), nil
	}
	return batches, len(t.pending) > 0
}

func (t *model) commitConfig(r Regular) {
	if len(t.pending) > 0 {
		t.write(t.pending, r.Offset-1, t.processed, t.resub)
		t.pending = nil
	}
	if t.ended = refusal(r.Envelope, t.start.Seq, CheckWriter) != ""; t.ended {
		return // in-tree orderers crash
	}
	t.processed = t.mark(r)
	t.write([]Envelope{r.Envelope}, r.Offset, t.processed, t.resub)
	t.order(r.Envelope)
	t.configure(r.Envelope)
}

func (t *model) write(envelopes []Envelope, persisted, processed, resub Offset) {
	t.blocks = append(t.blocks, inTreeText(t.next, names(envelopes), persisted, processed, resub))
	t.next++
}

// inTreeText is a block as an in-tree orderer has it.
func inTreeText(number BlockNumber, names string, persisted, processed, resub Offset) string {
	return fmt.Sprintf("%d [%s] {%d, %d, %d}", number, names, persisted, processed, resub)
}
