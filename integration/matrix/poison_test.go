package matrix

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"strings"
	"testing"

	"github.com/hyperledger/fabric/orderer/common/types"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/kversion"

	"github.com/fabric-kafka/orderer/chain/log/kafka"
	"github.com/fabric-kafka/orderer/chain/status"
)

// batch returns an encoded record batch, as a hostile client may send it: the
// embedded broker checks only its header.
func batch(attributes int16, count int32, records []byte) []byte {
	b := kmsg.RecordBatch{
		Length:               int32(49 + len(records)),
		PartitionLeaderEpoch: -1,
		Magic:                2,
		Attributes:           attributes,
		LastOffsetDelta:      count - 1,
		ProducerID:           -1,
		ProducerEpoch:        -1,
		FirstSequence:        -1,
		NumRecords:           count,
		Records:              records,
	}
	raw := b.AppendTo(nil)
	binary.BigEndian.PutUint32(raw[17:], crc32.Checksum(raw[21:], crc32.MakeTable(crc32.Castagnoli)))
	return raw
}

// records encodes values at offsets relative to the batch's base offset.
func records(values [][]byte, deltas ...int32) []byte {
	var out []byte
	for i, v := range values {
		r := kmsg.Record{OffsetDelta: deltas[i], Value: v}
		body := r.AppendTo(nil)[1:] // after the length, which is still 0
		out = append(binary.AppendVarint(out, int64(len(body))), body...)
	}
	return out
}

// produce sends a batch unchanged.
func (w *world) produce(topic string, raw []byte) {
	w.Helper()
	p := kmsg.NewProduceRequestTopicPartition()
	p.Records = raw
	t := kmsg.NewProduceRequestTopic()
	t.Topic, t.Partitions = topic, append(t.Partitions, p)
	r := kmsg.NewPtrProduceRequest()
	r.Acks, r.TimeoutMillis, r.Topics = -1, 5000, append(r.Topics, t)
	c := w.client(kgo.MaxVersions(kversion.V2_8_0()))
	defer c.Close()
	answer, err := c.Broker(0).Request(w.Context(), r)
	if err != nil {
		w.Fatal(err)
	}
	if code := answer.(*kmsg.ProduceResponse).Topics[0].Partitions[0].ErrorCode; code != 0 {
		w.Fatalf("the batch was refused with code %d", code)
	}
}

// poisons returns batches that cannot be decoded. Each takes up at least one offset.
func (w *world) poisons() map[string][]byte {
	v := w.values(2)
	good := records(v, 0, 1)
	return map[string][]byte{
		"not gzip":       batch(1, 2, good),
		"not zstd":       batch(4, 2, good),
		"record of -9":   batch(0, 1, binary.AppendVarint(nil, -9)),
		"count too high": batch(0, 3, good),
		"count of 1e9":   batch(0, 1_000_000_000, good),
		"cut short":      batch(0, 2, good[:len(good)-9]),
		unsure:           batch(0, 1, append(binary.AppendVarint(nil, 1<<30), good...)),
		"nothing":        batch(0, 1, nil),
	}
}

// A batch that cannot be decoded is never skipped: limits and decoders may differ
// between orderers. It stops the channel, unless the cause may be the network or one
// replica's disk.
func TestRow36UndecodableBatch(t *testing.T) {
	for name, raw := range (&world{T: t}).poisons() {
		t.Run(name, func(t *testing.T) {
			s := newScene(t)
			s.produce(channel, raw)
			s.write(channel, s.values(2)...)
			due := fmt.Sprintf("offset %d was due", next)
			if name != unsure {
				s.stopped(due, "cannot be decoded")
				s.restarts(nil)
				s.stopped(due, "cannot be decoded")
				return
			}
			s.it.is(types.StatusInactive)
			s.eventually("the error names the offset", func() bool {
				err := s.it.WaitReady()
				return err != nil && strings.Contains(err.Error(), due)
			})
			s.other.accepts("onwards")
			s.it.Halt()
			if got := s.it.ledger.Contents(); got != initial {
				t.Errorf("the ledger holds %s, want %s", got, initial)
			}
		})
	}
}

// unsure is the poison for which the client library returns the same error as for a bad checksum.
const unsure = "length too large"

// Offsets in a batch that are not consecutive, or outside the batch, stop the
// channel, wherever a fetch ends. All orderers then have the same pending records:
// those before.
func TestRow36OddOffsets(t *testing.T) {
	for name, deltas := range map[string][]int32{"ahead": {0, 7}, "back": {1, 0}, "same": {0, 0}, "negative": {-3, 1}} {
		t.Run(name, func(t *testing.T) {
			s := newScene(t)
			s.produce(channel, batch(0, 2, records([][]byte{s.value(channel, "odd0"), s.value(channel, "odd1")}, deltas...)))
			large := strings.Repeat("x", 40<<10)
			for i := range 20 {
				s.write(channel, s.value(channel, fmt.Sprint("good", i, large)))
			}
			s.stoppedBefore("good")
			for _, bytes := range []int32{1 << 10, 100 << 10, 1 << 20} {
				s.access = func(c *kafka.Config) { c.FetchBytes = bytes }
				s.it = s.orderer(s.ledger(channel))
				s.stoppedBefore("good")
			}
		})
	}
}

// stoppedBefore waits until the channel has stopped, and checks that no envelope with this text is ordered.
func (s *scene) stoppedBefore(text string) {
	s.Helper()
	s.it.is(types.StatusFailed)
	s.it.refuses(status.ErrFailed, "was due", "cannot be decoded")
	s.it.Halt()
	if got := s.it.ledger.Contents(); strings.Contains(got, text) || !strings.HasPrefix(got, initial) {
		s.Errorf("the ledger holds %.200s", got)
	}
}

// A batch that would decompress to more than the limit is not decompressed.
func TestRow37DecompressionBomb(t *testing.T) {
	for name, codec := range map[string]kgo.CompressionCodec{"gzip": kgo.GzipCompression(), "zstd": kgo.ZstdCompression()} {
		t.Run(name, func(t *testing.T) {
			s := newScene(t)
			c := s.client(kgo.ProducerBatchCompression(codec), kgo.ProducerBatchMaxBytes(64<<20))
			defer c.Close()
			bomb := &kgo.Record{Topic: channel, Value: make([]byte, 3*maxUnpacked)}
			if err := c.ProduceSync(t.Context(), bomb).FirstErr(); err != nil {
				t.Fatal(err)
			}
			s.write(channel, s.values(2)...)
			s.stopped(fmt.Sprintf("offset %d was due", next), "batch")
			s.restarts(nil)
			s.stopped(fmt.Sprintf("offset %d was due", next), "batch")
		})
	}
}
