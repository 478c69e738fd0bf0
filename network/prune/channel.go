package prune

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/golang/protobuf/proto"
	cb "github.com/hyperledger/fabric-protos-go/common"
	"github.com/hyperledger/fabric-protos-go/msp"
	ab "github.com/hyperledger/fabric-protos-go/orderer"
	"github.com/hyperledger/fabric/common/channelconfig"
	"github.com/hyperledger/fabric/protoutil"

	blocks "github.com/fabric-kafka/orderer/chain/block"
	"github.com/fabric-kafka/orderer/chain/brokers"
	"github.com/fabric-kafka/orderer/chain/form"
)

// Channel is the part of a channel's config that describes its orderers. A config of type
// kafka has no certificates of orderers, only their organizations and addresses.
type Channel struct {
	Name      string
	ConfigSeq uint64
	Config    string   // digest of the config, as orderers publish it
	Brokers   []string // usable addresses; may be empty
	Orgs      []Org
	Addresses []string // of orderers of any organization
}

// Org is an organization of orderers.
type Org struct {
	MSPID     string
	Addresses []string // of its orderers
}

// ReadChannel reads a config block, serialized as `peer channel fetch config` writes it.
func ReadChannel(text []byte) (Channel, error) {
	block := &cb.Block{}
	if err := proto.Unmarshal(text, block); err != nil {
		return Channel{}, fmt.Errorf("not a block: %w", err)
	}
	return ChannelOf(block)
}

// ChannelOf reads a config block.
func ChannelOf(block *cb.Block) (Channel, error) {
	name, config, err := configOf(block)
	if err != nil {
		return Channel{}, fmt.Errorf("not a config block: %w", err)
	}
	orderer := config.GetChannelGroup().GetGroups()[channelconfig.OrdererGroupKey]
	kind := &ab.ConsensusType{}
	if err := decode(orderer, channelconfig.ConsensusTypeKey, kind); err != nil {
		return Channel{}, err
	}
	if form.Of(config) == form.Foreign {
		return Channel{}, fmt.Errorf("channel %s, of consensus type %q, is not ordered through Kafka: it has no topic", name, kind.Type)
	}
	c := Channel{Name: name, ConfigSeq: config.Sequence, Config: blocks.ConfigDigest(config)}
	c.Brokers, _ = brokers.Usable(config) // the operator may name others
	if c.Addresses, err = addressesOf(config.ChannelGroup, channelconfig.OrdererAddressesKey); err != nil {
		return Channel{}, err
	}
	for _, group := range slices.Sorted(maps.Keys(orderer.Groups)) {
		org, err := orgOf(orderer.Groups[group])
		if err != nil {
			return Channel{}, fmt.Errorf("organization %s: %w", group, err)
		}
		c.Orgs = append(c.Orgs, org)
	}
	return c, nil
}

func configOf(block *cb.Block) (name string, config *cb.Config, err error) {
	if block.GetHeader() == nil || len(block.GetData().GetData()) != 1 {
		return "", nil, errors.New("it must hold exactly one envelope")
	}
	if !bytes.Equal(block.Header.DataHash, protoutil.BlockDataHash(block.Data)) {
		return "", nil, errors.New("its data hash is not that of its data")
	}
	envelope, err := protoutil.ExtractEnvelope(block, 0)
	if err != nil {
		return "", nil, err
	}
	c := &cb.ConfigEnvelope{}
	header, err := protoutil.UnmarshalEnvelopeOfType(envelope, cb.HeaderType_CONFIG, c)
	if err != nil {
		return "", nil, err
	}
	if c.GetConfig().GetChannelGroup() == nil {
		return "", nil, errors.New("it holds no config")
	}
	return header.ChannelId, c.Config, nil
}

func orgOf(group *cb.ConfigGroup) (Org, error) {
	outer, inner := &msp.MSPConfig{}, &msp.FabricMSPConfig{}
	if err := decode(group, channelconfig.MSPKey, outer); err != nil {
		return Org{}, err
	}
	if err := proto.Unmarshal(outer.Config, inner); err != nil {
		return Org{}, fmt.Errorf("decode its MSP: %w", err)
	}
	if inner.Name == "" {
		return Org{}, errors.New("its MSP has no id")
	}
	addresses, err := addressesOf(group, channelconfig.EndpointsKey)
	return Org{inner.Name, addresses}, err
}

func addressesOf(group *cb.ConfigGroup, key string) ([]string, error) {
	list := &cb.OrdererAddresses{}
	err := decode(group, key, list)
	return list.Addresses, err
}

func decode(group *cb.ConfigGroup, key string, to proto.Message) error {
	if err := proto.Unmarshal(group.GetValues()[key].GetValue(), to); err != nil {
		return fmt.Errorf("decode %s: %w", key, err)
	}
	return nil
}
