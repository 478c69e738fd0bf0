package producer

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/IBM/sarama"

	"github.com/fabric-kafka/orderer/chain/log"
	"github.com/fabric-kafka/orderer/chain/log/kafka/client"
	"github.com/fabric-kafka/orderer/chain/log/kafka/conn"
)

// topicLimit is the topic's max.message.bytes, read when a record was refused. A flood
// of such records must not become a flood of requests.
type topicLimit struct {
	asking sync.Mutex // held during the request

	mu    sync.Mutex
	bytes string // empty: unknown
	asked time.Time
}

// limitLasts is how long an answer may be used for an error's text.
const limitLasts = time.Second

// errKnownLimit is the cause if the topic's limit is already known.
var errKnownLimit = errors.New("the brokers were not asked again")

// tooLarge returns the error for a record that is too large for the topic, with the limit.
func (q *Queue) tooLarge(ctx context.Context, size int, refusal error) error {
	limit := q.maxBytes(ctx)
	if limit == "" {
		limit = "less; the brokers do not report it"
	}
	return &log.Error{Class: log.Rejected, Op: "append", Topic: q.topic.Name,
		Err: fmt.Errorf("%w: %d bytes and some overhead, the topic's %s is %s: %w", log.ErrTooLarge, size, client.MaxBytesSetting, limit, refusal)}
}

// maxBytes reads the limit from the brokers, unless another caller just did, or is doing so. The
// outcome of the append is already known: a missing answer does not change it.
func (q *Queue) maxBytes(ctx context.Context) string {
	if q.limit.asking.TryLock() {
		defer q.limit.asking.Unlock()
		if bytes, old := q.limit.get(); !old {
			return bytes
		}
		_ = q.topic.Call(ctx, "survey", func(c sarama.Client, g *conn.Gate) error {
			broker, err := g.Recent(c)
			if err != nil {
				return err
			}
			values, _, err := q.topic.Settings(broker)
			q.limit.set(values[client.MaxBytesSetting])
			return err
		})
	}
	bytes, _ := q.limit.get()
	return bytes
}

func (t *topicLimit) get() (bytes string, old bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.bytes, time.Since(t.asked) > limitLasts
}

// below reports whether a recently read limit is below size. The brokers are not asked
// again then, since each refusal costs a request that no other record may share.
func (t *topicLimit) below(size int) bool {
	bytes, old := t.get()
	limit, err := strconv.Atoi(bytes)
	return err == nil && !old && size > limit
}

func (t *topicLimit) set(bytes string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.bytes, t.asked = bytes, time.Now()
}
