package session

import (
	"context"
	"fmt"

	"github.com/fabric-kafka/orderer/chain/machine"
)

// step puts a record, or an answer, into the machine and performs the effects,
// then the answer that the last of them asked for, and so on until nothing is
// asked or an answer must wait.
func (e *Engine) step(ctx context.Context, in machine.Input) (err error) {
	for in != nil {
		e.effects = e.machine.Step(in)
		if in, err = e.proceed(ctx); err != nil {
			return err
		}
	}
	return nil
}

// proceed performs the effects in hand and returns the answer to the last. What
// it fails before stays in hand, for the next session.
func (e *Engine) proceed(ctx context.Context) (answer machine.Input, err error) {
	if blocks, bytes := written(e.effects); blocks > 0 {
		if err := e.sourced(ctx); err != nil {
			return nil, err
		}
		if err := e.host.Room(bytes); err != nil {
			return nil, err
		}
		if err := e.agreed(ctx); err != nil {
			return nil, err
		}
	}
	for len(e.effects) > 0 {
		effect := e.effects[0]
		e.effects = e.effects[1:]
		if answer, err = e.perform(ctx, effect); err != nil {
			return nil, err
		}
	}
	return answer, nil
}

// written is how many blocks the effects write, and how large their envelopes are.
func written(effects []machine.Effect) (blocks, bytes int) {
	for _, effect := range effects {
		switch f := effect.(type) {
		case machine.WriteBlock:
			blocks++
			for _, envelope := range f.Envelopes {
				bytes += len(envelope.Bytes)
			}
		case machine.WriteConfigBlock:
			blocks++
			bytes += len(f.Envelope.Bytes)
		}
	}
	return blocks, bytes
}

// sourced makes sure that no record of another topic comes into a block. One that
// was made again under the same name is read on without an error, if it was made
// between two fetches and is long enough.
func (e *Engine) sourced(ctx context.Context) error {
	id, err := e.reader.Source(ctx)
	if err != nil {
		return err
	}
	if id != "" && e.topicID != "" && id != e.topicID {
		return fmt.Errorf("%w: its id is %s, not %s", errAstray, id, e.topicID)
	}
	return nil
}

// perform does what one effect says. Effects cannot be performed twice: an error
// ends the chain, unless what failed is owed and will be tried again.
func (e *Engine) perform(ctx context.Context, effect machine.Effect) (machine.Input, error) {
	switch f := effect.(type) {
	case machine.WriteBlock:
		return nil, e.writeBlock(f)
	case machine.WriteConfigBlock:
		return e.writeConfigBlock(f)
	case machine.Judge:
		return e.host.Judge(f), nil
	case machine.ResubmitConfig:
		return nil, e.reproduce(ctx, f)
	case machine.Resubmit:
		return e.resubmit(ctx, f)
	case machine.ArmTimer:
		e.host.Arm(f.Block)
	case machine.CancelTimer:
		e.host.Disarm()
	case machine.Described:
		return nil, e.accept(f)
	case machine.Skip:
		e.events.Skipped(f.Offset, f.Reason, f.Detail)
	case machine.Halt:
		return nil, e.halted(f)
	default:
		return nil, stop(fmt.Errorf("effect %T is not known to this build", effect))
	}
	return nil, nil
}

// accept opens ingress, if the description is of the topic that it is in.
func (e *Engine) accept(f machine.Described) error {
	if err := e.pinned(e.topicID); err != nil {
		return stop(err)
	}
	if err := e.sameCluster(f.Cluster); err != nil {
		return stop(err)
	}
	e.aheadSince = nil
	e.host.Described()
	e.events.Described(f.Offset, f.RuleSet)
	return nil
}

func (e *Engine) writeBlock(f machine.WriteBlock) error {
	b, err := blockOf(f.Number, f.Metadata, f.Envelopes...)
	if err != nil {
		return stop(err)
	}
	if err := e.host.Write(b); err != nil {
		return stop(err)
	}
	e.wrote(b)
	e.events.BlockCut(f.Number, len(f.Envelopes), f.Cause, f.Metadata.Offset)
	return nil
}

func (e *Engine) writeConfigBlock(f machine.WriteConfigBlock) (machine.Input, error) {
	b, err := blockOf(f.Number, f.Metadata, f.Envelope)
	if err != nil {
		return nil, stop(err)
	}
	b.Config = true
	if err := e.host.WriteConfig(b); err != nil {
		return nil, stop(err)
	}
	e.wrote(b)
	e.events.BlockCut(f.Number, 1, machine.CauseConfig, f.Metadata.Offset)
	if err := e.migrated(f.Number); err != nil {
		return nil, stop(err)
	}
	c := e.host.Config()
	e.configured = true
	return machine.Configured{Seq: c.Seq, Limits: c.Limits, Resubmission: c.Resubmission}, nil
}

// migrated says that a config block has given the channel another consensus type.
func (e *Engine) migrated(by machine.BlockNumber) error {
	if c := e.host.Config(); c.ConsensusType != ConsensusType {
		return because(CauseMigrated, fmt.Errorf("%w: it is %q since block %d", ErrMigrated, c.ConsensusType, by))
	}
	return nil
}

func blockOf(number machine.BlockNumber, m machine.Metadata, envelopes ...machine.Envelope) (Block, error) {
	value, err := EncodeMetadata(m)
	if err != nil {
		return Block{}, fmt.Errorf("block %d: %w", number, err)
	}
	b := Block{Number: number, Metadata: value, Envelopes: make([][]byte, len(envelopes))}
	for i, envelope := range envelopes {
		b.Envelopes[i] = envelope.Bytes
	}
	return b, nil
}
