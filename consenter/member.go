package consenter

import (
	"errors"
	"fmt"

	"github.com/hyperledger/fabric/common/channelconfig"
	"github.com/hyperledger/fabric/protoutil"

	"github.com/fabric-kafka/orderer/chain"
	"github.com/fabric-kafka/orderer/chain/engine"
	"github.com/fabric-kafka/orderer/chain/fabric"
)

// IsChannelMember says that this orderer is a consenter of the channel of a
// config block: every orderer of a kafka channel is. It depends on nothing but
// the block. The error says what to change in the block; osnadmin shows it to
// whoever tries to join with it.
func (c *Consenter) IsChannelMember(block *fabric.Block) (member bool, err error) {
	err = engine.Guarded(func() (err error) {
		member, err = c.isMember(block)
		return err
	})
	return member, err
}

func (c *Consenter) isMember(block *fabric.Block) (bool, error) {
	config, orderer, err := c.ordererConfig(block)
	if err != nil {
		return false, err
	}
	if kind := orderer.ConsensusType(); kind != chain.ConsensusType {
		return false, fmt.Errorf("the config block makes a channel of consensus type %q; set ConsensusType.type to %q", kind, chain.ConsensusType)
	}
	if len(orderer.ConsensusMetadata()) > 0 {
		return false, fmt.Errorf("consensus type %s takes no metadata; leave ConsensusType.metadata of the config block empty", chain.ConsensusType)
	}
	if _, err := chain.Brokers(config); err != nil {
		return false, err
	}
	return true, nil
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
