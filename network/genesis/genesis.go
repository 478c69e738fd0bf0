// Package genesis converts config blocks made by any configtxgen to those of channels that are ordered through
// Kafka: of consensus type kafka, which configtxgen newer than Fabric 2.5 does not write, or of type etcdraft with brokers and
// no consenters.
package genesis

import (
	"errors"
	"fmt"

	"github.com/golang/protobuf/proto"
	cb "github.com/hyperledger/fabric-protos-go/common"
	ab "github.com/hyperledger/fabric-protos-go/orderer"
	"github.com/hyperledger/fabric-protos-go/orderer/etcdraft"
	"github.com/hyperledger/fabric/bccsp/factory"
	"github.com/hyperledger/fabric/common/channelconfig"
	"github.com/hyperledger/fabric/protoutil"

	"github.com/fabric-kafka/orderer/chain/brokers"
	"github.com/fabric-kafka/orderer/chain/fabric"
	"github.com/fabric-kafka/orderer/chain/form"
)

// Rewrite returns the block with one of the two consensus types and this broker list. The
// block must be the genesis block of an application channel, of type solo,
// etcdraft or kafka, that no orderer has joined with: its data hash, and so its header,
// changes. Before it is returned, the result is parsed as an orderer parses it.
func Rewrite(block []byte, kind string, addresses []string) ([]byte, error) {
	return edit(block, kind, func(config *cb.Config) error {
		if config.GetChannelGroup().GetGroups()[channelconfig.ConsortiumsGroupKey] != nil {
			return errors.New("the block is a system channel's; use one of an application channel")
		}
		return setConsensus(config, kind, addresses)
	})
}

// System is like [Rewrite], but for the genesis block of a system channel, which in-tree orderers begin with: its
// type becomes kafka.
func System(block []byte, addresses []string) ([]byte, error) {
	return edit(block, fabric.ConsensusTypeKafka, func(config *cb.Config) error {
		return setConsensus(config, fabric.ConsensusTypeKafka, addresses)
	})
}

// edit returns a genesis block with a changed config, which is of consensus type kind then.
func edit(block []byte, kind string, change func(*cb.Config) error) ([]byte, error) {
	b := &cb.Block{}
	if err := proto.Unmarshal(block, b); err != nil {
		return nil, fmt.Errorf("not a block: %w", err)
	}
	if b.Header == nil || len(b.GetData().GetData()) != 1 {
		return nil, errors.New("not a config block: it must hold exactly one envelope")
	}
	if b.Header.Number != 0 {
		return nil, fmt.Errorf("block %d belongs to a chain of blocks; only a block 0 can be rewritten", b.Header.Number)
	}
	envelope, err := protoutil.ExtractEnvelope(b, 0)
	if err != nil {
		return nil, err
	}
	if err := editEnvelope(envelope, change); err != nil {
		return nil, err
	}
	if b.Data.Data[0], err = proto.Marshal(envelope); err != nil {
		return nil, err
	}
	b.Header.DataHash = protoutil.BlockDataHash(b.Data)
	if err := check(envelope, kind); err != nil {
		return nil, fmt.Errorf("the rewritten block does not parse: %w", err)
	}
	return proto.Marshal(b)
}

func editEnvelope(envelope *cb.Envelope, change func(*cb.Config) error) error {
	payload, err := protoutil.UnmarshalPayload(envelope.Payload)
	if err != nil {
		return fmt.Errorf("not a config block: %w", err)
	}
	config := &cb.ConfigEnvelope{}
	if _, err := protoutil.UnmarshalEnvelopeOfType(envelope, cb.HeaderType_CONFIG, config); err != nil {
		return fmt.Errorf("not a config block: %w", err)
	}
	if err := change(config.Config); err != nil {
		return err
	}
	if payload.Data, err = proto.Marshal(config); err != nil {
		return err
	}
	envelope.Payload, err = proto.Marshal(payload)
	return err
}

// setConsensus sets type, metadata and brokers and leaves everything else, policies included.
func setConsensus(config *cb.Config, kind string, addresses []string) error {
	orderer := config.GetChannelGroup().GetGroups()[channelconfig.OrdererGroupKey]
	value := orderer.GetValues()[channelconfig.ConsensusTypeKey]
	if value == nil {
		return errors.New("the block's config names no consensus type")
	}
	was := &ab.ConsensusType{}
	if err := proto.Unmarshal(value.Value, was); err != nil {
		return fmt.Errorf("consensus type: %w", err)
	}
	next, err := convert(was, kind)
	if err != nil {
		return err
	}
	if value.Value, err = proto.Marshal(next); err != nil {
		return err
	}
	list, err := proto.Marshal(&ab.KafkaBrokers{Brokers: addresses})
	if err != nil {
		return err
	}
	orderer.Values[brokers.Key] = &cb.ConfigValue{Value: list, ModPolicy: value.ModPolicy}
	_, err = brokers.New(config)
	return err
}

// convert returns the consensus type of a channel that is ordered through Kafka.
func convert(was *ab.ConsensusType, kind string) (*ab.ConsensusType, error) {
	switch was.Type {
	case "solo", form.SharedType, fabric.ConsensusTypeKafka:
	default:
		return nil, fmt.Errorf("the block is of consensus type %q; create it as solo or etcdraft", was.Type)
	}
	switch kind {
	case fabric.ConsensusTypeKafka:
		return &ab.ConsensusType{Type: kind, State: was.State}, nil
	case form.SharedType:
		return Shared(was)
	}
	return nil, fmt.Errorf("a channel of consensus type %q is not ordered through Kafka; want %s or %s", kind, fabric.ConsensusTypeKafka, form.SharedType)
}

// Shared returns the consensus type of a channel of type etcdraft that is ordered through Kafka, in the state of
// another one.
func Shared(was *ab.ConsensusType) (*ab.ConsensusType, error) {
	metadata, err := withoutConsenters(was)
	return &ab.ConsensusType{Type: form.SharedType, Metadata: metadata, State: was.State}, err
}

// withoutConsenters returns Raft's metadata without consenters. The options are those of the block, or, if it is of another type,
// configtxgen's: tools ask for them, and Raft if the channel should move to it.
func withoutConsenters(was *ab.ConsensusType) ([]byte, error) {
	m := &etcdraft.ConfigMetadata{}
	if was.Type == form.SharedType {
		if err := proto.Unmarshal(was.Metadata, m); err != nil {
			return nil, fmt.Errorf("metadata of type %s: %w", was.Type, err)
		}
	}
	m.Consenters = nil
	if m.Options == nil {
		m.Options = &etcdraft.Options{TickInterval: "500ms", ElectionTick: 10, HeartbeatTick: 1, MaxInflightBlocks: 5, SnapshotIntervalSize: 16 << 20}
	}
	return proto.Marshal(m)
}

// check parses the envelope as a joining orderer does.
func check(envelope *cb.Envelope, kind string) error {
	bundle, err := channelconfig.NewBundleFromEnvelope(envelope, factory.GetDefault())
	if err != nil {
		return err
	}
	orderer, ok := bundle.OrdererConfig()
	if !ok || orderer.ConsensusType() != kind || form.Of(bundle.ConfigtxValidator().ConfigProto()) == form.Foreign {
		return errors.New("its consensus type is not the one written")
	}
	return nil
}
