// Package form reads from a channel's config whether the channel is ordered through Kafka.
//
// There are two forms of such channels. Most have consensus type kafka. Stock peers of Fabric 3.1 pull blocks only
// for the types etcdraft and BFT, so the other form has type etcdraft and what no Raft channel can have:
// brokers and no consenters. Stock orderers refuse to join it, so that they cannot order it alongside ours.
package form

import (
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/dynamicpb"

	"github.com/hyperledger/fabric/common/channelconfig"

	"github.com/fabric-kafka/orderer/chain/brokers"
	"github.com/fabric-kafka/orderer/chain/fabric"
)

// Form is how a channel's config says that the channel is ordered through Kafka, or that it is not.
type Form string

const (
	Foreign Form = "foreign" // another consenter orders the channel, or none
	Kafka   Form = "kafka"   // of type kafka
	Shared  Form = "shared"  // of type etcdraft, which it shares with Raft, with brokers and without consenters
)

// SharedType is the consensus type of channels of form [Shared].
const SharedType = "etcdraft"

// Of returns the form of a channel config. It depends on nothing but the bytes, and so is the same in every build.
func Of(config *fabric.Config) Form {
	kind := &fabric.ConsensusType{}
	value := config.GetChannelGroup().GetGroups()[channelconfig.OrdererGroupKey].GetValues()[channelconfig.ConsensusTypeKey]
	if fabric.Unmarshal(value.GetValue(), kind) != nil {
		return Foreign
	}
	switch list, err := brokers.Named(config); {
	case kind.Type == fabric.ConsensusTypeKafka:
		return Kafka
	case kind.Type == SharedType && err == nil && len(list) > 0 && Unmanned(kind.Metadata):
		return Shared
	}
	return Foreign
}

// raft is the type of a Raft channel's consensus metadata.
var raft = fabric.Reflect(&fabric.RaftMetadata{}).Descriptor()

// Unmanned reports whether consensus metadata is Raft's, with options and no consenters. It decodes by the rules of
// protobuf alone, since the messages of Fabric 2 and 3 hold different things for some bytes.
func Unmanned(metadata []byte) bool {
	m := dynamicpb.NewMessage(raft)
	fields := raft.Fields()
	return proto.Unmarshal(metadata, m) == nil && m.Has(fields.ByName("options")) && m.Get(fields.ByName("consenters")).List().Len() == 0
}
