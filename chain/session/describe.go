package session

import (
	"context"
	"fmt"

	"github.com/fabric-kafka/orderer/chain/log"
	"github.com/fabric-kafka/orderer/chain/machine"
	"github.com/fabric-kafka/orderer/chain/record"
)

// describe appends the description to a topic that has none at its end. Several
// orderers may do so at the same time: the first in the log counts, and any
// later one is skipped. Nothing else is to be done until it is read.
func (e *Engine) describe(ctx context.Context) error {
	if !e.asked {
		if err := e.mayBegin(ctx); err != nil {
			return err
		}
	}
	rules := machine.Strict
	if e.settings.AllowUndescribed {
		rules = machine.Compatible // in-tree orderers are to share the topic
	}
	value, err := Describing(e.start, rules, log.Identity{TopicID: e.topicID, ClusterID: e.clusterID})
	if err != nil {
		return stop(err)
	}
	if err := e.host.Append(ctx, value); err != nil {
		return fmt.Errorf("describe the topic: %w", err)
	}
	return nil
}

// Describing is a record that describes a topic as that of a channel.
func Describing(s machine.Start, rules machine.RuleSet, topic log.Identity) ([]byte, error) {
	d, err := record.EncodeDescription(&record.Description{
		FormatVersion: record.DescriptionVersion,
		RuleSet:       record.RuleSet(rules),
		ChannelId:     s.Channel,
		GenesisHash:   s.GenesisHash,
		TopicId:       topic.TopicID,
		ClusterId:     topic.ClusterID,
	})
	if err != nil {
		return nil, err
	}
	return encode(record.NewConnect(d))
}
