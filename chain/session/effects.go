package session

import (
	"context"
	"fmt"

	"github.com/fabric-kafka/orderer/chain/log"
	"github.com/fabric-kafka/orderer/chain/machine"
	"github.com/fabric-kafka/orderer/chain/record"
	"github.com/fabric-kafka/orderer/chain/status"
)

// step gives an input to the machine, performs the effects, gives the machine the answer
// that the last of them asks for, and so on until nothing is asked or an answer has to wait.
func (d *Driver) step(ctx context.Context, in machine.Input) (err error) {
	for in != nil {
		d.effects = d.machine.Step(in)
		if in, err = d.proceed(ctx); err != nil {
			return err
		}
	}
	return nil
}

// proceed performs the pending effects and returns the answer to the last. Those that it
// does not reach stay pending, for the next session.
func (d *Driver) proceed(ctx context.Context) (answer machine.Input, err error) {
	if blocks, bytes := written(d.effects); blocks > 0 {
		if err := d.verifySource(ctx); err != nil {
			return nil, err
		}
		if err := d.host.Room(bytes); err != nil {
			return nil, err
		}
		if err := d.verifyFirstBlock(ctx); err != nil {
			return nil, err
		}
	}
	for len(d.effects) > 0 {
		effect := d.effects[0]
		d.effects = d.effects[1:]
		if answer, err = d.perform(ctx, effect); err != nil {
			return nil, err
		}
	}
	return answer, nil
}

// written returns how many blocks the effects write, and the size of their envelopes.
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

// verifySource makes sure that no record of another topic gets into a block. A topic that
// was recreated between two fetches, and is long enough, is read without an error. An answer holds for all
// records that had been taken from the brokers when it was asked for, so that the blocks after the first one of
// those need no other, unless the reader has lapsed since.
func (d *Driver) verifySource(ctx context.Context) error {
	if log.Offset(d.NextOffset()) <= d.session.sourced && d.session.reader.Lapsed() == nil {
		return nil
	}
	return d.askSource(ctx)
}

// perform performs one effect. Effects cannot be performed twice: an error stops the
// channel, unless what failed is pending and will be tried again.
func (d *Driver) perform(ctx context.Context, effect machine.Effect) (machine.Input, error) {
	switch f := effect.(type) {
	case machine.WriteBlock:
		return nil, d.writeBlock(f)
	case machine.WriteConfigBlock:
		return d.writeConfigBlock(f)
	case machine.Judge:
		return d.host.Judge(f), nil
	case machine.ResubmitConfig:
		return nil, d.resubmitConfig(ctx, f)
	case machine.Resubmit:
		return d.resubmitCopy(ctx, f)
	case machine.ArmTimer:
		d.host.Arm(f.Block)
	case machine.CancelTimer:
		d.host.Disarm()
	case machine.Described:
		return nil, d.accept(f)
	case machine.Skip:
		d.events.Skipped(f.Offset, f.Reason, f.Detail)
	case machine.Halt:
		return nil, d.halted(f)
	default:
		return nil, stop(fmt.Errorf("effect %T is not known to this build", effect))
	}
	return nil, nil
}

// accept opens ingress, if the description describes the topic that it is in.
func (d *Driver) accept(f machine.Described) error {
	if err := d.pinned(d.topicID); err != nil {
		return stop(err)
	}
	if err := d.sameCluster(f.Cluster); err != nil {
		return stop(err)
	}
	d.aheadSince = nil
	d.host.RulesKnown()
	d.events.RulesKnown(f.Offset, f.RuleSet)
	return nil
}

func (d *Driver) writeBlock(f machine.WriteBlock) error {
	b, err := blockOf(f.Number, f.Metadata, f.Envelopes...)
	if err != nil {
		return stop(err)
	}
	if err := d.host.Write(b); err != nil {
		return stop(err)
	}
	d.wrote(b)
	d.events.BlockCut(f.Number, len(f.Envelopes), f.Cause, f.Metadata.Offset)
	return nil
}

func (d *Driver) writeConfigBlock(f machine.WriteConfigBlock) (machine.Input, error) {
	b, err := blockOf(f.Number, f.Metadata, f.Envelope)
	if err != nil {
		return nil, stop(err)
	}
	b.Config = true
	if err := d.host.WriteConfig(b); err != nil {
		return nil, stop(err)
	}
	d.wrote(b)
	d.events.BlockCut(f.Number, 1, machine.CutByConfig, f.Metadata.Offset)
	if err := d.migrated(f.Number); err != nil {
		return nil, stop(err)
	}
	c := d.host.Config()
	d.events.Configured(c.ConsensusType)
	d.configured = true
	return machine.Configured{Seq: c.Seq, Limits: c.Limits, Resubmission: c.Resubmission}, nil
}

// wrote records where the ledger ends, and keeps block 1 until it has been compared.
func (d *Driver) wrote(b Block) {
	d.written = &Block{Number: b.Number, Metadata: b.Metadata}
	if b.Number == 1 {
		d.first = &b
	}
}

// migrated returns an error if a config block has given the channel to another consenter.
func (d *Driver) migrated(by machine.BlockNumber) error {
	if c := d.host.Config(); !c.ThroughKafka {
		return because(status.CauseMigrated, fmt.Errorf("%w by block %d, with consensus type %q", ErrMigrated, by, c.ConsensusType))
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

// describe appends the description to a topic that has none. Several orderers may do so
// at the same time: the first in the log counts, any later one is skipped. Nothing else is
// done until it is read.
func (d *Driver) describe(ctx context.Context) error {
	if !d.asked {
		if err := d.mayCreate(ctx); err != nil {
			return err
		}
	}
	rules := machine.Strict
	if d.settings.AllowUndescribed {
		rules = machine.Compatible // in-tree orderers are to share the topic
	}
	value, err := DescriptionRecord(d.start, rules, log.Identity{TopicID: d.topicID, ClusterID: d.clusterID})
	if err != nil {
		return stop(err)
	}
	if err := d.host.Append(ctx, value); err != nil {
		return fmt.Errorf("describe the topic: %w", err)
	}
	return nil
}

// DescriptionRecord returns a record that describes a topic as that of the channel s.
func DescriptionRecord(s machine.Start, rules machine.RuleSet, topic log.Identity) ([]byte, error) {
	d, err := record.EncodeDescription(&record.Description{
		FormatVersion: record.DescriptionVersion,
		RuleSet:       record.RuleSet(rules),
		ChannelId:     s.Channel,
		GenesisHash:   s.GenesisHash,
		TopicId:       topic.TopicID,
		ClusterId:     topic.ClusterID,
	})
	if err != nil {
		return nil, err
	}
	return encode(record.NewConnect(d))
}

// encode marks a record as one of ours: a topic that in-tree orderers no longer write to can be
// upgraded to the strict rules.
func encode(m *record.Message) ([]byte, error) {
	m.Writer = record.Writer
	return record.Encode(m)
}
