package inspect

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/fabric-kafka/orderer/chain/log"
	"github.com/fabric-kafka/orderer/chain/log/kafka"
	"github.com/fabric-kafka/orderer/chain/record"
)

// Foreign is a record that was not written by an orderer of ours.
type Foreign struct {
	Offset log.Offset
	Kind   string
}

// alwaysChecked is the number of newest records that are checked regardless of their
// timestamps, which depend on the writer's clock.
const alwaysChecked = 1000

// Timed is a topic that finds records by their time.
type Timed interface {
	log.Log
	Since(ctx context.Context, t time.Time) (log.Offset, error)
}

var _ Timed = (*kafka.Log)(nil)

// Writers is what a range of records shows of who wrote them.
type Writers struct {
	First   []Foreign  // first few of those that no orderer of ours wrote
	Foreign int        // number of those
	Records int        // number of records that were checked
	Next    log.Offset // first offset that was not checked
}

// ForeignWriters checks the records of a topic within a time window, by their
// timestamps, and the last thousand, for records without the mark that our orderers
// put in every record and in-tree orderers do not.
func ForeignWriters(ctx context.Context, l Timed, window time.Duration) (Writers, error) {
	if window <= 0 {
		return Writers{}, fmt.Errorf("window %v: want a time in which other clients would have been seen", window)
	}
	from, err := l.Since(ctx, time.Now().Add(-window))
	if err != nil {
		return Writers{}, err
	}
	bounds, err := l.Bounds(ctx)
	if err != nil {
		return Writers{}, err
	}
	return writersOf(ctx, l, max(bounds.Start, min(from, bounds.End-alwaysChecked)), bounds.End, func(log.Record) {})
}

// WritersSince checks, like [ForeignWriters], the records from an offset to the current end
// of the topic, and calls see for each of them.
func WritersSince(ctx context.Context, l log.Log, from log.Offset, see func(log.Record)) (Writers, error) {
	bounds, err := l.Bounds(ctx)
	if err != nil {
		return Writers{}, err
	}
	return writersOf(ctx, l, from, bounds.End, see)
}

func writersOf(ctx context.Context, l log.Log, from, end log.Offset, see func(log.Record)) (Writers, error) {
	w := Writers{Next: max(from, end)}
	if from >= end {
		return w, nil
	}
	reader, err := l.Read(ctx, from)
	if err != nil {
		return Writers{}, err
	}
	defer reader.Close()
	for next := from; next < end; {
		r, err := reader.Next(ctx)
		if errors.Is(err, log.ErrNoRecord) {
			break
		}
		if err != nil {
			return Writers{}, err
		}
		next = r.Offset + 1
		see(r)
		w.add(r)
	}
	return w, nil
}

func (w *Writers) add(r log.Record) {
	const few = 5
	w.Records++
	kind, ours := writer(r.Value)
	if ours {
		return
	}
	w.Foreign++
	if len(w.First) < few {
		w.First = append(w.First, Foreign{r.Offset, kind})
	}
}

// writer returns the kind of a record, and whether an orderer of ours wrote it.
func writer(value []byte) (kind string, ours bool) {
	m, err := record.Decode(value)
	switch {
	case err != nil:
		return "garbage", false
	case m.Type == nil:
		kind = "nothing"
	case m.GetRegular() != nil:
		kind = m.GetRegular().Class.String()
	case m.GetTimeToCut() != nil:
		kind = "time-to-cut"
	default:
		kind = "connect"
	}
	return kind, m.Writer != 0
}
