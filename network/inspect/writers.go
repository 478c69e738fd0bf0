package inspect

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/IBM/sarama"

	"github.com/fabric-kafka/orderer/chain/log"
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

// ForeignWriters looks at the records that a topic got within a window of time, by
// their timestamps, and at the last thousand, for such as have not the mark that our
// orderers put into every record: in-tree orderers write none. It returns the first
// few, how many there are, and how many records it looked at.
func ForeignWriters(ctx context.Context, brokers []string, topic string, window time.Duration) (first []Foreign, foreign, all int, err error) {
	if window <= 0 {
		return nil, 0, 0, fmt.Errorf("window %v: want a time in which other writers would have been seen", window)
	}
	from, err := since(brokers, topic, time.Now().Add(-window))
	if err != nil {
		return nil, 0, 0, err
	}
	l, err := OpenTopic(brokers, topic)
	if err != nil {
		return nil, 0, 0, err
	}
	defer l.Close()
	bounds, err := l.Bounds(ctx)
	if err != nil {
		return nil, 0, 0, err
	}
	if from < 0 { // nothing was written since
		from = bounds.End
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

// since is the offset of the first record of a time; -1 if there is none.
func since(brokers []string, topic string, t time.Time) (log.Offset, error) {
	config := sarama.NewConfig()
	config.Version = sarama.V2_8_0_0
	config.Metadata.AllowAutoTopicCreation = false
	c, err := sarama.NewClient(brokers, config)
	if err != nil {
		return 0, err
	}
	defer c.Close()
	at, err := c.GetOffset(topic, 0, t.UnixMilli())
	if err != nil {
		return 0, fmt.Errorf("ask topic %q for its records since %s: %w", topic, t.Format(time.RFC3339), err)
	}
	return log.Offset(at), nil
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
