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

// lastLooked is the number of last records that are checked regardless of their
// timestamps, which depend on the writer's clock.
const lastLooked = 1000

// Timed is a topic that finds records by their time.
type Timed interface {
	log.Log
	Since(ctx context.Context, t time.Time) (log.Offset, error)
}

var _ Timed = (*kafka.Log)(nil)

// ForeignWriters checks the records of a topic within a time window, by their
// timestamps, and the last thousand, for records without the mark that our orderers
// put into every record and in-tree orderers do not. It returns the first few, their
// number, and the number of checked records.
func ForeignWriters(ctx context.Context, l Timed, window time.Duration) (first []Foreign, foreign, all int, err error) {
	if window <= 0 {
		return nil, 0, 0, fmt.Errorf("window %v: want a time in which other writers would have been seen", window)
	}
	from, err := l.Since(ctx, time.Now().Add(-window))
	if err != nil {
		return nil, 0, 0, err
	}
	bounds, err := l.Bounds(ctx)
	if err != nil {
		return nil, 0, 0, err
	}
	from = max(bounds.Start, min(from, bounds.End-lastLooked))
	reader, err := l.Read(ctx, from)
	if err != nil {
		return nil, 0, 0, err
	}
	defer reader.Close()
	for next := from; next < bounds.End; {
		r, err := reader.Next(ctx)
		if errors.Is(err, log.ErrNoRecord) {
			break
		}
		if err != nil {
			return nil, 0, 0, err
		}
		next = r.Offset + 1
		all++
		if kind, ours := writer(r.Value); !ours {
			foreign++
			first = append(first, Foreign{r.Offset, kind})[:min(foreign, 5)]
		}
	}
	return first, foreign, all, nil
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
