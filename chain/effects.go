package chain

import (
	"fmt"

	"github.com/fabric-kafka/orderer/chain/fabric"
	"github.com/fabric-kafka/orderer/chain/machine"
	"github.com/fabric-kafka/orderer/chain/record"
)

// apply steps the machine with a record and then with the answers it asks for,
// and performs all that it decides.
func (c *Chain) apply(in machine.Input) error {
	for in != nil {
		effects := c.machine.Step(in)
		in = nil
		for _, e := range effects {
			answer, err := c.perform(e)
			if err != nil {
				return err
			}
			in = answer
		}
	}
	return nil
}

// perform does one effect; it returns the answer to one that asks.
func (c *Chain) perform(e machine.Effect) (machine.Input, error) {
	switch e := e.(type) {
	case machine.WriteBlock:
		return nil, c.writeBlock(e)
	case machine.WriteConfigBlock:
		return c.writeConfigBlock(e)
	case machine.Judge:
		return c.judge.verdict(e), nil
	case machine.Reproduce:
		return nil, c.reproduce(e)
	case machine.ArmTimer:
		c.cut.arm(e.Block)
	case machine.CancelTimer:
		c.cut.disarm()
	case machine.Described:
		c.status.setDescribed()
		c.events.Described(e.Offset)
	case machine.Skip:
		c.events.Skipped(e.Offset, e.Reason, e.Detail)
	case machine.Halt:
		return nil, stopf("topic %q: %s", c.support.ChannelID(), e.Detail)
	default:
		must(false, "unknown effect %T", e)
	}
	return nil, nil
}

// writeBlock hands a block of normal envelopes to the block writer, which
// commits it while the loop goes on.
func (c *Chain) writeBlock(e machine.WriteBlock) error {
	block, metadata, err := c.block(e.Number, e.Envelopes, e.Metadata)
	if err != nil {
		return err
	}
	c.written = uint64(e.Number) + 1
	c.support.WriteBlock(block, metadata)
	c.events.BlockCut(e.Number, len(e.Envelopes), e.Cause, e.Metadata.Offset)
	return nil
}

// writeConfigBlock writes a config block and answers with the config that it
// puts in force.
func (c *Chain) writeConfigBlock(e machine.WriteConfigBlock) (machine.Input, error) {
	block, metadata, err := c.block(e.Number, []machine.Envelope{e.Envelope}, e.Metadata)
	if err != nil {
		return nil, err
	}
	c.written = uint64(e.Number) + 1
	c.support.WriteConfigBlock(block, metadata)
	c.events.BlockCut(e.Number, 1, machine.CauseConfig, e.Metadata.Offset)
	if kind := c.support.SharedConfig().ConsensusType(); kind != ConsensusType {
		return nil, stopf("block %d changed the channel's consensus type to %q: restart this orderer to go on with it", e.Number, kind)
	}
	return machine.Configured{Seq: machine.ConfigSeq(c.support.Sequence()), Limits: c.limits()}, nil
}

// block makes the next block of the ledger, which must be the one decided on.
func (c *Chain) block(number machine.BlockNumber, envelopes []machine.Envelope, m machine.Metadata) (*fabric.Block, []byte, error) {
	messages := make([]*fabric.Envelope, len(envelopes))
	for i, e := range envelopes {
		messages[i] = &fabric.Envelope{}
		err := fabric.Unmarshal(e.Bytes, messages[i])
		must(err == nil, "envelope of block %d no longer decodes: %v", number, err)
	}
	metadata, err := record.EncodeMetadata(&record.Metadata{
		LastOffsetPersisted: int64(m.Offset),
		RuleSet:             record.RuleSet(m.RuleSet),
	})
	if err != nil {
		return nil, nil, stop{err}
	}
	block := c.support.CreateNextBlock(messages)
	if got := block.Header.Number; got != uint64(number) {
		return nil, nil, stopf("the ledger goes on with block %d where block %d was decided: somebody else has written to it; restart this orderer", got, number)
	}
	return block, metadata, nil
}

// must panics on a broken invariant of our own, never on what came from outside.
func must(ok bool, format string, args ...any) {
	if !ok {
		panic("chain: broken invariant: " + fmt.Sprintf(format, args...))
	}
}
