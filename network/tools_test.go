package main

import (
	"os"
	"path/filepath"
	"testing"

	cb "github.com/hyperledger/fabric-protos-go/common"
	"github.com/hyperledger/fabric/common/channelconfig"
	"github.com/hyperledger/fabric/protoutil"
	"github.com/stretchr/testify/require"

	"github.com/fabric-kafka/orderer/chain/brokers"
)

// soloBlock has nothing in it but what Fabric wants to see in a channel config.
func soloBlock() *cb.Block {
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

// genesisOf runs the command on a block with a list of brokers.
func genesisOf(t *testing.T, addresses string) ([]string, error) {
	from, out := filepath.Join(t.TempDir(), "from"), filepath.Join(t.TempDir(), "out")
	require.NoError(t, os.WriteFile(from, protoutil.MarshalOrPanic(soloBlock()), 0o600))
	c := rootCommand()
	c.SetArgs([]string{"genesis", "--from", from, "--brokers", addresses, "--out", out})
	if err := c.Execute(); err != nil {
		require.NoFileExists(t, out)
		return nil, err
	}
	raw, err := os.ReadFile(out)
	require.NoError(t, err)
	envelope, err := protoutil.ExtractEnvelope(protoutil.UnmarshalBlockOrPanic(raw), 0)
	require.NoError(t, err)
	config := &cb.ConfigEnvelope{}
	_, err = protoutil.UnmarshalEnvelopeOfType(envelope, cb.HeaderType_CONFIG, config)
	require.NoError(t, err)
	return brokers.New(config.Config)
}

// A list is written with blanks, or has an address that a channel cannot have.
func TestGenesisBrokers(t *testing.T) {
	list, err := genesisOf(t, "127.0.0.1:31501, 127.0.0.1:31502 ,kafka-3:9092")
	require.NoError(t, err)
	require.Equal(t, []string{"127.0.0.1:31501", "127.0.0.1:31502", "kafka-3:9092"}, list)
	for _, bad := range []string{"kafka 1:9092", "kafka:9092,kafka_1:9092", "[::1]:9092", "kafka:9092,"} {
		_, err := genesisOf(t, bad)
		require.ErrorContains(t, err, "of the channel config: ", bad)
	}
}
