// Package genesis converts config blocks made by any configtxgen to consensus type
// kafka, which configtxgen itself no longer writes.
package genesis

import (
	"errors"
	"fmt"

	"github.com/golang/protobuf/proto"
	cb "github.com/hyperledger/fabric-protos-go/common"
	ab "github.com/hyperledger/fabric-protos-go/orderer"
	"github.com/hyperledger/fabric/bccsp/factory"
	"github.com/hyperledger/fabric/common/channelconfig"
	"github.com/hyperledger/fabric/protoutil"

	"github.com/fabric-kafka/orderer/chain/brokers"
	"github.com/fabric-kafka/orderer/chain/fabric"
)

// Rewrite returns the block with consensus type kafka and this broker list. The
// block must be the genesis block of an application channel, of type solo,
// etcdraft or kafka, that no orderer has joined with: its data hash, and so its header,
// changes. Before it is returned, the result is parsed as an orderer parses it.
func Rewrite(block []byte, addresses []string) ([]byte, error) {
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
	if err := rewriteEnvelope(envelope, addresses); err != nil {
		return nil, err
	}
	if b.Data.Data[0], err = proto.Marshal(envelope); err != nil {
		return nil, err
	}
	b.Header.DataHash = protoutil.BlockDataHash(b.Data)
	if err := check(envelope); err != nil {
		return nil, fmt.Errorf("the rewritten block does not parse: %w", err)
	}
	return proto.Marshal(b)
}

func rewriteEnvelope(envelope *cb.Envelope, addresses []string) error {
	payload, err := protoutil.UnmarshalPayload(envelope.Payload)
	if err != nil {
		return fmt.Errorf("not a config block: %w", err)
	}
	config := &cb.ConfigEnvelope{}
	if _, err := protoutil.UnmarshalEnvelopeOfType(envelope, cb.HeaderType_CONFIG, config); err != nil {
		return fmt.Errorf("not a config block: %w", err)
	}
	if config.GetConfig().GetChannelGroup().GetGroups()[channelconfig.ConsortiumsGroupKey] != nil {
		return errors.New("the block is a system channel's; use one of an application channel")
	}
	if err := setConsensus(config.Config, addresses); err != nil {
		return err
	}
	if payload.Data, err = proto.Marshal(config); err != nil {
		return err
	}
	envelope.Payload, err = proto.Marshal(payload)
	return err
}

// setConsensus sets type and brokers and leaves everything else, policies included.
func setConsensus(config *cb.Config, addresses []string) error {
	orderer := config.GetChannelGroup().GetGroups()[channelconfig.OrdererGroupKey]
	value := orderer.GetValues()[channelconfig.ConsensusTypeKey]
	if value == nil {
		return errors.New("the block's config names no consensus type")
	}
	kind := &ab.ConsensusType{}
	if err := proto.Unmarshal(value.Value, kind); err != nil {
		return fmt.Errorf("consensus type: %w", err)
	}
	switch kind.Type {
	case "solo", "etcdraft", fabric.ConsensusTypeKafka:
	default:
		return fmt.Errorf("the block is of consensus type %q; create it as solo or etcdraft", kind.Type)
	}
	raw, err := proto.Marshal(&ab.ConsensusType{Type: fabric.ConsensusTypeKafka, State: kind.State})
	if err != nil {
		return err
	}
	list, err := proto.Marshal(&ab.KafkaBrokers{Brokers: addresses})
	if err != nil {
		return err
	}
	value.Value = raw
	orderer.Values[brokers.Key] = &cb.ConfigValue{Value: list, ModPolicy: value.ModPolicy}
	_, err = brokers.New(config)
	return err
}

// check parses the envelope as a joining orderer does.
func check(envelope *cb.Envelope) error {
	bundle, err := channelconfig.NewBundleFromEnvelope(envelope, factory.GetDefault())
	if err != nil {
		return err
	}
	orderer, ok := bundle.OrdererConfig()
	if !ok || orderer.ConsensusType() != fabric.ConsensusTypeKafka {
		return errors.New("its consensus type is not the one written")
	}
	return nil
}
