package consenter

import (
	"github.com/hyperledger/fabric/common/channelconfig"
	"github.com/hyperledger/fabric/protoutil"

	"github.com/fabric-kafka/orderer/chain/fabric"
)

// channelSpec is what the config blocks of these tests differ in.
type channelSpec struct {
	kind     string
	metadata []byte
	brokers  []string // nil: the key is missing
	channel  string   // a capability of the channel, besides V2_0
	orderer  string   // one of its orderers, besides V2_0
}

func (s channelSpec) config() *fabric.Config {
	root := protoutil.NewConfigGroup()
	put(root, channelconfig.HashingAlgorithmValue())
	put(root, channelconfig.BlockDataHashingStructureValue())
	put(root, capabilities(s.channel))
	orderer := protoutil.NewConfigGroup()
	put(orderer, channelconfig.ConsensusTypeValue(s.kind, s.metadata))
	put(orderer, channelconfig.BatchSizeValue(10, 1<<20, 1<<19))
	put(orderer, channelconfig.BatchTimeoutValue("1s"))
	put(orderer, capabilities(s.orderer))
	if s.brokers != nil {
		orderer.Values["KafkaBrokers"] = &fabric.ConfigValue{Value: protoutil.MarshalOrPanic(&fabric.KafkaBrokers{Brokers: s.brokers})}
	}
	root.Groups[channelconfig.OrdererGroupKey] = orderer
	return &fabric.Config{ChannelGroup: root}
}

// capabilities returns V2_0 and another one; empty for none.
func capabilities(more string) *channelconfig.StandardConfigValue {
	all := map[string]bool{"V2_0": true}
	if more != "" {
		all[more] = true
	}
	return channelconfig.CapabilitiesValue(all)
}

func put(group *fabric.ConfigGroup, value *channelconfig.StandardConfigValue) {
	group.Values[value.Key()] = &fabric.ConfigValue{Value: protoutil.MarshalOrPanic(value.Value())}
}

func (s channelSpec) block() *fabric.Block {
	return blockOf(fabric.TypeConfig, protoutil.MarshalOrPanic(&fabric.ConfigEnvelope{Config: s.config()}))
}

// blockOf returns a block with one envelope.
func blockOf(headerType int32, data []byte) *fabric.Block {
	header := &fabric.ChannelHeader{Type: headerType, ChannelId: channel}
	payload := &fabric.Payload{Header: &fabric.Header{ChannelHeader: protoutil.MarshalOrPanic(header)}, Data: data}
	envelope := &fabric.Envelope{Payload: protoutil.MarshalOrPanic(payload)}
	block := protoutil.NewBlock(0, nil)
	block.Data.Data = [][]byte{protoutil.MarshalOrPanic(envelope)}
	return block
}
