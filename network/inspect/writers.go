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

// Foreign is a record that no orderer of ours wrote.
type Foreign struct {
	Offset log.Offset
	Kind   string
}

// lastLooked is how many records are looked at whatever their time is: a
// timestamp is what the writer's clock said.
const lastLooked = 1000

// Timed is a topic that finds records by their time.
type Timed interface {
	log.Log
	Since(ctx context.Context, t time.Time) (log.Offset, error)
}

var _ Timed = (*kafka.Log)(nil)

// ForeignWriters looks at the records that a topic got within a window of time, by
// their timestamps, and at the last thousand, for such as have not the mark that our
// orderers put into every record: in-tree orderers write none. It returns the first
// few, how many there are, and how many records it looked at.
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

// writer says what a record is, and whether an orderer of ours wrote it.
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
