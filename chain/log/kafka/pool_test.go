package kafka_test

import (
	"context"
	"fmt"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fabric-kafka/orderer/chain/log"
	"github.com/fabric-kafka/orderer/chain/log/kafka"
	"github.com/fabric-kafka/orderer/chain/log/kafka/conn"
	"github.com/fabric-kafka/orderer/chain/log/kafka/kafkatest"
)

// meter counts the connections to the brokers.
type meter struct{ dialed, open atomic.Int64 }

func (m *meter) dial(ctx context.Context, network, address string) (net.Conn, error) {
	c, err := (&net.Dialer{}).DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	m.dialed.Add(1)
	m.open.Add(1)
	return &metered{Conn: c, meter: m}, nil
}

type metered struct {
	net.Conn
	meter  *meter
	closed atomic.Bool
}

func (c *metered) Close() error {
	if !c.closed.Swap(true) {
		c.meter.open.Add(-1)
	}
	return c.Conn.Close()
}

// opened returns a log with pools on a topic that exists.
func opened(t testing.TB, h kafkatest.Harness, m *meter, topic string) *kafka.Log {
	c := h.Config(log.Settings{ReplicationFactor: 1, MaxMessageBytes: 1 << 20})
	c.Brokers = h.Addresses()
	l, err := kafka.Open(kafka.WithDial(c, m.dial), topic)
	kafkatest.Must(t, err)
	t.Cleanup(func() { _ = l.Close() })
	kafkatest.Must(t, l.Create(t.Context()))
	return l
}

// check asks what a channel asks at each check of its topic.
func check(t testing.TB, l *kafka.Log, r log.Reader) {
	t.Helper()
	_, err := l.Identity(t.Context())
	kafkatest.Must(t, err)
	_, err = l.Bounds(t.Context())
	kafkatest.Must(t, err)
	_, err = r.Source(t.Context())
	kafkatest.Must(t, err)
	_, err = l.Survey(t.Context())
	kafkatest.Must(t, err)
	kafkatest.Must(t, l.Publish(t.Context(), log.Progress{Member: "orderer", Next: 1, At: time.Now()}))
	_, err = l.Published(t.Context(), "orderer")
	kafkatest.Must(t, err)
}

// A channel without transactions has two connections; those of its checks serve all channels. A log that is closed
// closes nothing of another one's.
func TestChannelsShareConnections(t *testing.T) {
	t.Parallel()
	h := kafkatest.NewHarness(t, 3)
	h.Pools = conn.NewPools(time.Hour)
	m := &meter{}
	const channels = 5
	var logs []*kafka.Log
	var readers []log.Reader
	for n := range channels {
		l := opened(t, h, m, fmt.Sprint("topic", n))
		r, err := l.Read(t.Context(), 0)
		kafkatest.Must(t, err)
		logs, readers = append(logs, l), append(readers, r)
		check(t, l, r)
	}
	before := m.dialed.Load()
	for range 3 {
		for n, l := range logs {
			check(t, l, readers[n])
		}
	}
	if now := m.dialed.Load(); now != before {
		t.Errorf("%d connections were made for checks", now-before)
	}
	const (
		forReader = 2     // for fetches, and for the topic's id
		forCalls  = 1 + 3 // to any broker, and to each
	)
	if open := m.open.Load(); open > forReader*channels+forCalls {
		t.Errorf("%d connections are open, want at most %d", open, forReader*channels+forCalls)
	}
	for n, l := range logs[1:] {
		kafkatest.Must(t, l.Close())
		check(t, logs[0], readers[0])
		if _, err := readers[n+1].Next(t.Context()); err == nil {
			t.Error("the reader of a log that is closed returns a record")
		}
	}
	kafkatest.Append(t, logs[0], "value")
	if got, err := kafkatest.Next(t, readers[0]); got != "value" || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
	kafkatest.Must(t, logs[0].Close())
	if open := m.open.Load(); open != 0 {
		t.Errorf("%d connections are left", open)
	}
}

// The brokers have restarted since the last call: its client has no connection any more.
func TestCallsAfterARestart(t *testing.T) {
	t.Parallel()
	h := kafkatest.NewHarness(t, 3)
	h.Pools = conn.NewPools(time.Hour)
	l := opened(t, h, &meter{}, "topic")
	r, err := l.Read(t.Context(), 0)
	kafkatest.Must(t, err)
	for range 3 {
		check(t, l, r)
		h.Stop(t)
		h.Resume(t)
		_, _ = r.Source(t.Context()) // over the reader's own connection, which is found closed
	}
	check(t, l, r)
}

// Calls log in again once their clients are too old: a password that is no longer right is noticed, and a new one is used.
func TestPasswordIsReadForNewClients(t *testing.T) {
	t.Parallel()
	const age = 300 * time.Millisecond
	c, s, _ := guarded(t, conn.Plain)
	l, err := kafka.Open(kafka.Config{Brokers: c.Addresses(), RetryBackoff: 10 * time.Millisecond, MaxDecompressedBytes: kafkatest.MaxDecompressedBytes,
		SASL: &conn.SASL{Mechanism: conn.Plain, User: user, Password: s.read}, Pools: conn.NewPools(age)}, "topic")
	kafkatest.Must(t, err)
	defer l.Close()
	kafkatest.Must(t, l.Create(t.Context()))
	for range 2 {
		s.put("wrong")
		began := time.Now()
		kafkatest.Eventually(t, "it is refused", func() bool {
			_, err := l.Identity(t.Context())
			return err != nil
		})
		if took := time.Since(began); took > age+5*time.Second {
			t.Errorf("it was noticed after %s", took)
		}
		s.put("first")
		_, err := l.Identity(t.Context())
		kafkatest.Must(t, err)
	}
}

// BenchmarkCheck is what an idle channel costs at each check, with and without clients that are kept.
func BenchmarkCheck(b *testing.B) {
	for name, pools := range map[string]*conn.Pools{"alone": nil, "pooled": conn.NewPools(0)} {
		b.Run(name, func(b *testing.B) {
			h := kafkatest.NewHarness(b, 3)
			h.Pools = pools
			m := &meter{}
			l := opened(b, h, m, "topic")
			r, err := l.Read(b.Context(), 0)
			kafkatest.Must(b, err)
			before := m.dialed.Load()
			for b.Loop() {
				check(b, l, r)
			}
			b.ReportMetric(float64(m.dialed.Load()-before)/float64(b.N), "connections/op")
		})
	}
}
