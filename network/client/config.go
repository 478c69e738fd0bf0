package client

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/golang/protobuf/proto"
	cb "github.com/hyperledger/fabric-protos-go/common"
	ab "github.com/hyperledger/fabric-protos-go/orderer"
	"github.com/hyperledger/fabric/common/channelconfig"
	"github.com/hyperledger/fabric/protoutil"
)

// ConfigBlock returns the newest config block of a channel at an orderer.
func (o *Orderer) ConfigBlock(ctx context.Context, who *Identity, channel string) (*cb.Block, error) {
	newest, err := o.Newest(ctx, who, channel)
	if err != nil {
		return nil, err
	}
	number, err := lastConfig(newest)
	if err != nil {
		return nil, err
	}
	return o.Block(ctx, who, channel, number)
}

// Config returns a channel's config in force at an orderer.
func (o *Orderer) Config(ctx context.Context, who *Identity, channel string) (*cb.Config, error) {
	block, err := o.ConfigBlock(ctx, who, channel)
	if err != nil {
		return nil, err
	}
	return ConfigOf(block)
}

// ConfigOf returns the config in a config block.
func ConfigOf(block *cb.Block) (*cb.Config, error) {
	envelope, err := protoutil.ExtractEnvelope(block, 0)
	if err != nil {
		return nil, err
	}
	config := &cb.ConfigEnvelope{}
	if _, err := protoutil.UnmarshalEnvelopeOfType(envelope, cb.HeaderType_CONFIG, config); err != nil {
		return nil, err
	}
	return config.Config, nil
}

// UpdateConfig fetches the config in force, calls change for the orderer group's
// new values, and submits them signed by who, an admin of the orderer
// organization. It returns once the update is acknowledged, which is before the
// config block is written.
func (o *Orderer) UpdateConfig(ctx context.Context, who *Identity, channel string, change func(*cb.Config) (map[string]proto.Message, error)) error {
	config, err := o.Config(ctx, who, channel)
	if err != nil {
		return err
	}
	values, err := change(config)
	if err != nil {
		return err
	}
	envelope, err := OrdererUpdate(who, channel, config, values)
	if err != nil {
		return err
	}
	return o.Submit(ctx, envelope)
}

// OrdererUpdate returns a signed config update that replaces values of the
// channel's orderer group. A nil message is not allowed.
func OrdererUpdate(who *Identity, channel string, config *cb.Config, values map[string]proto.Message) (*cb.Envelope, error) {
	group := config.GetChannelGroup().GetGroups()[channelconfig.OrdererGroupKey]
	if group == nil {
		return nil, errors.New("the config has no orderer group")
	}
	write := &cb.ConfigGroup{Version: group.Version, Values: map[string]*cb.ConfigValue{}}
	for name, message := range values {
		raw, err := proto.Marshal(message)
		if err != nil {
			return nil, err
		}
		old := group.Values[name]
		if old == nil {
			return nil, fmt.Errorf("the orderer group has no value %q", name)
		}
		write.Values[name] = &cb.ConfigValue{Version: old.Version + 1, Value: raw, ModPolicy: old.ModPolicy}
	}
	root := config.ChannelGroup.Version
	update, err := proto.Marshal(&cb.ConfigUpdate{
		ChannelId: channel,
		ReadSet:   &cb.ConfigGroup{Version: root, Groups: map[string]*cb.ConfigGroup{channelconfig.OrdererGroupKey: {Version: group.Version}}},
		WriteSet:  &cb.ConfigGroup{Version: root, Groups: map[string]*cb.ConfigGroup{channelconfig.OrdererGroupKey: write}},
	})
	if err != nil {
		return nil, err
	}
	return SignedUpdate(channel, update, who)
}

// SignedUpdate returns an envelope with a config update that several administrators have signed. The first one, of at
// least one, is its client.
func SignedUpdate(channel string, update []byte, as ...*Identity) (*cb.Envelope, error) {
	signed := &cb.ConfigUpdateEnvelope{ConfigUpdate: update}
	for _, who := range as {
		header, err := protoutil.NewSignatureHeader(who)
		if err != nil {
			return nil, err
		}
		raw, err := proto.Marshal(header)
		if err != nil {
			return nil, err
		}
		signature, err := who.Sign(append(append([]byte{}, raw...), update...))
		if err != nil {
			return nil, err
		}
		signed.Signatures = append(signed.Signatures, &cb.ConfigSignature{SignatureHeader: raw, Signature: signature})
	}
	return protoutil.CreateSignedEnvelope(cb.HeaderType_CONFIG_UPDATE, channel, as[0], signed, 0, 0)
}

// BatchSizeUpdate sets the number of envelopes of a block and keeps the other limits.
func BatchSizeUpdate(config *cb.Config, messages uint32) (map[string]proto.Message, error) {
	size := &ab.BatchSize{}
	group := config.GetChannelGroup().GetGroups()[channelconfig.OrdererGroupKey]
	if err := proto.Unmarshal(group.GetValues()[channelconfig.BatchSizeKey].GetValue(), size); err != nil {
		return nil, err
	}
	size.MaxMessageCount = messages
	return map[string]proto.Message{channelconfig.BatchSizeKey: size}, nil
}

// BatchTimeoutUpdate sets the batch timeout.
func BatchTimeoutUpdate(d time.Duration) map[string]proto.Message {
	return map[string]proto.Message{channelconfig.BatchTimeoutKey: &ab.BatchTimeout{Timeout: d.String()}}
}

// BrokersUpdate sets the broker list.
func BrokersUpdate(brokers ...string) map[string]proto.Message {
	return map[string]proto.Message{"KafkaBrokers": &ab.KafkaBrokers{Brokers: brokers}}
}
