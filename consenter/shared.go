package consenter

import (
	"errors"

	"github.com/hyperledger/fabric/orderer/consensus"
	"github.com/hyperledger/fabric/protoutil"

	"github.com/fabric-kafka/orderer/chain"
	"github.com/fabric-kafka/orderer/chain/fabric"
	"github.com/fabric-kafka/orderer/chain/form"
	"github.com/fabric-kafka/orderer/chain/guard"
)

var (
	_ consensus.Consenter        = (*Shared)(nil)
	_ consensus.ClusterConsenter = (*Shared)(nil)
)

// Shared is the consenter of type etcdraft of an orderer with the plugin. It leaves every channel to Fabric's own,
// except those of form [form.Shared], which are ordered through Kafka. What it returns for the others is what Fabric's
// consenter returns, and never wrapped: Fabric asserts the type of a Raft chain.
type Shared struct {
	stock consensus.Consenter
	kafka *Consenter
}

// Share returns the consenter of type etcdraft that stands in front of Fabric's own; stock is nil where an orderer has
// none, as on Fabric 2.5 with a system channel of type kafka. Call it before the first chain is asked for.
func (c *Consenter) Share(stock consensus.Consenter) consensus.Consenter {
	if stock == nil {
		return &Shared{noRaft{}, c}
	}
	c.raft = stock
	return &Shared{stock, c}
}

// noRaft is the consenter of type etcdraft of an orderer that has none. Its errors are the registrar's.
type noRaft struct{}

var errNoRaft = errors.New("error retrieving consenter of type: " + form.SharedType)

func (noRaft) HandleChain(consensus.ConsenterSupport, *fabric.Metadata) (consensus.Chain, error) {
	return nil, errNoRaft
}

func (noRaft) IsChannelMember(*fabric.Block) (bool, error) { return false, errNoRaft }

func (noRaft) RemoveInactiveChainRegistry() {}

// checkRaft returns a function that has Fabric's Raft check the consenters of a config, as when an orderer joins a channel
// with it; nil if there is no Raft.
func (c *Consenter) checkRaft() func(*fabric.Envelope) error {
	stock, ok := c.raft.(consensus.ClusterConsenter)
	if !ok {
		return nil
	}
	return func(envelope *fabric.Envelope) error {
		value, err := fabric.Marshal(envelope)
		if err != nil {
			return err
		}
		block := protoutil.NewBlock(0, nil)
		block.Data.Data = [][]byte{value}
		return guard.Call(func() error {
			_, err := stock.IsChannelMember(block)
			return err
		})
	}
}

// HandleChain returns the chain of a channel.
func (s *Shared) HandleChain(support consensus.ConsenterSupport, metadata *fabric.Metadata) (consensus.Chain, error) {
	if channel, ok := support.(chain.Support); ok && form.Of(channel.ConfigtxValidator().ConfigProto()) == form.Shared {
		return s.kafka.HandleChain(support, metadata)
	}
	return s.stock.HandleChain(support, metadata)
}

// IsChannelMember reports whether this orderer is a consenter of the channel of a config block.
func (s *Shared) IsChannelMember(block *fabric.Block) (bool, error) {
	if s.ordered(block) {
		return s.kafka.IsChannelMember(block)
	}
	cluster, ok := s.stock.(consensus.ClusterConsenter)
	if !ok {
		return false, nil
	}
	return cluster.IsChannelMember(block)
}

// ordered reports whether the channel of a config block is ordered through Kafka. Fabric's own consenter says what is
// wrong with one that cannot be read.
func (s *Shared) ordered(block *fabric.Block) bool {
	kind := form.Foreign
	err := guard.Call(func() error {
		config, _, err := s.kafka.ordererConfig(block)
		kind = form.Of(config)
		return err
	})
	return err == nil && kind == form.Shared
}

// RemoveInactiveChainRegistry does what Fabric's own consenter does, which 2.5 asks for when it has removed a system channel.
func (s *Shared) RemoveInactiveChainRegistry() {
	if r, ok := s.stock.(interface{ RemoveInactiveChainRegistry() }); ok {
		r.RemoveInactiveChainRegistry()
	}
}
