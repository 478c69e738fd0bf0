package machine

import "slices"

// batch collects envelopes for the next block and decides when it is full,
// exactly as Fabric's orderer/common/blockcutter does (checked by a differential test). Sizes count payload and signature.
type batch struct {
	limits    Limits
	envelopes []Envelope
	bytes     uint64
	opaque    bool              // one of the envelopes is
	policies  map[StateKey]bool // keys whose endorsement policy one of them sets
}

// full is a batch that was cut, and whether the envelope just added is in it.
type full struct {
	envelopes []Envelope
	includes  bool
	cause     CutCause
}

// add takes one envelope and returns the batches that it completes: at most the
// older ones without it, then one with it.
func (b *batch) add(e Envelope) []full {
	size := uint64(e.Size)
	if size > uint64(b.limits.PreferredMaxBytes) {
		return append(b.cutBefore(CutByLarge), full{[]Envelope{e}, true, CutByLarge})
	}
	var cut []full
	if b.bytes+size > uint64(b.limits.PreferredMaxBytes) {
		cut = b.cutBefore(CutByBytes)
	}
	b.envelopes = append(b.envelopes, e)
	b.bytes += size
	b.note(e)
	if uint64(len(b.envelopes)) >= uint64(b.limits.MaxMessageCount) {
		cut = append(cut, full{b.cut(), true, CutByCount})
	}
	return cut
}

// cutBefore cuts what is pending, if anything, ahead of an envelope that does not fit.
func (b *batch) cutBefore(cause CutCause) []full {
	if len(b.envelopes) == 0 {
		return nil
	}
	return []full{{b.cut(), false, cause}}
}

// cut returns everything that is pending, and resets the batch.
func (b *batch) cut() []Envelope {
	cut := b.envelopes
	b.envelopes, b.bytes, b.opaque, b.policies = nil, 0, false, nil
	return cut
}

// note records what of e stops peers at a transaction after it.
func (b *batch) note(e Envelope) {
	b.opaque = b.opaque || e.Opaque
	if b.policies == nil && len(e.Policies) > 0 {
		b.policies = map[StateKey]bool{}
	}
	for _, key := range e.Policies {
		b.policies[key] = true
	}
}

// stops reports whether peers would not get past a block with e after what is pending.
func (b *batch) stops(e Envelope) bool {
	if e.Opaque {
		return false // peers flag it before they look at what is ahead
	}
	return b.opaque || slices.ContainsFunc(e.Written, func(key StateKey) bool { return b.policies[key] })
}
