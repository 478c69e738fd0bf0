package inspect

import (
	"context"
	"fmt"

	"github.com/golang/protobuf/proto"
	cb "github.com/hyperledger/fabric-protos-go/common"
	ab "github.com/hyperledger/fabric-protos-go/orderer"
	"github.com/hyperledger/fabric/common/channelconfig"

	"github.com/fabric-kafka/orderer/chain/brokers"
	"github.com/fabric-kafka/orderer/chain/machine"
	"github.com/fabric-kafka/orderer/chain/session"
)

// Brokers returns the usable broker addresses of a channel, by the config in force at an
// orderer.
func (r *Reader) Brokers(ctx context.Context, orderer, channel string) ([]string, error) {
	o, err := r.Dial(orderer)
	if err != nil {
		return nil, err
	}
	defer o.Close()
	config, err := o.Config(ctx, r.who, channel)
	if err != nil {
		return nil, err
	}
	return brokers.Usable(config)
}

// ConfigBlock returns a channel's newest config block at an orderer.
func (r *Reader) ConfigBlock(ctx context.Context, orderer, channel string) (*cb.Block, error) {
	o, err := r.Dial(orderer)
	if err != nil {
		return nil, err
	}
	defer o.Close()
	return o.ConfigBlock(ctx, r.who, channel)
}

// LargestEnvelope returns a channel's AbsoluteMaxBytes, by the config in force at an orderer.
func (r *Reader) LargestEnvelope(ctx context.Context, orderer, channel string) (uint32, error) {
	o, err := r.Dial(orderer)
	if err != nil {
		return 0, err
	}
	defer o.Close()
	config, err := o.Config(ctx, r.who, channel)
	if err != nil {
		return 0, err
	}
	size := &ab.BatchSize{}
	group := config.GetChannelGroup().GetGroups()[channelconfig.OrdererGroupKey]
	err = proto.Unmarshal(group.GetValues()[channelconfig.BatchSizeKey].GetValue(), size)
	return size.AbsoluteMaxBytes, err
}

// RuleSet returns the rule set that an orderer's last block was cut by.
func (r *Reader) RuleSet(ctx context.Context, orderer, channel string) (machine.RuleSet, error) {
	o, err := r.Dial(orderer)
	if err != nil {
		return 0, err
	}
	defer o.Close()
	newest, err := o.Newest(ctx, r.who, channel)
	if err != nil {
		return 0, err
	}
	b := blockOf(newest)
	if b == nil {
		return 0, fmt.Errorf("its block %d has no metadata that can be read", newest.Header.Number)
	}
	position, err := session.Position(uint64(b.Number)+1, b.Metadata)
	return position.RuleSet, err
}
