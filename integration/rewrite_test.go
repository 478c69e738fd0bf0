package integration_test

import (
	"context"

	"github.com/golang/protobuf/proto"
	cb "github.com/hyperledger/fabric-protos-go/common"
	ab "github.com/hyperledger/fabric-protos-go/orderer"
	"github.com/hyperledger/fabric/protoutil"
	. "github.com/onsi/gomega"

	"github.com/fabric-kafka/orderer/network/inspect"
)

// claim creates a topic with the description of another network.
func (w *world) claim(ctx context.Context, topic string) {
	l, err := inspect.OpenTopic(w.Descriptor().Brokers, topic)
	Expect(err).NotTo(HaveOccurred())
	defer l.Close()
	Expect(l.Create(ctx)).To(Succeed())
	Expect(l.Append(ctx, foreignDescription())).To(Succeed())
}

// rename returns a channel's genesis block under another channel name.
func (w *world) rename(channel, to string) ([]byte, error) {
	return change(w.genesis(channel), to, func(*cb.Config) {})
}

// withBrokers replaces the brokers of a config.
func withBrokers(brokers ...string) func(*cb.Config) {
	return func(c *cb.Config) {
		c.ChannelGroup.Groups["Orderer"].Values["KafkaBrokers"].Value = protoutil.MarshalOrPanic(&ab.KafkaBrokers{Brokers: brokers})
	}
}

// withCapability replaces the capabilities of a config's channel.
func withCapability(name string) func(*cb.Config) {
	return func(c *cb.Config) {
		c.ChannelGroup.Values["Capabilities"].Value = protoutil.MarshalOrPanic(&cb.Capabilities{Capabilities: map[string]*cb.Capability{name: {}}})
	}
}

// change edits the config in a genesis block and updates its data hash.
func change(block []byte, channel string, edit func(*cb.Config)) ([]byte, error) {
	b, err := protoutil.UnmarshalBlock(block)
	if err != nil {
		return nil, err
	}
	envelope, err := protoutil.ExtractEnvelope(b, 0)
	if err != nil {
		return nil, err
	}
	payload, err := protoutil.UnmarshalPayload(envelope.Payload)
	if err != nil {
		return nil, err
	}
	header, err := protoutil.UnmarshalChannelHeader(payload.Header.ChannelHeader)
	if err != nil {
		return nil, err
	}
	config := &cb.ConfigEnvelope{}
	if err := proto.Unmarshal(payload.Data, config); err != nil {
		return nil, err
	}
	edit(config.Config)
	header.ChannelId = channel
	payload.Header.ChannelHeader = protoutil.MarshalOrPanic(header)
	payload.Data = protoutil.MarshalOrPanic(config)
	envelope.Payload = protoutil.MarshalOrPanic(payload)
	b.Data.Data[0] = protoutil.MarshalOrPanic(envelope)
	b.Header.DataHash = protoutil.BlockDataHash(b.Data)
	return proto.Marshal(b)
}
