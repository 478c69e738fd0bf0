package chain

import (
	"context"
	"fmt"
	"time"

	"github.com/fabric-kafka/orderer/chain/fabric"
	"github.com/fabric-kafka/orderer/chain/log"
	"github.com/fabric-kafka/orderer/chain/machine"
	"github.com/fabric-kafka/orderer/chain/session"
)

var _ session.Host = (*host)(nil)

// host is Fabric's support, the topic and the status of a chain as its engine
// wants them. The loop's.
type host struct {
	chain   *Chain
	support Support
	cut     *cutter
	puller  *puller // of a catch-up; nil outside of one

	grant *grant // of the blocks that were let through last; nil for none

	came func() // is called when something came from the brokers

	late int // appends in a row that a time limit has ended

	began time.Time

	admitted bool // the preflight has found the topic fit
}

func (h *host) Channel() string { return h.support.ChannelID() }

func (h *host) Config() session.Config { return configOf(h.support) }

func (h *host) Uptime() time.Duration { return time.Since(h.began) }

func configOf(s Support) session.Config {
	shared := s.SharedConfig()
	b := shared.BatchSize()
	return session.Config{
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
	return watchedLog{k.log, h.came}, nil
}

func (h *host) Linked() (bool, error) { return h.chain.fitting() }

// Append has the time limit of a client's append at first. The engine repeats it
// until it is acknowledged, and each attempt that the limit ended is a record that may come
// to the topic: one that takes longer has twice the time at the next attempt.
func (h *host) Append(ctx context.Context, value []byte) error {
	timed, cancel := context.WithTimeout(ctx, h.chain.opts.AppendTimeout<<h.late)
	defer cancel()
	err := h.chain.append(timed, value)
	switch {
	case err == nil:
		h.late = 0
	case ctx.Err() == nil && timed.Err() != nil:
		h.late = min(h.late+1, mostDoubled)
	}
	return err
}

// mostDoubled keeps a time limit from overflowing: 10 s become a week.
const mostDoubled = 16

func (h *host) Write(b session.Block) error { return h.write(b, h.support.WriteBlock) }

func (h *host) WriteConfig(b session.Block) error { return h.write(b, h.support.WriteConfigBlock) }

func (h *host) write(b session.Block, put func(*fabric.Block, []byte)) error {
	return session.Guarded(func() error {
		block, err := h.nextBlock(b)
		if err != nil {
			return err
		}
		put(block, b.Metadata)
		h.wrote(b)
		return nil
	})
}

// wrote takes note of a block that the block writer has.
func (h *host) wrote(b session.Block) {
	h.chain.height = uint64(b.Number) + 1
	h.grant.wrote(sizeOf(b), h.chain.height)
}

// nextBlock makes the block that follows the ledger's last. The block writer
// numbers blocks by its own count: where that is not the machine's, somebody
// else writes to this ledger.
func (h *host) nextBlock(b session.Block) (*fabric.Block, error) {
	decoded := make([]*fabric.Envelope, len(b.Envelopes))
	for i, e := range b.Envelopes {
		decoded[i] = &fabric.Envelope{}
		if err := fabric.Unmarshal(e, decoded[i]); err != nil {
			return nil, fmt.Errorf("block %d, envelope %d: %w", b.Number, i, err)
		}
	}
	block := h.support.CreateNextBlock(decoded)
	if block.Header.Number != uint64(b.Number) {
		return nil, ledgerFault("the ledger continues with block %d, the topic with block %d: something else has written to the ledger", block.Header.Number, b.Number)
	}
	return block, h.puller.follows(block)
}

func (h *host) Block(number machine.BlockNumber) *session.Block {
	block, err := BlockOf(h.support.Block(uint64(number)))
	if err != nil {
		return nil
	}
	return &block
}

func (h *host) Judge(e machine.Judge) machine.Verdict { return h.chain.judge.verdict(e) }

func (h *host) Process(class machine.Class, envelope []byte) (anew []byte, seq machine.ConfigSeq, err error) {
	err = session.Guarded(func() (err error) {
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
	if err := h.chain.agreed.update(h.support.ConfigtxValidator(), decoded); err != nil {
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

func (h *host) Moved(to session.Phase, cause error) {
	cause = h.chain.opts.Explain(cause)
	after, changed := h.chain.status.to(to, cause)
	switch {
	case !changed:
	case to == session.Reading:
		h.chain.opts.Events.Recovered(after)
	case to == session.Pulling:
		h.chain.opts.Events.Pulling(cause)
	}
}

func (h *host) Described() { h.chain.status.setDescribed() }

func (h *host) CaughtUp() { h.chain.status.setCaughtUp() }
