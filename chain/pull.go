package chain

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/hyperledger/fabric/protoutil"

	"github.com/fabric-kafka/orderer/chain/fabric"
	"github.com/fabric-kafka/orderer/chain/machine"
	"github.com/fabric-kafka/orderer/chain/session"
)

// Puller takes blocks of a channel from its other orderers. It is used by one
// goroutine, for blocks of growing numbers.
type Puller interface {
	// Block returns a block that VerifyBlock takes. The caller compares its header
	// with what follows the ledger's last block. The error wraps ErrNoBlock when every orderer has
	// answered and none has the block.
	Block(ctx context.Context, number uint64) (*fabric.Block, error)
	// Others asks all other orderers how many blocks they have.
	Others(ctx context.Context) []session.Answer
	Close()
}

// NewPuller connects to the orderers that the channel's config names. Its error
// wraps ErrNoWay where only another build or configuration of this orderer helps.
type NewPuller func(Support) (Puller, error)

// ErrNoBlock says that a block cannot be had from another orderer, ErrNoWay that
// this one has no way to ask.
var (
	ErrNoBlock = session.ErrNoBlock
	ErrNoWay   = session.ErrNoWay
)

// Another orderer cuts what it has read within BatchTimeout, unless brokers or
// clocks are slow; leastPatience is for one that restarts.
const (
	leastPatience = 30 * time.Second
	patienceCuts  = 10
)

// patience is how long nobody must have a block before that is final.
func patience(batchTimeout time.Duration) time.Duration {
	return max(leastPatience, patienceCuts*batchTimeout)
}

// puller is the host's side of a catch-up.
type puller struct {
	Puller
	header []byte // hash of the one of the block that was pulled last
	number uint64
}

// Others asks the other orderers. A chain that is given no way to them has none: the
// consenter gives each one, which fails where the process has no means to connect.
func (h *host) Others(ctx context.Context) ([]session.Answer, error) {
	if h.chain.opts.NewPuller == nil {
		return nil, nil
	}
	p, err := h.chain.opts.NewPuller(h.support)
	if err != nil {
		return nil, err
	}
	defer p.Close()
	return p.Others(ctx), nil
}

// First returns block 1 of another orderer that has it.
func (h *host) First(ctx context.Context) (b *session.Block, err error) {
	err = session.Guarded(func() (err error) {
		b, err = h.first(ctx)
		return err
	})
	return b, err
}

func (h *host) first(ctx context.Context) (*session.Block, error) {
	if h.chain.opts.NewPuller == nil {
		return nil, nil
	}
	p, err := h.chain.opts.NewPuller(h.support)
	if err != nil {
		return nil, err
	}
	defer p.Close()
	if !slices.ContainsFunc(p.Others(ctx), func(a session.Answer) bool { return a.Height > 1 }) {
		return nil, nil
	}
	b, err := p.Block(ctx, 1)
	if err != nil {
		return nil, err
	}
	block, err := BlockOf(b)
	return &block, err
}

// Pull returns a block of another orderer.
func (h *host) Pull(ctx context.Context, number machine.BlockNumber) (b session.Block, err error) {
	err = session.Guarded(func() (err error) {
		b, err = h.pull(ctx, number)
		return err
	})
	return b, err
}

func (h *host) pull(ctx context.Context, number machine.BlockNumber) (session.Block, error) {
	if h.chain.opts.NewPuller == nil {
		return session.Block{}, fmt.Errorf("%w: this orderer has no cluster connections", ErrNoWay)
	}
	if h.puller == nil {
		p, err := h.chain.opts.NewPuller(h.support)
		if err != nil {
			return session.Block{}, err
		}
		h.puller = &puller{Puller: p}
	}
	b, err := h.puller.Block(ctx, uint64(number))
	if err != nil {
		h.endPull()
		return session.Block{}, err
	}
	h.puller.number, h.puller.header = uint64(number), protoutil.BlockHeaderHash(b.Header)
	return BlockOf(b)
}

// endPull closes the connections.
func (h *host) endPull() {
	if h.puller != nil {
		h.puller.Close()
		h.puller = nil
	}
}

// follows makes sure that a block which was pulled is the one that the ledger makes
// of its envelopes: its number, its data and the block before it are the same.
func (p *puller) follows(made *fabric.Block) error {
	if p == nil || p.number != made.Header.Number {
		return nil
	}
	if hash := protoutil.BlockHeaderHash(made.Header); string(hash) != string(p.header) {
		return session.Fault{Cause: session.CauseWrongBlock, Err: fmt.Errorf("block %d of another orderer has hash %x, but what follows this ledger's last block has %x: "+
			"the ledgers differ, or the block was altered on its way", made.Header.Number, p.header, hash)}
	}
	return nil
}
