package chain

import (
	"fmt"
	"sync/atomic"

	"github.com/hyperledger/fabric/protoutil"

	"github.com/fabric-kafka/orderer/chain/block"
	"github.com/fabric-kafka/orderer/chain/fabric"
	"github.com/fabric-kafka/orderer/chain/form"
	"github.com/fabric-kafka/orderer/chain/guard"
	"github.com/fabric-kafka/orderer/chain/handover"
	"github.com/fabric-kafka/orderer/chain/machine"
	"github.com/fabric-kafka/orderer/chain/session"
	"github.com/fabric-kafka/orderer/chain/status"
)

// ledgerWriter is the channel's ledger through Fabric's support, as sessions use it. Used only by the loop.
type ledgerWriter struct {
	support Support
	opts    *Options
	peers   *peers
	grant   *grant // of the blocks that were granted space last; nil for none
	height  uint64 // of the ledger once all that was written is committed
}

// Config returns the channel config in force.
func (l *ledgerWriter) Config() session.Config { return configOf(l.support) }

func configOf(s Support) session.Config {
	shared := s.SharedConfig()
	b := shared.BatchSize()
	return session.Config{
		Seq:           machine.ConfigSeq(s.Sequence()),
		Resubmission:  shared.Capabilities().Resubmission(),
		ConsensusType: shared.ConsensusType(),
		ThroughKafka:  form.Of(s.ConfigtxValidator().ConfigProto()) != form.Foreign,
		Limits: machine.Limits{
			MaxMessageCount:   b.MaxMessageCount,
			AbsoluteMaxBytes:  b.AbsoluteMaxBytes,
			PreferredMaxBytes: b.PreferredMaxBytes,
		},
		MissingTimeout: missingTimeout(shared.BatchTimeout()),
	}
}

func (l *ledgerWriter) Write(b session.Block) error {
	return l.write(b, func(block *fabric.Block) error {
		l.support.WriteBlock(block, b.Metadata)
		return nil
	})
}

// WriteConfig writes a config block, which brings its config into force.
func (l *ledgerWriter) WriteConfig(b session.Block) error {
	err := l.write(b, func(block *fabric.Block) error {
		return handover.WriteConfig(l.support, l.opts.Crypto, block, b.Metadata)
	})
	if err != nil {
		return err
	}
	return l.opts.Handover.Check(l.support.ConfigtxValidator().ConfigProto())
}

func (l *ledgerWriter) write(b session.Block, put func(*fabric.Block) error) error {
	return guard.Call(func() error {
		block, err := l.nextBlock(b)
		if err == nil {
			err = put(block)
		}
		if err == nil {
			l.wrote(b)
		}
		return err
	})
}

// wrote records that a block was given to the block writer.
func (l *ledgerWriter) wrote(b session.Block) {
	l.height = uint64(b.Number) + 1
	l.grant.wrote(sizeOf(b), l.height)
}

// nextBlock makes the block that follows the ledger's last. The block writer makes it without envelopes, since
// it would encode each of them again. It numbers blocks by its own count: if that is not the machine's, something
// else writes to the ledger.
func (l *ledgerWriter) nextBlock(b session.Block) (*fabric.Block, error) {
	next := l.support.CreateNextBlock(nil)
	if next.Header.Number != uint64(b.Number) {
		return nil, status.Fault{Cause: status.CauseInternal, Err: fmt.Errorf("the ledger continues with block %d, the topic with block %d: something else has written to the ledger", next.Header.Number, b.Number)}
	}
	if err := block.SetEnvelopes(next, b.Envelopes); err != nil {
		return nil, err
	}
	return next, l.peers.follows(next)
}

// follows makes sure that a pulled block is the one that the ledger writes from its envelopes: that its
// number, its data and the block before it are the same.
func (p *peers) follows(made *fabric.Block) error {
	if p.header == nil || p.number != made.Header.Number {
		return nil
	}
	if hash := protoutil.BlockHeaderHash(made.Header); string(hash) != string(p.header) {
		return status.Fault{Cause: status.CauseWrongBlock, Err: fmt.Errorf("block %d of another orderer has hash %x, but what follows this ledger's last block has %x: "+
			"the ledgers have diverged, or the block was altered on its way", made.Header.Number, p.header, hash)}
	}
	return nil
}

func (l *ledgerWriter) Block(number machine.BlockNumber) *session.Block {
	block, err := block.Decode(l.support.Block(uint64(number)))
	if err != nil {
		return nil
	}
	return &block
}

// Room asks for disk space for the blocks that are written next. A session asks again for blocks that an
// earlier one could not write.
func (l *ledgerWriter) Room(bytes int) error {
	if l.grant != nil && l.grant.left > 0 {
		l.grant.over.Store(true)
	}
	l.grant = nil
	if bytes <= 0 {
		return l.opts.Room(0, nil)
	}
	g := &grant{ledger: l.support, left: bytes}
	if err := l.opts.Room(bytes, g.done); err != nil {
		return err
	}
	l.grant = g
	return nil
}

// endGrant gives back what the chain will not write. What it wrote is being committed.
func (l *ledgerWriter) endGrant() {
	if l.grant != nil && l.grant.left > 0 {
		l.grant.over.Store(true)
	}
}

// grant is the space that blocks were granted on the ledger disk. The block writer commits in a goroutine of its own,
// so blocks are not on the disk yet when they are written; another channel must not use their space meanwhile.
type grant struct {
	ledger interface{ Height() uint64 }
	left   int           // bytes not written yet; used only by the loop
	until  atomic.Uint64 // height of the ledger once it has all of them; 0 while it is not known
	over   atomic.Bool   // it will not have them
}

// done reports whether the blocks are committed, or will not be written.
func (g *grant) done() bool {
	until := g.until.Load()
	return g.over.Load() || until > 0 && g.ledger.Height() >= until
}

// wrote records a written block, with which the ledger reaches a height.
func (g *grant) wrote(bytes int, height uint64) {
	if g == nil {
		return
	}
	if g.left -= bytes; g.left <= 0 {
		g.until.Store(height)
	}
}

// sizeOf returns how many bytes of a grant a block uses.
func sizeOf(b session.Block) (bytes int) {
	for _, envelope := range b.Envelopes {
		bytes += len(envelope)
	}
	return bytes
}
