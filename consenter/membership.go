package consenter

import (
	"errors"
	"fmt"

	"github.com/hyperledger/fabric/common/channelconfig"
	"github.com/hyperledger/fabric/protoutil"

	"github.com/fabric-kafka/orderer/chain/brokers"
	"github.com/fabric-kafka/orderer/chain/fabric"
	"github.com/fabric-kafka/orderer/chain/session"
)

// IsChannelMember reports that this orderer is a consenter of the channel of a
// config block: every orderer of a kafka channel is. For a join it depends on
// nothing but the block; the error says what to change in the block, and osnadmin
// shows it. Of a channel that others order already no more is asked than its type.
// While the orderer starts there is no error: the chain says what is wrong with a
// config that is in the ledger already, and the other channels work.
func (c *Consenter) IsChannelMember(block *fabric.Block) (bool, error) {
	err := session.Guarded(func() error { return c.checkJoin(block) })
	if err == nil {
		return true, nil
	}
	if channel := channelOf(block); c.admission.admits(channel) {
		c.logger.Warnw("A channel has a config that no orderer could join with today: the orderer takes it, since it is here already", "channel", channel, "error", err)
		return true, nil
	}
	return false, err
}

// Started says that the registrar has started the channels that have a ledger. From
// now on whoever is asked for wants to join.
func (c *Consenter) Started() { c.admission.start() }

// channelOf is the channel of a block, and empty for what is no block.
func channelOf(block *fabric.Block) string {
	if block == nil {
		return ""
	}
	var channel string
	err := session.Guarded(func() (err error) {
		channel, err = protoutil.GetChannelIDFromBlock(block)
		return err
	})
	if err != nil {
		return ""
	}
	return channel
}

// checkJoin says why no orderer can join with a config block.
func (c *Consenter) checkJoin(block *fabric.Block) error {
	config, orderer, err := c.ordererConfig(block)
	if err != nil {
		return err
	}
	if kind := orderer.ConsensusType(); kind != fabric.ConsensusTypeKafka {
		return fmt.Errorf("the config block makes a channel of consensus type %q; set ConsensusType.type to %q", kind, fabric.ConsensusTypeKafka)
	}
	if block.Header.GetNumber() > 0 {
		return nil // others order the channel; what is wrong with its config, the chain says
	}
	if len(orderer.ConsensusMetadata()) > 0 {
		return fmt.Errorf("consensus type %s takes no metadata; leave ConsensusType.metadata of the config block empty", fabric.ConsensusTypeKafka)
	}
	_, err = brokers.New(config)
	return err
}

// ordererConfig reads a config block as Fabric will.
func (c *Consenter) ordererConfig(block *fabric.Block) (*fabric.Config, channelconfig.Orderer, error) {
	if block == nil {
		return nil, nil, errors.New("no config block")
	}
	envelope, err := protoutil.ExtractEnvelope(block, 0)
	if err != nil {
		return nil, nil, fmt.Errorf("read the config block: %w", err)
	}
	config := &fabric.ConfigEnvelope{}
	header, err := protoutil.UnmarshalEnvelopeOfType(envelope, fabric.HeaderTypeConfig, config)
	if err != nil {
		return nil, nil, fmt.Errorf("the block is no config block: %w", err)
	}
	bundle, err := channelconfig.NewBundle(header.ChannelId, config.Config, c.crypto)
	if err != nil {
		return nil, nil, fmt.Errorf("read the config of channel %q: %w", header.ChannelId, err)
	}
	orderer, ok := bundle.OrdererConfig()
	if !ok {
		return nil, nil, fmt.Errorf("the config of channel %q has no orderer group", header.ChannelId)
	}
	return config.Config, orderer, nil
}

// RemoveInactiveChainRegistry belongs to system channels, which this consenter
// has none of.
func (c *Consenter) RemoveInactiveChainRegistry() {}
