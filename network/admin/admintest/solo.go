package admintest

import (
	cb "github.com/hyperledger/fabric-protos-go/common"
	"github.com/hyperledger/fabric/common/channelconfig"
	"github.com/hyperledger/fabric/protoutil"
)

// SoloBlock returns a genesis block of type solo with nothing in it but what Fabric wants
// to see in a channel config.
func SoloBlock() *cb.Block {
	put := func(g *cb.ConfigGroup, v *channelconfig.StandardConfigValue) {
		g.Values[v.Key()] = &cb.ConfigValue{Value: protoutil.MarshalOrPanic(v.Value())}
	}
	root, orderer := protoutil.NewConfigGroup(), protoutil.NewConfigGroup()
	put(root, channelconfig.HashingAlgorithmValue())
	put(root, channelconfig.BlockDataHashingStructureValue())
	put(root, channelconfig.CapabilitiesValue(map[string]bool{"V2_0": true}))
	put(orderer, channelconfig.ConsensusTypeValue("solo", nil))
	put(orderer, channelconfig.BatchSizeValue(10, 1<<20, 1<<19))
	put(orderer, channelconfig.BatchTimeoutValue("1s"))
	put(orderer, channelconfig.CapabilitiesValue(map[string]bool{"V2_0": true}))
	root.Groups[channelconfig.OrdererGroupKey] = orderer
	b := protoutil.NewBlock(0, nil)
	b.Data.Data = [][]byte{protoutil.MarshalOrPanic(&cb.Envelope{Payload: protoutil.MarshalOrPanic(&cb.Payload{
		Header: &cb.Header{ChannelHeader: protoutil.MarshalOrPanic(&cb.ChannelHeader{Type: int32(cb.HeaderType_CONFIG), ChannelId: "mychannel"})},
		Data:   protoutil.MarshalOrPanic(&cb.ConfigEnvelope{Config: &cb.Config{ChannelGroup: root}}),
	})})}
	return b
}
