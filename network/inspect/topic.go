package inspect

import (
	"context"
	"errors"
	"fmt"

	"github.com/golang/protobuf/proto"
	cb "github.com/hyperledger/fabric-protos-go/common"
	"github.com/hyperledger/fabric/protoutil"

	"github.com/fabric-kafka/orderer/chain/log"
	"github.com/fabric-kafka/orderer/chain/log/kafka"
	"github.com/fabric-kafka/orderer/chain/record"
	"github.com/fabric-kafka/orderer/network/client"
)

// Record is one record of a topic, decoded for reading.
type Record struct {
	Offset log.Offset `json:"offset"`
	Kind   string     `json:"kind"` // description, connect, time-to-cut, NORMAL, CONFIG, UNKNOWN, garbage
	Detail string     `json:"detail"`
	Bytes  int        `json:"bytes"`
	Block  *uint64    `json:"block"` // with the envelope, or cut by the record; null if there is none
}

// OpenTopic opens a topic for reading, and for writing to it as another client.
func OpenTopic(brokers []string, topic string) (*kafka.Log, error) {
	return kafka.Open(kafka.Config{Brokers: brokers, ClientID: "fabric-kafka-network"}, topic)
}

// Records calls take for every record that a topic currently has, without blocks.
func Records(ctx context.Context, topic log.Log, take func(Record) error) error {
	return (&index{}).read(ctx, topic, take)
}

// Topic calls take for every record that the channel's topic currently has, each with the
// block of an orderer that it is in.
func (r *Reader) Topic(ctx context.Context, orderer, channel string, topic log.Log, take func(Record) error) error {
	index, err := r.index(ctx, orderer, channel)
	if err != nil {
		return err
	}
	return index.read(ctx, topic, take)
}

// read calls take for every record that a log currently has.
func (x *index) read(ctx context.Context, l log.Log, take func(Record) error) error {
	bounds, err := l.Bounds(ctx)
	if err != nil {
		return err
	}
	reader, err := l.Read(ctx, bounds.Start)
	if err != nil {
		return err
	}
	defer reader.Close()
	for next := bounds.Start; next < bounds.End; {
		rec, err := reader.Next(ctx)
		if errors.Is(err, log.ErrNoRecord) {
			return nil
		}
		if err != nil {
			return err
		}
		next = rec.Offset + 1
		if err := take(x.describe(rec)); err != nil {
			return err
		}
	}
	return nil
}

// DescribedTopic returns the topic id according to the description in a topic's first record; empty if
// that record is not a description, or has been deleted.
func DescribedTopic(ctx context.Context, l log.Log) (id string, err error) {
	bounds, err := l.Bounds(ctx)
	if err != nil || bounds.Start > 0 || bounds.End == 0 {
		return "", err
	}
	reader, err := l.Read(ctx, 0)
	if err != nil {
		return "", err
	}
	defer reader.Close()
	first, err := reader.Next(ctx)
	if err != nil && !errors.Is(err, log.ErrNoRecord) {
		return "", err
	}
	m, err := record.Decode(first.Value)
	if err != nil {
		return "", nil // garbage describes nothing
	}
	d, err := record.DecodeDescription(m.GetConnect().GetPayload())
	if err != nil {
		return "", nil
	}
	return d.TopicId, nil
}

// index maps the envelopes of a channel to their blocks.
type index struct {
	envelopes map[[32]byte][]uint64 // numbers of the blocks with the envelope, in order
	cuts      map[uint64]int64      // offsets in the metadata, by block number
}

func (r *Reader) index(ctx context.Context, orderer, channel string) (*index, error) {
	x := &index{map[[32]byte][]uint64{}, map[uint64]int64{}}
	err := r.Blocks(ctx, orderer, channel, func(b *cb.Block) error {
		s, err := client.Summarize(b)
		if err != nil {
			return err
		}
		if s.Offset != nil {
			x.cuts[s.Number] = *s.Offset
		}
		for _, e := range b.Data.Data {
			d := client.Digest(e)
			x.envelopes[d] = append(x.envelopes[d], s.Number)
		}
		return nil
	})
	return x, err
}

func (x *index) describe(rec log.Record) Record {
	out := Record{Offset: rec.Offset, Bytes: len(rec.Value), Kind: "garbage"}
	m, err := record.Decode(rec.Value)
	if err != nil {
		out.Detail = err.Error()
		return out
	}
	switch t := m.Type.(type) {
	case *record.Message_Regular:
		out.Kind, out.Detail = t.Regular.Class.String(), describeEnvelope(t.Regular)
		out.Block = x.take(t.Regular.Payload)
	case *record.Message_TimeToCut:
		out.Kind, out.Detail = "time-to-cut", fmt.Sprintf("block %d", t.TimeToCut.BlockNumber)
		if at, ok := x.cuts[t.TimeToCut.BlockNumber]; ok && at == int64(rec.Offset) {
			out.Block = &t.TimeToCut.BlockNumber
		}
	case *record.Message_Connect:
		out.Kind = "connect"
		if d, err := record.DecodeDescription(t.Connect.Payload); err == nil {
			out.Kind, out.Detail = "description", fmt.Sprintf("channel %s, %s, genesis %.8x", log.Shown(d.ChannelId), d.RuleSet, d.GenesisHash)
		}
	default:
		out.Detail = "no type"
	}
	return out
}

// take returns the block of the next copy of an envelope.
func (x *index) take(payload []byte) *uint64 {
	encoded, err := record.Canonical(payload)
	if err != nil {
		encoded = payload
	}
	d := client.Digest(encoded)
	blocks := x.envelopes[d]
	if len(blocks) == 0 {
		return nil
	}
	x.envelopes[d] = blocks[1:]
	return &blocks[0]
}

func describeEnvelope(r *record.Regular) string {
	e := &cb.Envelope{}
	if err := proto.Unmarshal(r.Payload, e); err != nil {
		return "no envelope"
	}
	h, err := protoutil.ChannelHeader(e)
	if err != nil {
		return "no channel header"
	}
	id := h.TxId
	if len(id) > 8 {
		id = id[:8]
	}
	return fmt.Sprintf("seq %d, %s %s", r.ConfigSeq, cb.HeaderType(h.Type), log.Shown(id))
}
