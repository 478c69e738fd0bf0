package kafka_test

import (
	"context"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fabric-kafka/orderer/chain/log"
	"github.com/fabric-kafka/orderer/chain/log/kafka"
	"github.com/fabric-kafka/orderer/chain/log/kafka/kafkatest"
)

// A broker has closed the idle connection, as it does after connections.max.idle.ms: that
// does not make the outcome of a record ambiguous that is refused then.
func TestAppendAfterIdleness(t *testing.T) {
	h := kafkatest.NewHasty(t)
	l, err := kafka.Open(kafka.WithMaxIdle(h.Config(log.Settings{ReplicationFactor: 1, MaxMessageBytes: 1 << 20}), 50*time.Millisecond), "topic")
	kafkatest.Must(t, err)
	defer l.Close()
	kafkatest.Must(t, l.Create(t.Context()))
	kafkatest.Append(t, l, "before")
	h.Cut()
	time.Sleep(60 * time.Millisecond)
	h.Cluster.Script("topic", kafkatest.Answer{Code: kafkatest.CodeTopicAuthorization})
	kafkatest.MustFail(t, "refused", l.Append(t.Context(), []byte("refused")), log.Retryable)
	h.Cluster.Script("topic")
	kafkatest.Append(t, l, "last")
	if got := kafkatest.Copies(t, l); got["refused"] != 0 || got["last"] != 1 {
		t.Errorf("the log has %v", got)
	}
}

// A connection on which no batch may be sent any more is closed.
func TestIdleProducerDisconnects(t *testing.T) {
	t.Parallel()
	h := kafkatest.NewHasty(t)
	var open atomic.Int64
	dial := func(ctx context.Context, network, address string) (net.Conn, error) {
		c, err := (&net.Dialer{}).DialContext(ctx, network, address)
		if err != nil {
			return nil, err
		}
		open.Add(1)
		return &tallied{Conn: c, open: &open}, nil
	}
	l, err := kafka.Open(kafka.WithMaxIdle(kafka.WithDial(h.Config(log.Settings{ReplicationFactor: 1, MaxMessageBytes: 1 << 20}), dial), 50*time.Millisecond), "topic")
	kafkatest.Must(t, err)
	defer l.Close()
	kafkatest.Must(t, l.Create(t.Context()))
	for _, value := range []string{"first", "second"} {
		kafkatest.Append(t, l, value)
		kafkatest.Eventually(t, "the connection is closed", func() bool { return open.Load() == 0 })
	}
	if got := kafkatest.Copies(t, l); got["first"] != 1 || got["second"] != 1 {
		t.Errorf("the log has %v", got)
	}
}

// tallied is a connection that counts while it is open.
type tallied struct {
	net.Conn
	open *atomic.Int64
	once sync.Once
}

func (c *tallied) Close() error {
	c.once.Do(func() { c.open.Add(-1) })
	return c.Conn.Close()
}
