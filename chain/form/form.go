// Package form reads from a channel's config whether the channel is ordered through Kafka.
//
// There are two forms of such channels. Most have consensus type kafka. Stock peers of Fabric 3.1 pull blocks only
// for the types etcdraft and BFT, so the other form has type etcdraft and what no Raft channel can have:
// brokers and no consenters. Stock orderers refuse to join it, so that they cannot order it alongside ours.
package form

import (
	"fmt"

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
	c, err := Read(config)
	if err != nil {
		return Foreign
	}
	return c.Form()
}

// Consensus is what a form is read from.
type Consensus struct {
	Type     string
	Metadata []byte
	State    fabric.ConsensusState
	Brokers  []string // in KafkaBrokers; none if that does not decode
}

// Read returns the consensus of a channel config.
func Read(config *fabric.Config) (Consensus, error) {
	kind := &fabric.ConsensusType{}
	value := config.GetChannelGroup().GetGroups()[channelconfig.OrdererGroupKey].GetValues()[channelconfig.ConsensusTypeKey]
	if err := fabric.Unmarshal(value.GetValue(), kind); err != nil {
		return Consensus{}, fmt.Errorf("decode the channel config's %s: %w", channelconfig.ConsensusTypeKey, err)
	}
	c := Consensus{Type: kind.Type, Metadata: kind.Metadata, State: kind.State}
	if list, err := brokers.Named(config); err == nil {
		c.Brokers = list
	}
	return c, nil
}

// ReadBoth returns the consensus of the config in force, and of the next.
func ReadBoth(now, next *fabric.Config) (was, is Consensus, err error) {
	if was, err = Read(now); err != nil {
		return was, is, err
	}
	is, err = Read(next)
	return was, is, err
}

// Form returns the form of a channel with this consensus.
func (c Consensus) Form() Form {
	switch {
	case c.Type == fabric.ConsensusTypeKafka:
		return Kafka
	case c.Type == SharedType && len(c.Brokers) > 0 && WithoutConsenters(c.Metadata):
		return Shared
	}
	return Foreign
}

// Move is how an update changes who orders a channel.
type Move string

const (
	Stays  Move = "stays"
	Enters Move = "enters" // from form [Kafka] to form [Shared]
	Leaves Move = "leaves" // from form [Shared] to Raft
)

// MoveOf returns the move from the consensus in force to the next. Whether the update may make it is not checked.
func MoveOf(now, next Consensus) Move {
	switch from, to := now.Form(), next.Form(); {
	case from == Kafka && to == Shared:
		return Enters
	case from == Shared && next.Type == SharedType && len(next.Brokers) == 0 && !WithoutConsenters(next.Metadata):
		return Leaves
	}
	return Stays
}

// raft is the type of a Raft channel's consensus metadata.
var raft = fabric.Reflect(&fabric.RaftMetadata{}).Descriptor()

// WithoutConsenters reports whether consensus metadata is Raft's, with options and no consenters. It decodes by the rules of
// protobuf alone, since the messages of Fabric 2 and 3 hold different things for some bytes.
func WithoutConsenters(metadata []byte) bool {
	m := dynamicpb.NewMessage(raft)
	fields := raft.Fields()
	return proto.Unmarshal(metadata, m) == nil && m.Has(fields.ByName("options")) && m.Get(fields.ByName("consenters")).List().Len() == 0
}
