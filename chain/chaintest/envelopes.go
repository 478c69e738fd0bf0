package chaintest

import (
	"fmt"
	"strings"

	"github.com/hyperledger/fabric/protoutil"

	"github.com/fabric-kafka/orderer/chain/fabric"
)

// TypeEndorser is the header type of a transaction (Fabric's common.HeaderType).
const TypeEndorser = 3

// Envelope returns a normal envelope of a channel; [Text] returns its text.
func Envelope(channel, text string) *fabric.Envelope {
	return EnvelopeOf(channel, TypeEndorser, []byte(text))
}

// EnvelopeOf returns an envelope of any header type.
func EnvelopeOf(channel string, headerType int32, data []byte) *fabric.Envelope {
	return &fabric.Envelope{
		Payload: protoutil.MarshalOrPanic(&fabric.Payload{
			Header: &fabric.Header{
				ChannelHeader:   protoutil.MarshalOrPanic(&fabric.ChannelHeader{Type: headerType, ChannelId: channel}),
				SignatureHeader: protoutil.MarshalOrPanic(&fabric.SignatureHeader{Creator: []byte("me")}),
			},
			Data: data,
		}),
		Signature: []byte("signature"),
	}
}

// Text returns the data of a serialized envelope.
func Text(b []byte) string { return textOf(protoutil.UnmarshalEnvelopeOrPanic(b).Payload) }

func textOf(payload []byte) string { return string(protoutil.UnmarshalPayloadOrPanic(payload).Data) }

// ConfigEnvelope returns a config envelope, computed for sequence seq, whose update
// applies while key has been set version times. A key is what the update sets:
// "count", "etcdraft", "brokers:HOST:PORT", "capability:NAME"; anything else sets
// nothing. The config in the envelope has only the brokers and the capability.
func ConfigEnvelope(channel, key string, version int, seq uint64) *fabric.Envelope {
	shown := Settings{}.withDefaults()
	Update{Key: key}.change(&shown)
	shown.Type = fabric.ConsensusTypeKafka
	return EnvelopeOf(channel, fabric.TypeConfig, protoutil.MarshalOrPanic(&fabric.ConfigEnvelope{
		Config:     &fabric.Config{Sequence: seq, ChannelGroup: group(shown)},
		LastUpdate: updateEnvelope(channel, fmt.Sprintf("%d %s", version, key)),
	}))
}

// updateEnvelope returns a config update that Fabric can decode; its text is in a field
// that Fabric ignores.
func updateEnvelope(channel, text string) *fabric.Envelope {
	return EnvelopeOf(channel, fabric.TypeConfigUpdate, protoutil.MarshalOrPanic(&fabric.ConfigUpdateEnvelope{
		ConfigUpdate: protoutil.MarshalOrPanic(&fabric.ConfigUpdate{ChannelId: channel, IsolatedData: map[string][]byte{isolated: []byte(text)}}),
	}))
}

const isolated = "update"

// Update is the update in a config envelope.
type Update struct {
	Key     string
	Version int
	Seq     uint64
}

func (u Update) change(s *Settings) {
	switch {
	case u.Key == "count":
		s.Count = 1
	case u.Key == "etcdraft":
		s.Type = u.Key
	case strings.HasPrefix(u.Key, "brokers:"):
		s.Brokers = []string{strings.TrimPrefix(u.Key, "brokers:")}
	case strings.HasPrefix(u.Key, "capability:"):
		s.Capability = strings.TrimPrefix(u.Key, "capability:")
	}
}

// UpdateOf returns the update of a config envelope; ok is false if there is none.
func UpdateOf(e *fabric.Envelope) (u Update, ok bool) {
	config := &fabric.ConfigEnvelope{}
	if _, err := protoutil.UnmarshalEnvelopeOfType(e, fabric.HeaderTypeConfig, config); err != nil {
		return u, false
	}
	return updateOfConfig(config)
}

func updateOfConfig(config *fabric.ConfigEnvelope) (u Update, ok bool) {
	if config.Config == nil || config.LastUpdate == nil {
		return u, false
	}
	signed, update := &fabric.ConfigUpdateEnvelope{}, &fabric.ConfigUpdate{}
	if _, err := protoutil.UnmarshalEnvelopeOfType(config.LastUpdate, fabric.HeaderTypeConfigUpdate, signed); err != nil {
		return u, false
	}
	if err := fabric.Unmarshal(signed.ConfigUpdate, update); err != nil {
		return u, false
	}
	_, err := fmt.Sscanf(string(update.IsolatedData[isolated]), "%d %s", &u.Version, &u.Key)
	u.Seq = config.Config.Sequence
	return u, err == nil
}

// UpdateIn returns the update of a block's config, if it is a config block.
func UpdateIn(b *fabric.Block) (Update, bool) {
	if len(b.Data.Data) != 1 {
		return Update{}, false
	}
	return UpdateOf(protoutil.UnmarshalEnvelopeOrPanic(b.Data.Data[0]))
}
