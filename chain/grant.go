package chain

import (
	"sync/atomic"

	"github.com/fabric-kafka/orderer/chain/session"
)

// grant is the room that blocks were granted on the disk of the ledgers. The block
// writer commits in a goroutine of its own, so that they are not there when they were
// written; another channel must not take their room meanwhile.
type grant struct {
	ledger interface{ Height() uint64 }
	left   int           // bytes that were not written yet; the loop's
	until  atomic.Uint64 // height of the ledger once it has all of them; 0 while it is not known
	over   atomic.Bool   // it will not have them
}

// done reports whether the blocks are committed, or will not be written.
func (g *grant) done() bool {
	until := g.until.Load()
	return g.over.Load() || until > 0 && g.ledger.Height() >= until
}

// wrote takes note of a block, by which the ledger comes to a height.
func (g *grant) wrote(bytes int, height uint64) {
	if g == nil {
		return
	}
	if g.left -= bytes; g.left <= 0 {
		g.until.Store(height)
	}
}

// Room asks for room for blocks that are to be written next. It is asked again for
// the same ones when a session has ended between.
func (h *host) Room(bytes int) error {
	if h.grant != nil && h.grant.left > 0 {
		h.grant.over.Store(true)
	}
	h.grant = nil
	if bytes <= 0 {
		return h.chain.opts.Room(0, nil)
	}
	g := &grant{ledger: h.support, left: bytes}
	if err := h.chain.opts.Room(bytes, g.done); err != nil {
		return err
	}
	h.grant = g
	return nil
}

// endGrant gives back what the chain will not write. What it wrote is being committed.
func (h *host) endGrant() {
	if h.grant != nil && h.grant.left > 0 {
		h.grant.over.Store(true)
	}
}

// sizeOf is how many bytes a block counts for in a grant.
func sizeOf(b session.Block) (bytes int) {
	for _, envelope := range b.Envelopes {
		bytes += len(envelope)
	}
	return bytes
}
