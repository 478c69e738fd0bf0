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
)

// sarama takes a batch whose records do not decode for one that was cut off by
// the limit of the fetch: it asks for more of it, at once, for ever, and is
// silent. Of other batches that it cannot decode it does not say where they are.
// So a reader that gets nowhere fetches by itself, one batch at a time, and
// names the first that is at fault.

// first looks for the first batch from the next offset on that has records, or does
// not decode: it returns an error that names one that does not, and reports whether
// there is any record before the end that the log had. A batch behind a sound one is
// not what keeps it from coming, and the rest of the log may be large.
func (r *reader) first() (found bool, err error) {
	err = r.apart(func(c sarama.Client) error {
		for b, err := range r.log.batches(c, r.next, r.end) {
			if err != nil {
				return err
			}
			if found = b.holds(r.next); found {
				return nil
			}
		}
		return r.log.soundToEnd(c, r.end)
	})
	return found, err
}

// locate looks for the first batch from the next offset on that does not
// decode, and returns an error that names it.
func (r *reader) locate() error {
	return r.apart(func(c sarama.Client) error { return r.log.soundToEnd(c, r.next) })
}

// gap looks at what is between the offset that was due and the one that came.
// The marker of a transaction is no record. But a batch whose records lie about
// their offsets would make sarama skip as many of those that follow, or go back;
// how many depends on where a fetch ended, and so on the orderer.
func (r *reader) gap(came log.Offset) error {
	return r.apart(func(c sarama.Client) error { return r.log.sound(c, r.next, came) })
}

// apart runs f with a client of its own, until the call of Next or the reader ends:
// on the reader's, it would wait behind the fetch in flight.
func (r *reader) apart(f func(sarama.Client) error) error {
	ctx, cancel := context.WithCancel(r.closed)
	defer cancel()
	defer context.AfterFunc(r.call, cancel)()
	return r.log.client(ctx, "read", f)
}

// sound looks at every batch that has an offset in a range in it.
func (l *Log) sound(c sarama.Client, from, to log.Offset) error {
	for _, err := range l.batches(c, from, to) {
		if err != nil {
			return err
		}
	}
	return nil
}

// soundToEnd is sound up to the end that the log has now.
func (l *Log) soundToEnd(c sarama.Client, from log.Offset) error {
	bounds, err := l.bounds(c)
	if err != nil {
		return err
	}
	return l.sound(c, from, bounds.End)
}

// batches yields those that have an offset in a range in them, up to the first error.
func (l *Log) batches(c sarama.Client, from, to log.Offset) iter.Seq2[batch, error] {
	return func(yield func(batch, error) bool) {
		for at := from; at < to; {
			b, err := l.look(c, at)
			if !yield(b, err) || err != nil {
				return
			}
			at = max(b.after, at+1)
		}
	}
}

// look fetches the batch that has an offset in it.
func (l *Log) look(c sarama.Client, at log.Offset) (batch, error) {
	b, err := l.fetch(c, at, 1) // a broker gives the first batch whole all the same
	if errors.Is(err, errCutOff) {
		b, err = l.fetch(c, at, sarama.MaxResponseSize/2) // unless it is a strange one
	}
	return b, err
}

// batch is what matters of a sound record batch.
type batch struct {
	after  log.Offset // its last one
	last   log.Offset // of its records; math.MaxInt64 if that is not known
	marker bool       // of a transaction: no record

	newest   time.Time // time stamp of a record
	byBroker bool      // given by the broker, not by the writer
}

// holds reports whether a record at or after an offset is in the batch.
func (b batch) holds(at log.Offset) bool { return !b.marker && b.last >= at }

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
	b.last = math.MaxInt64 // of no batch
	for _, records := range block.RecordsSet {
		if b, err = examine(records.RecordBatch); err != nil {
			return b, undecodable(at, err)
		}
	}
	return b, nil
}

// examine makes sure that a batch is sound.
func examine(b *sarama.RecordBatch) (batch, error) {
	switch {
	case b == nil: // older than format 2
		return batch{last: math.MaxInt64}, nil
	case b.PartialTrailingRecord:
		return batch{}, errCutOff
	}
	due := int64(0)
	for _, r := range b.Records {
		if r.OffsetDelta < due || r.OffsetDelta > int64(b.LastOffsetDelta) {
			return batch{}, fmt.Errorf("a record at %d of 0 to %d, where %d was due", r.OffsetDelta, b.LastOffsetDelta, due)
		}
		due = r.OffsetDelta + 1
	}
	return batch{after: log.Offset(b.LastOffset()) + 1, last: log.Offset(b.FirstOffset+due) - 1, marker: b.Control, newest: b.MaxTimestamp, byBroker: b.LogAppendTime}, nil
}

var errCutOff = errors.New("it ends before its records do")

// errUndecodable is wrapped by what look makes of a batch. Its checksum was right,
// which sarama looks at first, unless a sarama.PacketDecodingError is wrapped too.
var errUndecodable = errors.New("the record batch cannot be decoded")

// undecodable is the error of a fetch of the batch at an offset. What has to do
// with the connection stays as it is.
func undecodable(at log.Offset, err error) error {
	if !ofContent(err) {
		return err
	}
	return fmt.Errorf("offset %d was due: %w: %w", at, errUndecodable, err)
}

// ofContent says whether an error tells of what was fetched, not of the way to it.
func ofContent(err error) bool {
	var network net.Error
	var code sarama.KError
	var access *accessError
	return !errors.As(err, &network) && !errors.As(err, &code) && !errors.As(err, &access) && !errors.Is(err, io.EOF) && !errors.Is(err, errCut) &&
		!is(err, sarama.ErrOffsetOutOfRange) && !errors.Is(err, sarama.ErrOutOfBrokers) && !errors.Is(err, sarama.ErrNotConnected) &&
		!errors.Is(err, net.ErrClosed)
}
