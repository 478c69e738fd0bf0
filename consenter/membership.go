package consenter

import (
	"errors"
	"fmt"

	"github.com/hyperledger/fabric/common/channelconfig"
	"github.com/hyperledger/fabric/protoutil"

	"github.com/fabric-kafka/orderer/chain/brokers"
	"github.com/fabric-kafka/orderer/chain/fabric"
	"github.com/fabric-kafka/orderer/chain/form"
	"github.com/fabric-kafka/orderer/chain/guard"
	"github.com/fabric-kafka/orderer/chain/verdict"
)

// IsChannelMember reports whether this orderer is a consenter of the channel of a config
// block: every orderer of a channel that is ordered through Kafka is. For a join the result
// depends on the block, on SharedType and on what this build knows; osnadmin shows the error, which says what to change in it. If
// others order the channel already, only its type and capabilities are checked. While the
// orderer starts there is no error: the chain reports a fault of a config that is in the
// ledger already, and the other channels work.
func (c *Consenter) IsChannelMember(block *fabric.Block) (bool, error) {
	err := guard.Call(func() error { return c.checkJoin(block) })
	if err == nil {
		return true, nil
	}
	if channel := channelOf(block); c.admission.admits(channel) {
		c.logger.Warnw("Accepted a channel that could not be joined with this config, since the orderer has it already", "channel", channel, "error", err)
		return true, nil
	}
	return false, err
}

// Started records that the registrar has started the channels that have a ledger. From now
// on it asks only for channels that are being joined.
func (c *Consenter) Started() { c.admission.start() }

// channelOf returns the channel of a block; empty if the block is unreadable.
func channelOf(block *fabric.Block) string {
	if block == nil {
		return ""
	}
	var channel string
	err := guard.Call(func() (err error) {
		channel, err = protoutil.GetChannelIDFromBlock(block)
		return err
	})
	if err != nil {
		return ""
	}
	return channel
}

// checkJoin returns an error if this orderer cannot join with a config block.
func (c *Consenter) checkJoin(block *fabric.Block) error {
	config, orderer, err := c.ordererConfig(block)
	if err != nil {
		return err
	}
	kind := form.Of(config)
	if kind == form.Foreign {
		return fmt.Errorf("the config block makes a channel of consensus type %q; set ConsensusType.type to %q", orderer.ConsensusType(), fabric.ConsensusTypeKafka)
	}
	if kind == form.Shared && !c.config.SharedType {
		return fmt.Errorf("this orderer's settings exclude channels of type %s that are ordered through Kafka; set Consensus.Kafka.SharedType to true and restart it", form.SharedType)
	}
	if err := verdict.CheckJoin(config); err != nil {
		return err
	}
	if block.Header.GetNumber() > 0 {
		return nil // others order the channel; the chain reports faults of its config
	}
	if kind == form.Kafka && len(orderer.ConsensusMetadata()) > 0 {
		return fmt.Errorf("consensus type %s takes no metadata; leave ConsensusType.metadata of the config block empty", fabric.ConsensusTypeKafka)
	}
	_, err = brokers.New(config)
	return err
}

// ordererConfig reads a config block as Fabric does.
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
		return nil, nil, fmt.Errorf("the block is not a config block: %w", err)
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

// RemoveInactiveChainRegistry does nothing: it concerns system channels, which this consenter
// does not have.
func (c *Consenter) RemoveInactiveChainRegistry() {}
