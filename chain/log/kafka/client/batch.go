package client

import (
	"errors"
	"fmt"
	"io"
	"iter"
	"math"
	"net"
	"time"

	"github.com/IBM/sarama"

	"github.com/fabric-kafka/orderer/chain/log"
	"github.com/fabric-kafka/orderer/chain/log/kafka/conn"
)

// Batches yields the batches that overlap a range of offsets, up to the first error.
func (t *Topic) Batches(c sarama.Client, from, to log.Offset) iter.Seq2[Batch, error] {
	return func(yield func(Batch, error) bool) {
		for at := from; at < to; {
			b, err := t.BatchAt(c, at)
			if !yield(b, err) || err != nil {
				return
			}
			at = max(b.After, at+1)
		}
	}
}

// BatchAt fetches the batch that contains an offset.
func (t *Topic) BatchAt(c sarama.Client, at log.Offset) (Batch, error) {
	b, err := t.fetch(c, at, 1) // a broker returns the first batch whole nevertheless
	if errors.Is(err, errCutOff) {
		b, err = t.fetch(c, at, sarama.MaxResponseSize/2) // which some brokers do not
	}
	return b, err
}

// Batch is the relevant properties of a sound record batch.
type Batch struct {
	After    log.Offset // first offset after the batch
	Newest   time.Time  // newest timestamp of a record; zero if unknown
	ByBroker bool       // Newest is from the clock of the broker, not from that of the writer

	last   log.Offset // offset of its last record; math.MaxInt64 if unknown
	marker bool       // of a transaction: has no record
}

// HasFrom reports whether the batch has a record at or after an offset.
func (b Batch) HasFrom(at log.Offset) bool { return !b.marker && b.last >= at }

func (t *Topic) fetch(c sarama.Client, at log.Offset, limit int32) (b Batch, err error) {
	leader, epoch, err := c.LeaderAndEpoch(t.Name, Partition)
	if err != nil {
		return b, err
	}
	if ok, err := leader.Connected(); !ok {
		return b, errors.Join(sarama.ErrNotConnected, err)
	}
	request := &sarama.FetchRequest{Version: 12, MaxBytes: limit, SessionEpoch: -1}
	request.AddBlock(t.Name, Partition, int64(at), limit, epoch)
	answer, err := leader.Fetch(request)
	if err != nil {
		return b, undecodable(at, err)
	}
	block := answer.GetBlock(t.Name, Partition)
	switch {
	case block == nil:
		return b, sarama.ErrIncompleteResponse
	case block.Err != sarama.ErrNoError:
		return b, block.Err
	case block.Partial:
		return b, undecodable(at, errCutOff)
	}
	b.last = math.MaxInt64 // if there is no batch
	for _, records := range block.RecordsSet {
		if b, err = verifyBatch(records.RecordBatch); err != nil {
			return b, undecodable(at, err)
		}
	}
	return b, nil
}

// verifyBatch returns an error if the batch is not sound.
func verifyBatch(b *sarama.RecordBatch) (Batch, error) {
	switch {
	case b == nil: // older than format 2
		return Batch{last: math.MaxInt64}, nil
	case b.PartialTrailingRecord:
		return Batch{}, errCutOff
	}
	next := int64(0)
	for _, r := range b.Records {
		if r.OffsetDelta < next || r.OffsetDelta > int64(b.LastOffsetDelta) {
			return Batch{}, fmt.Errorf("a record at %d of 0 to %d, where %d was due", r.OffsetDelta, b.LastOffsetDelta, next)
		}
		next = r.OffsetDelta + 1
	}
	return Batch{After: log.Offset(b.LastOffset()) + 1, last: log.Offset(b.FirstOffset+next) - 1, marker: b.Control, Newest: b.MaxTimestamp, ByBroker: b.LogAppendTime}, nil
}

var errCutOff = errors.New("it ends before its records do")

// ErrUndecodable is wrapped for a batch that cannot be decoded. Its checksum, which sarama
// verifies first, was right unless a sarama.PacketDecodingError is wrapped too.
var ErrUndecodable = errors.New("the record batch cannot be decoded")

// undecodable returns the error of a fetch of the batch at an offset. An error of the
// connection is returned unchanged.
func undecodable(at log.Offset, err error) error {
	if !OfContent(err) {
		return err
	}
	return fmt.Errorf("offset %d was due: %w: %w", at, ErrUndecodable, err)
}

// OfContent reports whether an error concerns what was fetched, not the connection.
func OfContent(err error) bool {
	var network net.Error
	var code sarama.KError
	var access *conn.AccessError
	return !errors.As(err, &network) && !errors.As(err, &code) && !errors.As(err, &access) && !errors.Is(err, io.EOF) && !errors.Is(err, conn.ErrCut) &&
		!HasCode(err, sarama.ErrOffsetOutOfRange) && !errors.Is(err, sarama.ErrOutOfBrokers) && !errors.Is(err, sarama.ErrNotConnected) &&
		!errors.Is(err, net.ErrClosed)
}
