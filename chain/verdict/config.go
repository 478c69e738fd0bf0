package verdict

import (
	"errors"
	"fmt"

	"github.com/hyperledger/fabric/common/channelconfig"
	"github.com/hyperledger/fabric/common/configtx"

	"github.com/fabric-kafka/orderer/chain/brokers"
	"github.com/fabric-kafka/orderer/chain/fabric"
	"github.com/fabric-kafka/orderer/chain/form"
)

// sharedRules are the checks, equal in all builds of this project, of a config update that the config in force
// authorizes. They come before Fabric's own checks, which differ by line, and are as strict as the strictest line:
// orderers and peers crash on a config block that they refuse. README.md lists what differs.
type sharedRules struct{ unknownCheck }

// newSharedRules returns the rules, with what this build knows.
func newSharedRules() sharedRules { return sharedRules{unknownCheck{thisBuild, channelShape}} }

// change judges an update and the config that it leads to, by the strict rules.
func (r sharedRules) change(update *fabric.ConfigUpdate, now, next *fabric.Config) error {
	if err := r.config(now, next); err != nil {
		return err
	}
	return r.unknownCheck.update(update)
}

// config judges a config that is about to follow the one in force. The error wraps session.ErrUnknown if another
// build may reach a different verdict.
func (r sharedRules) config(now, next *fabric.Config) error {
	if err := r.broadcast(now, next); err != nil || !brokers.Changed(now, next) {
		return err
	}
	_, err := brokers.New(next)
	return err
}

// broadcast refuses what Broadcast of the strictest line refuses. The compatible rules skip or copy an update by this
// result, so all builds must reach the same one.
func (r sharedRules) broadcast(now, next *fabric.Config) error {
	if err := r.writable(now, next); err != nil {
		return err
	}
	if err := administrators(now, next); err != nil {
		return err
	}
	return checkConsensusChange(now, next)
}

// written judges a config record that the compatible rules order unchecked.
func (r sharedRules) written(now, next *fabric.Config) error {
	if err := r.writable(now, next); err != nil {
		return err
	}
	return r.readable(now, next)
}

// pulled judges a config in a block of another orderer.
func (r sharedRules) pulled(now, next *fabric.Config) error {
	if err := r.unknownCheck.config(now, next); err != nil {
		return err
	}
	return r.readable(now, next)
}

// writable has the checks of both rule sets: what in-tree orderers, up to Fabric 2.5, write is allowed, and what they
// crash on is not.
func (r sharedRules) writable(now, next *fabric.Config) error {
	if err := r.unknownCheck.config(now, next); err != nil {
		return err
	}
	if err := r.orgs(now, next); err != nil {
		return err
	}
	if err := checkOrderers(now, next); err != nil {
		return err
	}
	return brokers.CheckNames(now, next)
}

// update judges what a config envelope's update leads to at the config in force. It comes before Fabric's check,
// whose error does not distinguish what is unknown.
func (r sharedRules) update(in configtx.Validator, envelope *fabric.Envelope) error {
	tx, err := processable(envelope)
	if err != nil {
		return err
	}
	proposed, err := in.ProposeConfigUpdate(tx.envelope.LastUpdate)
	if err != nil {
		return err
	}
	return r.broadcast(in.ConfigProto(), proposed.GetConfig())
}

// checkOrderers refuses the consenters of type BFT, and what would make this a system channel.
func checkOrderers(now, next *fabric.Config) error {
	before, after := now.GetChannelGroup(), next.GetChannelGroup()
	for _, g := range []struct{ now, next *fabric.ConfigGroup }{{before, after}, {ordererGroup(now), ordererGroup(next)}} {
		if brings(g.now, g.next, ordererConsenters) {
			return fmt.Errorf("the value %s is for consensus type BFT: a channel that is ordered through Kafka takes none, and orderers and peers of Fabric 2.5 crash on it; leave it out",
				ordererConsenters)
		}
	}
	if _, ok := after.GetGroups()[channelconfig.ConsortiumsGroupKey]; ok {
		return errors.New("a group of consortiums makes a system channel, which cannot be ordered through Kafka; leave it out")
	}
	return nil
}

func ordererGroup(c *fabric.Config) *fabric.ConfigGroup {
	return c.GetChannelGroup().GetGroups()[channelconfig.OrdererGroupKey]
}

// checkConsensusChange compares the consensus types of two configs; see checkConsensus.
func checkConsensusChange(now, next *fabric.Config) error {
	before := ordererGroup(now).GetValues()[channelconfig.ConsensusTypeKey].GetValue()
	after := ordererGroup(next).GetValues()[channelconfig.ConsensusTypeKey].GetValue()
	was, is := &fabric.ConsensusType{}, &fabric.ConsensusType{}
	if err := errors.Join(fabric.Unmarshal(before, was), fabric.Unmarshal(after, is)); err != nil {
		return fmt.Errorf("decode the channel config's %s: %w", channelconfig.ConsensusTypeKey, err)
	}
	if err := checkConsensus(was, is); err != nil {
		return err
	}
	if form.Of(now) == form.Shared && form.Of(next) != form.Shared {
		return fmt.Errorf("a channel of type %s that is ordered through Kafka needs brokers, and the update leaves none: name at least one host:port in %s", form.SharedType, brokers.Key)
	}
	return nil
}

// checkConsensus keeps a channel at its type and in one of the two states; one of type kafka without metadata, one of
// the shared type without consenters. Which other types a channel may change to differs by line.
func checkConsensus(was, is *fabric.ConsensusType) error {
	switch {
	case is.Type != was.Type:
		return fmt.Errorf("the consensus type cannot be changed from %.64q to %.64q: leave ConsensusType.type as it is", was.Type, is.Type)
	case is.Type == form.SharedType && !form.Unmanned(is.Metadata):
		return fmt.Errorf("a channel of type %s that is ordered through Kafka has the options of Raft and no consenters; leave ConsensusType.metadata as it is", is.Type)
	case is.Type != form.SharedType && len(is.Metadata) > 0 && string(is.Metadata) != string(was.Metadata):
		return fmt.Errorf("consensus type %s takes no metadata; leave ConsensusType.metadata empty", is.Type)
	case is.State != was.State && is.State != fabric.StateNormal && is.State != fabric.StateMaintenance:
		return fmt.Errorf("consensus state %d is neither STATE_NORMAL nor STATE_MAINTENANCE", is.State)
	}
	return nil
}
