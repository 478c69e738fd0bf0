package kafka

import (
	"context"
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

// sarama mistakes a batch whose records do not decode for one that was truncated by the
// limit of the fetch: it silently requests more of it, at once and without end. It does not
// report the offset of other batches that it cannot decode. So a reader without progress
// fetches by itself, one batch at a time, and names the first one that does not decode.

// first finds the first batch from the next offset on that has records or does not decode.
// It returns an error that names a batch that does not decode, and reports whether there is
// any record before the end that the log had. It stops at a sound batch: later ones do not
// keep that one from arriving, and the rest of the log may be large.
func (r *reader) first() (found bool, err error) {
	err = r.withClient(func(c sarama.Client) error {
		for b, err := range r.log.batches(c, r.next, r.end) {
			if err != nil {
				return err
			}
			if found = b.hasFrom(r.next); found {
				return nil
			}
		}
		return r.log.verifyToEnd(c, r.end)
	})
	return found, err
}

// findUndecodable returns an error that names the first batch from the next offset on that
// does not decode.
func (r *reader) findUndecodable() error {
	return r.withClient(func(c sarama.Client) error { return r.log.verifyToEnd(c, r.next) })
}

// verifyGap verifies the batches between the expected offset and the one that arrived. The
// marker of a transaction is not a record. But a batch whose records have wrong offsets
// would make sarama skip following records, or go back; how many depends on where a fetch
// ended, and so on the orderer.
func (r *reader) verifyGap(arrived log.Offset) error {
	return r.withClient(func(c sarama.Client) error { return r.log.verify(c, r.next, arrived) })
}

// withClient runs f with a client of its own until the call of Next or the reader ends: on
// the reader's, f would wait behind the fetch in flight.
func (r *reader) withClient(f func(sarama.Client) error) error {
	ctx, cancel := context.WithCancel(r.closed)
	defer cancel()
	defer context.AfterFunc(r.call, cancel)()
	return r.log.client(ctx, "read", f)
}

// verify verifies every batch that overlaps a range of offsets.
func (l *Log) verify(c sarama.Client, from, to log.Offset) error {
	for _, err := range l.batches(c, from, to) {
		if err != nil {
			return err
		}
	}
	return nil
}

// verifyToEnd is verify up to the current end of the log.
func (l *Log) verifyToEnd(c sarama.Client, from log.Offset) error {
	bounds, err := l.bounds(c)
	if err != nil {
		return err
	}
	return l.verify(c, from, bounds.End)
}

// batches yields the batches that overlap a range of offsets, up to the first error.
func (l *Log) batches(c sarama.Client, from, to log.Offset) iter.Seq2[batch, error] {
	return func(yield func(batch, error) bool) {
		for at := from; at < to; {
			b, err := l.batchAt(c, at)
			if !yield(b, err) || err != nil {
				return
			}
			at = max(b.after, at+1)
		}
	}
}

// batchAt fetches the batch that contains an offset.
func (l *Log) batchAt(c sarama.Client, at log.Offset) (batch, error) {
	b, err := l.fetch(c, at, 1) // a broker returns the first batch whole nevertheless
	if errors.Is(err, errCutOff) {
		b, err = l.fetch(c, at, sarama.MaxResponseSize/2) // which some brokers do not
	}
	return b, err
}

// batch is the relevant properties of a sound record batch.
type batch struct {
	after  log.Offset // first offset after the batch
	last   log.Offset // offset of its last record; math.MaxInt64 if unknown
	marker bool       // of a transaction: has no record

	newest   time.Time // newest time stamp of a record
	byBroker bool      // assigned by the broker, not by the writer
}

// hasFrom reports whether the batch has a record at or after an offset.
func (b batch) hasFrom(at log.Offset) bool { return !b.marker && b.last >= at }

func (l *Log) fetch(c sarama.Client, at log.Offset, limit int32) (b batch, err error) {
	leader, epoch, err := c.LeaderAndEpoch(l.topic, partition)
	if err != nil {
		return b, err
	}
	if ok, err := leader.Connected(); !ok {
		return b, errors.Join(sarama.ErrNotConnected, err)
	}
	request := &sarama.FetchRequest{Version: 12, MaxBytes: limit, SessionEpoch: -1}
	request.AddBlock(l.topic, partition, int64(at), limit, epoch)
	answer, err := leader.Fetch(request)
	if err != nil {
		return b, undecodable(at, err)
	}
	block := answer.GetBlock(l.topic, partition)
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
func verifyBatch(b *sarama.RecordBatch) (batch, error) {
	switch {
	case b == nil: // older than format 2
		return batch{last: math.MaxInt64}, nil
	case b.PartialTrailingRecord:
		return batch{}, errCutOff
	}
	next := int64(0)
	for _, r := range b.Records {
		if r.OffsetDelta < next || r.OffsetDelta > int64(b.LastOffsetDelta) {
			return batch{}, fmt.Errorf("a record at %d of 0 to %d, where %d was due", r.OffsetDelta, b.LastOffsetDelta, next)
		}
		next = r.OffsetDelta + 1
	}
	return batch{after: log.Offset(b.LastOffset()) + 1, last: log.Offset(b.FirstOffset+next) - 1, marker: b.Control, newest: b.MaxTimestamp, byBroker: b.LogAppendTime}, nil
}

var errCutOff = errors.New("it ends before its records do")

// errUndecodable is wrapped for a batch that cannot be decoded. Its checksum, which sarama
// verifies first, was right unless a sarama.PacketDecodingError is wrapped too.
var errUndecodable = errors.New("the record batch cannot be decoded")

// undecodable returns the error of a fetch of the batch at an offset. An error of the
// connection is returned unchanged.
func undecodable(at log.Offset, err error) error {
	if !ofContent(err) {
		return err
	}
	return fmt.Errorf("offset %d was due: %w: %w", at, errUndecodable, err)
}

// ofContent reports whether an error concerns what was fetched, not the connection.
func ofContent(err error) bool {
	var network net.Error
	var code sarama.KError
	var access *conn.AccessError
	return !errors.As(err, &network) && !errors.As(err, &code) && !errors.As(err, &access) && !errors.Is(err, io.EOF) && !errors.Is(err, conn.ErrCut) &&
		!is(err, sarama.ErrOffsetOutOfRange) && !errors.Is(err, sarama.ErrOutOfBrokers) && !errors.Is(err, sarama.ErrNotConnected) &&
		!errors.Is(err, net.ErrClosed)
}
