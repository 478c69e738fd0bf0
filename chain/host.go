package chain

import (
	"context"
	"fmt"
	"time"

	"github.com/fabric-kafka/orderer/chain/engine"
	"github.com/fabric-kafka/orderer/chain/fabric"
	"github.com/fabric-kafka/orderer/chain/log"
	"github.com/fabric-kafka/orderer/chain/machine"
	"github.com/hyperledger/fabric/protoutil"
)

var _ engine.Host = (*host)(nil)

// host is Fabric's support, the topic and the status of a chain as its engine
// wants them. The loop's.
type host struct {
	chain   *Chain
	support Support
	cut     *cutter
	puller  *puller // of a catch-up; nil outside of one

	began time.Time

	admitted bool // the preflight has found the topic fit
}

func (h *host) Channel() string { return h.support.ChannelID() }

func (h *host) Config() engine.Config { return configOf(h.support) }

func (h *host) Uptime() time.Duration { return time.Since(h.began) }

func configOf(s Support) engine.Config {
	shared := s.SharedConfig()
	b := shared.BatchSize()
	return engine.Config{
		Seq:           machine.ConfigSeq(s.Sequence()),
		Resubmission:  shared.Capabilities().Resubmission(),
		ConsensusType: shared.ConsensusType(),
		Limits: machine.Limits{
			MaxMessageCount:   b.MaxMessageCount,
			AbsoluteMaxBytes:  b.AbsoluteMaxBytes,
			PreferredMaxBytes: b.PreferredMaxBytes,
		},
		Patience: patience(shared.BatchTimeout()),
	}
}

func (h *host) Log() (log.Log, error) {
	k, err := h.chain.linked()
	if err != nil {
		return nil, err
	}
	return k.log, nil
}

func (h *host) Linked() (bool, error) { return h.chain.fitting() }

func (h *host) Append(ctx context.Context, value []byte) error {
	ctx, cancel := context.WithTimeout(ctx, h.chain.opts.AppendTimeout)
	defer cancel()
	return h.chain.append(ctx, value)
}

func (h *host) Room(bytes int) error { return h.chain.opts.Room(bytes) }

func (h *host) Write(b engine.Block) error { return h.write(b, h.support.WriteBlock) }

func (h *host) WriteConfig(b engine.Block) error { return h.write(b, h.support.WriteConfigBlock) }

func (h *host) write(b engine.Block, put func(*fabric.Block, []byte)) error {
	return engine.Guarded(func() error {
		block, err := h.nextBlock(b)
		if err != nil {
			return err
		}
		put(block, b.Metadata)
		h.chain.height = uint64(b.Number) + 1
		return nil
	})
}

// nextBlock makes the block that follows the ledger's last. The block writer
// numbers blocks by its own count: where that is not the machine's, somebody
// else writes to this ledger.
func (h *host) nextBlock(b engine.Block) (*fabric.Block, error) {
	decoded := make([]*fabric.Envelope, len(b.Envelopes))
	for i, e := range b.Envelopes {
		decoded[i] = &fabric.Envelope{}
		if err := fabric.Unmarshal(e, decoded[i]); err != nil {
			return nil, fmt.Errorf("block %d, envelope %d: %w", b.Number, i, err)
		}
	}
	block := h.support.CreateNextBlock(decoded)
	if block.Header.Number != uint64(b.Number) {
		return nil, fmt.Errorf("the ledger goes on with block %d, the topic with block %d: something else has written to the ledger; "+
			"restart the orderer", block.Header.Number, b.Number)
	}
	return block, h.puller.follows(block)
}

func (h *host) Block(number machine.BlockNumber) *engine.Block {
	b := h.support.Block(uint64(number))
	if b == nil || b.Header == nil || b.Data == nil {
		return nil
	}
	block, err := blockOf(b)
	if err != nil {
		return nil
	}
	return &block
}

func blockOf(b *fabric.Block) (out engine.Block, err error) {
	err = engine.Guarded(func() error {
		metadata, err := protoutil.GetConsenterMetadataFromBlock(b)
		if err != nil {
			return fmt.Errorf("block %d: %w", b.GetHeader().GetNumber(), err)
		}
		out = engine.Block{
			Number:    machine.BlockNumber(b.Header.Number),
			Envelopes: b.Data.Data,
			Config:    protoutil.IsConfigBlock(b),
			Metadata:  metadata.GetValue(),
		}
		return nil
	})
	return out, err
}

func (h *host) Judge(e machine.Judge) machine.Verdict { return h.chain.judge.verdict(e) }

func (h *host) Process(class machine.Class, envelope []byte) (anew []byte, seq machine.ConfigSeq, err error) {
	err = engine.Guarded(func() (err error) {
		anew, seq, err = h.process(class, envelope)
		return err
	})
	return anew, seq, err
}

func (h *host) process(class machine.Class, envelope []byte) ([]byte, machine.ConfigSeq, error) {
	decoded := &fabric.Envelope{}
	if err := fabric.Unmarshal(envelope, decoded); err != nil {
		return nil, 0, err
	}
	if class == machine.Normal {
		seq, err := h.support.ProcessNormalMsg(decoded)
		return envelope, machine.ConfigSeq(seq), err
	}
	if err := processable(decoded); err != nil {
		return nil, 0, err
	}
	anew, seq, err := h.support.ProcessConfigMsg(decoded)
	if err != nil {
		return nil, 0, err
	}
	value, err := fabric.Marshal(anew)
	return value, machine.ConfigSeq(seq), err
}

func (h *host) Arm(number machine.BlockNumber) { h.cut.arm(h.chain.life, number) }

func (h *host) Disarm() { h.cut.cancel() }

func (h *host) Moved(to engine.Phase, cause error) {
	after, changed := h.chain.status.to(to, cause)
	switch {
	case !changed:
	case to == engine.Reading:
		h.chain.opts.Events.Recovered(after)
	case to == engine.Pulling:
		h.chain.opts.Events.Pulling(cause)
	}
}

func (h *host) Described() { h.chain.status.setDescribed() }

func (h *host) CaughtUp() { h.chain.status.setCaughtUp() }
