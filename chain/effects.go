package chain

import (
	"context"
	"fmt"

	"github.com/fabric-kafka/orderer/chain/fabric"
	"github.com/fabric-kafka/orderer/chain/machine"
	"github.com/fabric-kafka/orderer/chain/record"
)

// step puts a record into the machine and performs the effects, then the answer
// that the last of them asked for, and so on until nothing is asked.
func (l *loop) step(ctx context.Context, in machine.Input) error {
	for in != nil {
		effects := l.machine.Step(in)
		in = nil
		for _, e := range effects {
			answer, err := l.perform(ctx, e)
			if err != nil {
				return err
			}
			in = answer
		}
	}
	return nil
}

// perform does what one effect says. An error ends the chain, or it is that of
// an ended context: effects cannot be performed twice.
func (l *loop) perform(ctx context.Context, effect machine.Effect) (machine.Input, error) {
	switch e := effect.(type) {
	case machine.WriteBlock:
		return nil, l.writeBlock(e)
	case machine.WriteConfigBlock:
		return l.writeConfigBlock(e)
	case machine.Judge:
		return l.chain.judge.verdict(e), nil
	case machine.Reproduce:
		return nil, l.reproduce(ctx, e)
	case machine.ArmTimer:
		l.cut.arm(ctx, e.Block)
	case machine.CancelTimer:
		l.cut.cancel()
	case machine.Described:
		l.chain.status.setDescribed()
		l.events.Described(e.Offset)
	case machine.Skip:
		l.events.Skipped(e.Offset, e.Reason, e.Detail)
	case machine.Halt:
		return nil, stop(fmt.Errorf("topic %q: %s", l.chain.support.ChannelID(), e.Detail))
	default:
		return nil, stop(fmt.Errorf("effect %T is not known to this build", effect))
	}
	return nil, nil
}

func (l *loop) writeBlock(e machine.WriteBlock) error {
	block, value, err := l.nextBlock(e.Number, e.Metadata, e.Envelopes...)
	if err != nil {
		return stop(err)
	}
	l.chain.support.WriteBlock(block, value)
	l.chain.height = uint64(e.Number) + 1
	l.events.BlockCut(e.Number, len(e.Envelopes), e.Cause, e.Metadata.Offset)
	return nil
}

func (l *loop) writeConfigBlock(e machine.WriteConfigBlock) (machine.Input, error) {
	block, value, err := l.nextBlock(e.Number, e.Metadata, e.Envelope)
	if err != nil {
		return nil, stop(err)
	}
	s := l.chain.support
	s.WriteConfigBlock(block, value)
	l.chain.height = uint64(e.Number) + 1
	l.events.BlockCut(e.Number, 1, machine.CauseConfig, e.Metadata.Offset)
	if kind := s.SharedConfig().ConsensusType(); kind != ConsensusType {
		return nil, stop(fmt.Errorf("%w: it is %q since block %d; restart the orderer", ErrMigrated, kind, e.Number))
	}
	l.configured = true
	return machine.Configured{Seq: machine.ConfigSeq(s.Sequence()), Limits: limitsOf(s)}, nil
}

// nextBlock makes the block that follows the ledger's last, and its metadata
// value. The block writer numbers blocks by its own count: where that is not
// the machine's, somebody else writes to this ledger.
func (l *loop) nextBlock(number machine.BlockNumber, m machine.Metadata, envelopes ...machine.Envelope) (*fabric.Block, []byte, error) {
	decoded := make([]*fabric.Envelope, len(envelopes))
	for i, e := range envelopes {
		decoded[i] = &fabric.Envelope{}
		if err := fabric.Unmarshal(e.Bytes, decoded[i]); err != nil {
			return nil, nil, fmt.Errorf("block %d, envelope %d: %w", number, i, err)
		}
	}
	value, err := record.EncodeMetadata(&record.Metadata{
		LastOffsetPersisted: int64(m.Offset),
		RuleSet:             record.RuleSet(m.RuleSet),
	})
	if err != nil {
		return nil, nil, fmt.Errorf("block %d: %w", number, err)
	}
	block := l.chain.support.CreateNextBlock(decoded)
	if block.Header.Number != uint64(number) {
		return nil, nil, fmt.Errorf("the ledger goes on with block %d, the topic with block %d: something else has written to the ledger; "+
			"restart the orderer", block.Header.Number, number)
	}
	return block, value, nil
}
