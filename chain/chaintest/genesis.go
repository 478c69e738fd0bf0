package chaintest

import (
	"crypto/x509"

	"github.com/hyperledger/fabric-config/configtx/orderer"
	"github.com/hyperledger/fabric/common/channelconfig"
	"github.com/hyperledger/fabric/protoutil"

	"github.com/fabric-kafka/orderer/chain/fabric"
)

// Raft returns an orderer of type etcdraft, for genesis blocks that [ToKafka] then changes: later releases of
// fabric-config make none of type kafka.
func Raft(certificate *x509.Certificate) orderer.EtcdRaft {
	return orderer.EtcdRaft{
		Consenters: []orderer.Consenter{{
			Address: orderer.EtcdAddress{Host: "127.0.0.1", Port: 7050}, ClientTLSCert: certificate, ServerTLSCert: certificate,
		}},
		Options: orderer.EtcdRaftOptions{TickInterval: "500ms", ElectionTick: 10, HeartbeatTick: 1, MaxInflightBlocks: 5, SnapshotIntervalSize: 16 << 20},
	}
}

// ToKafka turns a genesis block into that of a channel of type kafka. It panics if the block is not a genesis block.
func ToKafka(b *fabric.Block, brokers ...string) *fabric.Block {
	envelope := protoutil.ExtractEnvelopeOrPanic(b, 0)
	payload := protoutil.UnmarshalPayloadOrPanic(envelope.Payload)
	config := &fabric.ConfigEnvelope{}
	if err := fabric.Unmarshal(payload.Data, config); err != nil {
		panic(err)
	}
	values := config.Config.ChannelGroup.Groups[channelconfig.OrdererGroupKey].Values
	values[channelconfig.ConsensusTypeKey].Value = protoutil.MarshalOrPanic(&fabric.ConsensusType{Type: fabric.ConsensusTypeKafka})
	values["KafkaBrokers"] = &fabric.ConfigValue{
		Value: protoutil.MarshalOrPanic(&fabric.KafkaBrokers{Brokers: brokers}), ModPolicy: channelconfig.AdminsPolicyKey,
	}
	payload.Data = protoutil.MarshalOrPanic(config)
	envelope.Payload = protoutil.MarshalOrPanic(payload)
	b.Data.Data[0] = protoutil.MarshalOrPanic(envelope)
	b.Header.DataHash = DataHash(b.Data.Data)
	return b
}
