package reader

import (
	"context"

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
		for b, err := range r.topic.Batches(c, r.next, r.end) {
			if err != nil {
				return err
			}
			if found = b.HasFrom(r.next); found {
				return nil
			}
		}
		return r.verifyToEnd(c, r.end)
	})
	return found, err
}

// findUndecodable returns an error that names the first batch from the next offset on that
// does not decode.
func (r *reader) findUndecodable() error {
	return r.withClient(func(c sarama.Client) error { return r.verifyToEnd(c, r.next) })
}

// verifyGap verifies the batches between the expected offset and the one that arrived. The
// marker of a transaction is not a record. But a batch whose records have wrong offsets
// would make sarama skip following records, or go back; how many depends on where a fetch
// ended, and so on the orderer.
func (r *reader) verifyGap(arrived log.Offset) error {
	return r.withClient(func(c sarama.Client) error { return r.verify(c, r.next, arrived) })
}

// withClient runs f with a client of its own until the call of Next or the reader ends: on
// the reader's, f would wait behind the fetch in flight.
func (r *reader) withClient(f func(sarama.Client) error) error {
	ctx, cancel := context.WithCancel(r.closed)
	defer cancel()
	defer context.AfterFunc(r.call, cancel)()
	return r.topic.Call(ctx, "read", func(c sarama.Client, _ *conn.Gate) error { return f(c) })
}

// verify verifies every batch that overlaps a range of offsets.
func (r *reader) verify(c sarama.Client, from, to log.Offset) error {
	for _, err := range r.topic.Batches(c, from, to) {
		if err != nil {
			return err
		}
	}
	return nil
}

// verifyToEnd is verify up to the current end of the log.
func (r *reader) verifyToEnd(c sarama.Client, from log.Offset) error {
	bounds, err := r.topic.Bounds(c)
	if err != nil {
		return err
	}
	return r.verify(c, from, bounds.End)
}
