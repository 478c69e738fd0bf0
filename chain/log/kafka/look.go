package kafka

import (
	"context"
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
	timer    *time.Timer
	patience time.Duration
	seen     log.Offset // next offset when the timer was set
}

func newWatch(from, end log.Offset) *watch {
	if from >= end {
		return nil
	}
	return &watch{timer: time.NewTimer(stall), patience: stall, seen: from}
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
	w.timer.Reset(w.patience)
	return false
}

// again has the reader look once more, but later: the broker may just be slow.
func (w *watch) again() {
	w.patience *= 2
	w.timer.Reset(w.patience)
}

// sarama takes a batch whose records do not decode for one that was cut off by
// the limit of the fetch: it asks for more of it, at once, for ever, and is
// silent. Of other batches that it cannot decode it does not say where they are.
// So a reader that gets nowhere fetches by itself, one batch at a time, and
// names the first that is at fault.

// locate looks for the first batch from the next offset on that does not
// decode, and returns an error that names it. If there is none, it says whether
// there is any record before the end that the log had.
func (r *reader) locate() (found bool, err error) {
	err = r.apart(func(c sarama.Client) error {
		bounds, err := r.log.bounds(c)
		if err != nil {
			return err
		}
		found, err = r.log.sound(c, r.next, r.end)
		if err != nil {
			return err
		}
		_, err = r.log.sound(c, max(r.next, r.end), bounds.End)
		return err
	})
	return found, err
}

// search locates until the subscription gets on after all: what is behind the record
// that came is not searched, which may be all of a long log.
func (r *reader) search(ctx context.Context) (came *sarama.ConsumerMessage, found bool, err error) {
	call, cancel := context.WithCancel(ctx)
	r.call = call
	defer func() { r.call = ctx }()
	defer cancel()
	looked := make(chan struct{})
	go func() {
		defer close(looked)
		found, err = r.locate()
	}()
	select {
	case <-looked:
		return nil, found, err
	case came = <-r.sub.Messages(): // nil once the subscription has ended: await says why
		cancel()
		<-looked
		return came, true, nil
	}
}

// gap looks at what is between the offset that was due and the one that came.
// The marker of a transaction is no record. But a batch whose records lie about
// their offsets would make sarama skip as many of those that follow, or go back;
// how many depends on where a fetch ended, and so on the orderer.
func (r *reader) gap(came log.Offset) error {
	return r.apart(func(c sarama.Client) error {
		_, err := r.log.sound(c, r.next, came)
		return err
	})
}

// apart runs f with a client of its own, until the call of Next or the reader ends:
// on the reader's, it would wait behind the fetch in flight.
func (r *reader) apart(f func(sarama.Client) error) error {
	ctx, cancel := context.WithCancel(r.closed)
	defer cancel()
	defer context.AfterFunc(r.call, cancel)()
	return r.log.client(ctx, "read", f)
}

// sound looks at every batch that has an offset in a range in it, and says
// whether one of them has records.
func (l *Log) sound(c sarama.Client, from, to log.Offset) (found bool, err error) {
	for at := from; at < to; {
		batch, err := l.look(c, at)
		if err != nil {
			return found, err
		}
		found = found || !batch.marker
		at = max(batch.after, at+1)
	}
	return found, nil
}

// look fetches the batch that has an offset in it.
func (l *Log) look(c sarama.Client, at log.Offset) (batch, error) {
	b, err := l.fetch(c, at, 1) // a broker gives the first batch whole all the same
	if errors.Is(err, errCutOff) {
		b, err = l.fetch(c, at, sarama.MaxResponseSize/2) // unless it is a strange one
	}
	return b, err
}

// batch is what matters of a sound record batch. The zero value is one of an older format.
type batch struct {
	after  log.Offset // its last one
	marker bool       // of a transaction: no record

	newest   time.Time // time stamp of a record
	byBroker bool      // given by the broker, not by the writer
}

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
		return batch{}, nil
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
	return batch{after: log.Offset(b.LastOffset()) + 1, marker: b.Control, newest: b.MaxTimestamp, byBroker: b.LogAppendTime}, nil
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
