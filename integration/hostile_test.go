package integration_test

import (
	"bytes"
	"math"

	"github.com/golang/protobuf/proto"
	cb "github.com/hyperledger/fabric-protos-go/common"
	"github.com/hyperledger/fabric/protoutil"
	. "github.com/onsi/gomega"

	"github.com/fabric-kafka/orderer/chain/record"
)

// hostile returns records that a foreign writer with the rights to write could append to
// a topic: garbage, forged classes and sequences, envelopes of other channels,
// stray time-to-cut records, descriptions.
func hostile(w *world, channel string) [][]byte {
	good := envelope(w, cb.HeaderType_MESSAGE, channel)
	config := envelope(w, cb.HeaderType_CONFIG, channel)
	huge := uint64(math.MaxUint64)
	values := [][]byte{
		{}, {0xff}, bytes.Repeat([]byte{0xff}, 4096), []byte("not a record at all"),
		encoded(record.NewRegular(nil, 0, record.Regular_NORMAL)),
		encoded(record.NewRegular([]byte("no envelope"), huge, record.Regular_NORMAL)),
		encoded(record.NewRegular([]byte("no envelope"), huge, record.Regular_CONFIG)),
		encoded(record.NewRegular(good, 0, record.Regular_UNKNOWN)),
		encoded(record.NewRegular(good, 0, record.Regular_Class(77))),
		encoded(record.NewRegular(good, huge, record.Regular_CONFIG)),
		encoded(record.NewRegular(config, huge, record.Regular_NORMAL)),
		encoded(record.NewRegular(config, huge, record.Regular_CONFIG)),
		encoded(record.NewRegular(config, 0, record.Regular_CONFIG)),
		encoded(record.NewRegular(envelope(w, cb.HeaderType_CONFIG_UPDATE, channel), huge, record.Regular_CONFIG)),
		encoded(record.NewRegular(envelope(w, cb.HeaderType_ORDERER_TRANSACTION, channel), huge, record.Regular_CONFIG)),
		encoded(record.NewRegular(envelope(w, cb.HeaderType_ORDERER_TRANSACTION, channel), huge, record.Regular_NORMAL)),
		encoded(record.NewRegular(envelope(w, cb.HeaderType_MESSAGE, "another"), huge, record.Regular_NORMAL)),
		encoded(record.NewRegular(unsigned(channel), huge, record.Regular_NORMAL)),
		encoded(record.NewConnect(nil)), encoded(record.NewConnect([]byte{0xff})), foreignDescription(),
	}
	for _, n := range []uint64{0, 1, 2, 1000, 1 << 40, huge} {
		values = append(values, encoded(record.NewTimeToCut(n)))
	}
	return values
}

func encoded(m *record.Message) []byte {
	b, err := record.Encode(m)
	Expect(err).NotTo(HaveOccurred())
	return b
}

// envelope returns a signed envelope of a header type, without the contents that this type requires.
func envelope(w *world, kind cb.HeaderType, channel string) []byte {
	e, err := protoutil.CreateSignedEnvelope(kind, channel, w.user, &cb.ConfigEnvelope{}, 0, 0)
	Expect(err).NotTo(HaveOccurred())
	b, err := proto.Marshal(e)
	Expect(err).NotTo(HaveOccurred())
	return b
}

// unsigned returns an envelope that decodes but satisfies no policy.
func unsigned(channel string) []byte {
	header := protoutil.MakeChannelHeader(cb.HeaderType_MESSAGE, 0, channel, 0)
	payload := &cb.Payload{Header: protoutil.MakePayloadHeader(header, &cb.SignatureHeader{}), Data: []byte("x")}
	return protoutil.MarshalOrPanic(&cb.Envelope{Payload: protoutil.MarshalOrPanic(payload)})
}

// foreignDescription returns the first record of another network's topic.
func foreignDescription() []byte {
	d, err := record.EncodeDescription(&record.Description{
		FormatVersion: record.DescriptionVersion,
		RuleSet:       record.RuleSet_RULE_SET_STRICT,
		ChannelId:     "another",
		GenesisHash:   bytes.Repeat([]byte{1}, 32),
	})
	Expect(err).NotTo(HaveOccurred())
	return encoded(record.NewConnect(d))
}
