package machine

// batch collects envelopes for the next block and decides when it is full,
// exactly as Fabric's orderer/common/blockcutter does (checked by a differential test). Sizes count payload and signature.
type batch struct {
	limits    Limits
	envelopes []Envelope
	bytes     uint64
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
	b.envelopes, b.bytes = nil, 0
	return cut
}
