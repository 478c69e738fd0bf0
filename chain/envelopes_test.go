package chain

import (
	"fmt"
	"strings"

	"github.com/hyperledger/fabric/protoutil"

	"github.com/fabric-kafka/orderer/chain/fabric"
)

// envelope is a normal one of the channel.
func envelope(text string) *fabric.Envelope { return envelopeFor(channel, 3, []byte(text)) }

func envelopeFor(channel string, headerType int32, data []byte) *fabric.Envelope {
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

// text is the data of an envelope.
func text(b []byte) string {
	return string(protoutil.UnmarshalPayloadOrPanic(protoutil.UnmarshalEnvelopeOrPanic(b).Payload).Data)
}

// update is what the config envelopes of these tests do.
type update struct {
	key     string // what it sets: "count", "etcdraft", "brokers:HOST:PORT", anything else sets nothing
	version int    // it applies when key was set that often before
	seq     uint64 // sequence of the config that it was computed to
}

func (u update) change(s *settings) {
	switch {
	case u.key == "count":
		s.count = 1
	case u.key == "etcdraft":
		s.kind = u.key
	case strings.HasPrefix(u.key, "brokers:"):
		s.brokers = []string{strings.TrimPrefix(u.key, "brokers:")}
	}
}

func configEnvelope(key string, version int, seq uint64) *fabric.Envelope {
	return envelopeFor(channel, fabric.TypeConfig, protoutil.MarshalOrPanic(&fabric.ConfigEnvelope{
		Config:     &fabric.Config{Sequence: seq, ChannelGroup: group(ConsensusType, "kafka:9092")},
		LastUpdate: &fabric.Envelope{Payload: fmt.Appendf(nil, "%d %s", version, key)},
	}))
}

func updateOfEnvelope(e *fabric.Envelope) (u update, ok bool) {
	config := &fabric.ConfigEnvelope{}
	if _, err := protoutil.UnmarshalEnvelopeOfType(e, fabric.HeaderTypeConfig, config); err != nil || config.LastUpdate == nil {
		return u, false
	}
	_, err := fmt.Sscanf(string(config.LastUpdate.Payload), "%d %s", &u.version, &u.key)
	u.seq = config.Config.Sequence
	return u, err == nil
}

func updateIn(b *fabric.Block) (update, bool) {
	if len(b.Data.Data) != 1 {
		return update{}, false
	}
	return updateOfEnvelope(protoutil.UnmarshalEnvelopeOrPanic(b.Data.Data[0]))
}
