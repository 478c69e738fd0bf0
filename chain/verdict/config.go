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

// commonRules are the checks, equal in all builds of this project, of a config update that the config in force
// authorizes. They come before Fabric's own checks, which differ by line, and are as strict as the strictest line:
// orderers and peers crash on a config block that they refuse. README.md lists what differs.
type commonRules struct{ unknownCheck }

// newCommonRules returns the rules, with what this build knows.
func newCommonRules() commonRules { return commonRules{unknownCheck{thisBuild, channelShape}} }

// change judges an update and the config that it leads to, by the strict rules.
func (r commonRules) change(update *fabric.ConfigUpdate, now, next *fabric.Config) error {
	if err := r.config(now, next); err != nil {
		return err
	}
	return r.unknownCheck.update(update)
}

// config judges a config that is about to follow the one in force. The error wraps session.ErrUnknown if another
// build may reach a different verdict.
func (r commonRules) config(now, next *fabric.Config) error {
	if err := r.common(now, next); err != nil {
		return err
	}
	move, err := checkMove(now, next)
	if err != nil || move == form.Leaves || !brokers.Changed(now, next) {
		return err
	}
	_, err = brokers.New(next)
	return err
}

// broadcast refuses what Broadcast of the strictest line refuses. The compatible rules skip or copy an update by this
// result, so all builds must reach the same one. By these rules a channel keeps its form.
func (r commonRules) broadcast(now, next *fabric.Config) error {
	if err := r.common(now, next); err != nil {
		return err
	}
	was, is, err := form.ReadBoth(now, next)
	if err != nil {
		return err
	}
	return checkStays(was, is)
}

// common has the checks of all updates, but for those of the consensus type.
func (r commonRules) common(now, next *fabric.Config) error {
	if err := r.writable(now, next); err != nil {
		return err
	}
	return administrators(now, next)
}

// written judges a config record that the compatible rules order unchecked.
func (r commonRules) written(now, next *fabric.Config) error {
	if err := r.writable(now, next); err != nil {
		return err
	}
	if move := moveOf(now, next); move != form.Stays {
		return fmt.Errorf("the channel %s by the rules of in-tree orderers, which could not order it afterwards", moves[move])
	}
	return r.readable(now, next)
}

// pulled judges a config in a block of another orderer.
func (r commonRules) pulled(now, next *fabric.Config) error {
	if err := r.unknownCheck.config(now, next); err != nil {
		return err
	}
	return r.readable(now, next)
}

// writable has the checks of both rule sets: what in-tree orderers, up to Fabric 2.5, write is allowed, and what they
// crash on is not.
func (r commonRules) writable(now, next *fabric.Config) error {
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
func (r commonRules) update(in configtx.Validator, envelope *fabric.Envelope) error {
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
