package inspect

import (
	"context"

	"github.com/fabric-kafka/orderer/chain"
	"github.com/fabric-kafka/orderer/chain/engine"
	"github.com/fabric-kafka/orderer/chain/machine"
)

// Brokers are those of a channel, by the config in force at an orderer.
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
	return chain.Brokers(config)
}

// RuleSet is the one that an orderer's last block was cut by.
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
		return machine.Undescribed, nil
	}
	position, err := engine.Position(uint64(b.Number)+1, b.Metadata)
	return position.RuleSet, err
}
