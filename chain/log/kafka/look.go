package kafka

import (
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/IBM/sarama"

	"github.com/fabric-kafka/orderer/chain/log"
)

// stall is how long nothing may come of a log that has more before the reader
// looks for itself.
const stall = 500 * time.Millisecond

// watch sees whether a reader gets on, as long as it is behind the end that the
// log had. Its cost does not grow with the records.
type watch struct {
	timer *time.Timer
	seen  log.Offset // next offset when the timer was set
}

func newWatch(from, end log.Offset) *watch {
	if from >= end {
		return nil
	}
	return &watch{timer: time.NewTimer(stall), seen: from}
}

// due is never ready on a nil watch.
func (w *watch) due() <-chan time.Time {
	if w == nil {
		return nil
	}
	return w.timer.C
}

// stalled says whether the reader is where it was when the timer was set. The
// timer is set again unless it is, or is at the end.
func (w *watch) stalled(next, end log.Offset) bool {
	switch {
	case next >= end:
		return false
	case next == w.seen:
		return true
	}
	w.seen = next
	w.timer.Reset(stall)
	return false
}

// sarama takes a batch whose records do not decode for one that was cut off by
// the limit of the fetch: it asks for more of it, at once, for ever, and is
// silent. Of other batches that it cannot decode it does not say where they are.
// So a reader that gets nowhere fetches by itself, one batch at a time, and
// names the first that is at fault.

// locate looks for the first batch from the next offset on that does not
// decode. It returns nil if there is none.
func (r *reader) locate() error {
	bounds, err := r.log.bounds(r.client.Client)
	if err != nil {
		return err
	}
	for at := r.next; at < bounds.End; {
		after, err := r.log.look(r.client.Client, at)
		if err != nil {
			return err
		}
		at = max(after, at+1)
	}
	return nil
}

// look fetches the batch that has an offset in it, and returns the offset after it.
func (l *Log) look(c sarama.Client, at log.Offset) (after log.Offset, err error) {
	after, err = l.fetch(c, at, 1) // a broker gives the first batch whole all the same
	if errors.Is(err, errCutOff) {
		after, err = l.fetch(c, at, sarama.MaxResponseSize/2) // unless it is a strange one
	}
	return after, err
}

func (l *Log) fetch(c sarama.Client, at log.Offset, limit int32) (after log.Offset, err error) {
	leader, epoch, err := c.LeaderAndEpoch(l.topic, partition)
	if err != nil {
		return 0, err
	}
	if ok, err := leader.Connected(); !ok {
		return 0, errors.Join(sarama.ErrNotConnected, err)
	}
	request := &sarama.FetchRequest{Version: 12, MaxBytes: limit, SessionEpoch: -1}
	request.AddBlock(l.topic, partition, int64(at), limit, epoch)
	answer, err := leader.Fetch(request)
	if err != nil {
		return 0, undecodable(at, err)
	}
	block := answer.GetBlock(l.topic, partition)
	switch {
	case block == nil:
		return 0, sarama.ErrIncompleteResponse
	case block.Err != sarama.ErrNoError:
		return 0, block.Err
	case block.Partial:
		return 0, undecodable(at, errCutOff)
	}
	for _, records := range block.RecordsSet {
		if after, err = next(records.RecordBatch); err != nil {
			return 0, undecodable(at, err)
		}
	}
	return after, nil
}

// next returns the offset after a batch that is sound.
func next(b *sarama.RecordBatch) (log.Offset, error) {
	switch {
	case b == nil: // older than format 2
		return 0, nil
	case b.PartialTrailingRecord:
		return 0, errCutOff
	}
	due := int64(0)
	for _, r := range b.Records {
		if r.OffsetDelta < due || r.OffsetDelta > int64(b.LastOffsetDelta) {
			return 0, fmt.Errorf("a record at %d of 0 to %d, where %d was due", r.OffsetDelta, b.LastOffsetDelta, due)
		}
		due = r.OffsetDelta + 1
	}
	return log.Offset(b.LastOffset()) + 1, nil
}

// gap looks at what is between the offset that was due and the one that came.
// The marker of a transaction is no record. But a batch whose records lie about
// their offsets would make sarama skip as many of those that follow, or go back;
// how many depends on where a fetch ended, and so on the orderer.
func (r *reader) gap(came log.Offset) error {
	for at := r.next; at < came; {
		after, err := r.log.look(r.client.Client, at)
		if err != nil {
			return err
		}
		at = max(after, at+1)
	}
	return nil
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
	return !errors.As(err, &network) && !errors.As(err, &code) && !errors.Is(err, io.EOF) && !errors.Is(err, errCut) &&
		!is(err, sarama.ErrOffsetOutOfRange) && !errors.Is(err, sarama.ErrOutOfBrokers) && !errors.Is(err, sarama.ErrNotConnected) &&
		!errors.Is(err, net.ErrClosed)
}
