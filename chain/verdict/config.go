package verdict

import (
	"errors"
	"fmt"

	"github.com/hyperledger/fabric/common/channelconfig"
	"github.com/hyperledger/fabric/common/configtx"

	"github.com/fabric-kafka/orderer/chain/brokers"
	"github.com/fabric-kafka/orderer/chain/fabric"
)

// agreed is what all builds of this project decide alike about a config update
// that the config in force authorises, whatever line of Fabric they are compiled
// with. It comes before Fabric's own checks, which differ by line, and is as strict
// as the strictest of them: a config block that one line's orderers or peers refuse
// ends them. README.md lists what differs.
type agreed struct{ unknown }

// newAgreed returns the rules of this build.
func newAgreed() agreed { return agreed{unknown{thisBuild, channelShape}} }

// change judges an update and the config that it leads to, by the strict rules.
func (a agreed) change(update *fabric.ConfigUpdate, now, next *fabric.Config) error {
	if err := a.config(now, next); err != nil {
		return err
	}
	return a.unknown.update(update)
}

// config judges a config that is to follow the one in force. The error wraps
// session.ErrUnknown where another build may come to another verdict.
func (a agreed) config(now, next *fabric.Config) error {
	if err := a.broadcast(now, next); err != nil || !brokers.Changed(now, next) {
		return err
	}
	_, err := brokers.New(next)
	return err
}

// broadcast is what Broadcast of the strictest line refuses. By the compatible rules
// an update is skipped or copied by it, so that all builds must come to the same.
func (a agreed) broadcast(now, next *fabric.Config) error {
	if err := a.writable(now, next); err != nil {
		return err
	}
	if err := administrators(now, next); err != nil {
		return err
	}
	return checkConsensusChange(now, next)
}

// written is what holds of a config record that the compatible rules take as it is.
func (a agreed) written(now, next *fabric.Config) error {
	if err := a.writable(now, next); err != nil {
		return err
	}
	return a.readable(now, next)
}

// pulled is what holds of a config in a block of another orderer.
func (a agreed) pulled(now, next *fabric.Config) error {
	if err := a.unknown.config(now, next); err != nil {
		return err
	}
	return a.readable(now, next)
}

// writable is what every rule set asks: what in-tree orderers, up to Fabric 2.5, write is
// allowed, and what ends them is not.
func (a agreed) writable(now, next *fabric.Config) error {
	if err := a.unknown.config(now, next); err != nil {
		return err
	}
	if err := a.orgs(now, next); err != nil {
		return err
	}
	if err := checkOrderers(now, next); err != nil {
		return err
	}
	return brokers.CheckNames(now, next)
}

// update judges what a config envelope's update leads to at the config in force,
// before Fabric's check of it, for which all that it refuses is one and the same.
func (a agreed) update(in configtx.Validator, envelope *fabric.Envelope) error {
	tx, err := processable(envelope)
	if err != nil {
		return err
	}
	proposed, err := in.ProposeConfigUpdate(tx.envelope.LastUpdate)
	if err != nil {
		return err
	}
	return a.broadcast(in.ConfigProto(), proposed.GetConfig())
}

// checkOrderers refuses the consenters of type BFT, and what makes a system channel.
func checkOrderers(now, next *fabric.Config) error {
	before, after := now.GetChannelGroup(), next.GetChannelGroup()
	for _, g := range []struct{ now, next *fabric.ConfigGroup }{{before, after}, {ordererGroup(now), ordererGroup(next)}} {
		if brings(g.now, g.next, ordererConsenters) {
			return fmt.Errorf("the value %s is for consensus type BFT: a channel of type %s takes none, and orderers and peers of Fabric 2.5 end at it; leave it out",
				ordererConsenters, fabric.ConsensusTypeKafka)
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
	return checkConsensus(was, is)
}

// checkConsensus keeps a channel of type kafka at it, without metadata and in one of
// the two states. Which other types a channel may change to differs by line.
func checkConsensus(was, is *fabric.ConsensusType) error {
	switch {
	case is.Type != was.Type:
		return fmt.Errorf("the consensus type cannot be changed from %.64q to %.64q: leave ConsensusType.type as it is", was.Type, is.Type)
	case len(is.Metadata) > 0 && string(is.Metadata) != string(was.Metadata):
		return fmt.Errorf("consensus type %s takes no metadata; leave ConsensusType.metadata empty", is.Type)
	case is.State != was.State && is.State != fabric.StateNormal && is.State != fabric.StateMaintenance:
		return fmt.Errorf("consensus state %d is neither STATE_NORMAL nor STATE_MAINTENANCE", is.State)
	}
	return nil
}
