package chain

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/hyperledger/fabric/protoutil"

	"github.com/fabric-kafka/orderer/chain/block"
	"github.com/fabric-kafka/orderer/chain/fabric"
	"github.com/fabric-kafka/orderer/chain/guard"
	"github.com/fabric-kafka/orderer/chain/handover"
	"github.com/fabric-kafka/orderer/chain/machine"
	"github.com/fabric-kafka/orderer/chain/session"
)

// Puller pulls blocks of a channel from its other orderers. It is used by one goroutine, for increasing
// block numbers.
type Puller interface {
	// Block returns a block that [block.Verify] accepts. The caller compares its header with what
	// follows the ledger's last block. The error wraps [session.ErrNoBlock] when every orderer has
	// answered and none has the block.
	Block(ctx context.Context, number uint64) (*fabric.Block, error)
	// Others asks all other orderers how many blocks they have.
	Others(ctx context.Context) []session.Answer
	Close()
}

// NewPuller connects to the orderers that the channel's config names. Its error wraps
// [session.ErrCannotAsk] if only another build or configuration of this orderer helps.
type NewPuller func(Support) (Puller, error)

// Another orderer cuts what it has read within BatchTimeout, unless brokers or
// clocks are slow; leastMissingTimeout is for one that restarts.
const (
	leastMissingTimeout = 30 * time.Second
	missingTimeoutCuts  = 10
)

// missingTimeout returns how long every orderer must report a block missing before the channel stops.
func missingTimeout(batchTimeout time.Duration) time.Duration {
	return max(leastMissingTimeout, missingTimeoutCuts*batchTimeout)
}

// peers are the other orderers of the channel, as sessions ask them. Used only by the loop.
type peers struct {
	support Support
	opts    *Options
	puller  Puller // of a catch-up; nil outside of one
	number  uint64 // of the block that was pulled last in it
	header  []byte // hash of that block's header
}

// Heights asks the other orderers for the heights of their ledgers. A chain without
// [Options].NewPuller has no other orderers.
func (p *peers) Heights(ctx context.Context) ([]session.Answer, error) {
	if p.opts.NewPuller == nil {
		return nil, nil
	}
	puller, err := p.opts.NewPuller(p.support)
	if err != nil {
		return nil, err
	}
	defer puller.Close()
	return puller.Others(ctx), nil
}

// First returns block 1 of another orderer that has it.
func (p *peers) First(ctx context.Context) (b *session.Block, err error) {
	err = guard.Call(func() (err error) {
		b, err = p.first(ctx)
		return err
	})
	return b, err
}

func (p *peers) first(ctx context.Context) (*session.Block, error) {
	if p.opts.NewPuller == nil {
		return nil, nil
	}
	puller, err := p.opts.NewPuller(p.support)
	if err != nil {
		return nil, err
	}
	defer puller.Close()
	if !slices.ContainsFunc(puller.Others(ctx), func(a session.Answer) bool { return a.Height > 1 }) {
		return nil, nil
	}
	b, err := puller.Block(ctx, 1)
	if err != nil {
		return nil, err
	}
	first, err := block.Decode(b)
	return &first, err
}

// Pull returns a block of another orderer.
func (p *peers) Pull(ctx context.Context, number machine.BlockNumber) (b session.Block, err error) {
	err = guard.Call(func() (err error) {
		b, err = p.pull(ctx, number)
		return err
	})
	return b, err
}

func (p *peers) pull(ctx context.Context, number machine.BlockNumber) (session.Block, error) {
	if p.opts.NewPuller == nil {
		return session.Block{}, fmt.Errorf("%w: this orderer has no cluster connections", session.ErrCannotAsk)
	}
	if p.puller == nil {
		puller, err := p.opts.NewPuller(p.support)
		if err != nil {
			return session.Block{}, err
		}
		p.puller = puller
	}
	b, err := p.puller.Block(ctx, uint64(number))
	if err != nil {
		p.close()
		return session.Block{}, err
	}
	p.number, p.header = uint64(number), protoutil.BlockHeaderHash(b.Header)
	decoded, err := block.Decode(b)
	if err == nil && decoded.Config && len(decoded.Metadata) == 0 {
		err = handover.CheckPulled(p.support, b)
	}
	return decoded, err
}

// close ends a catch-up and its connections.
func (p *peers) close() {
	if p.puller != nil {
		p.puller.Close()
		p.puller, p.number, p.header = nil, 0, nil
	}
}
