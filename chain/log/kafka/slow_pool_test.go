package kafka_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/fabric-kafka/orderer/chain/log"
	"github.com/fabric-kafka/orderer/chain/log/kafka"
	"github.com/fabric-kafka/orderer/chain/log/kafka/conn"
	"github.com/fabric-kafka/orderer/chain/log/kafka/kafkatest"
)

// sharing is a sluggish cluster whose logs share pools.
func sharing(t *testing.T) *sluggish {
	h := startSluggish(t)
	h.Pools = conn.NewPools(time.Hour)
	return h
}

// warm makes connections to all brokers that later calls use.
func (h *sluggish) warm(t *testing.T) *kafka.Log {
	l := h.open(t)
	h.session(t, l, "before")
	_, err := l.Survey(t.Context())
	kafkatest.Must(t, err)
	_, err = l.Published(t.Context(), "orderer")
	kafkatest.Must(t, err)
	return l
}

// A broker other than the leader gets a fault after clients have connected to it.
func TestAPooledBrokerIsSlow(t *testing.T) {
	t.Parallel()
	for f := hung; f <= late; f++ {
		t.Run(f.String(), func(t *testing.T) {
			t.Parallel()
			h := sharing(t)
			l := h.warm(t)
			h.lanes.set(h.Addresses()[others], f)
			for n := range 3 {
				h.session(t, l, fmt.Sprint(n))
				h.session(t, h.open(t), fmt.Sprint("another ", n))
			}
		})
	}
}

// The leader gets a fault after clients have connected to it, and another one is elected.
func TestAPooledLeaderIsSlow(t *testing.T) {
	t.Parallel()
	for f := hung; f <= late; f++ {
		t.Run(f.String(), func(t *testing.T) {
			t.Parallel()
			h := sharing(t)
			l := h.warm(t)
			h.lanes.set(h.Addresses()[leader], f)
			h.Move("topic", 1)
			for n := range 2 {
				h.session(t, l, fmt.Sprint(n))
				h.session(t, h.open(t), fmt.Sprint("another ", n))
			}
		})
	}
}

// Many channels wait for a coordinator that hangs: that delays no other channel, and closing one of them closes nothing
// of another's.
func TestManyWaitForASlowCoordinator(t *testing.T) {
	t.Parallel()
	h := sharing(t)
	l := h.warm(t)
	h.lanes.set(h.Addresses()[1], hung)
	h.lanes.set(h.Addresses()[2], hung)
	var publishing sync.WaitGroup
	defer publishing.Wait()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var stuck []*kafka.Log
	for n := range 40 {
		s := h.open(t)
		stuck = append(stuck, s)
		publishing.Go(func() {
			for ctx.Err() == nil {
				_ = s.Publish(ctx, log.Progress{Member: fmt.Sprint("orderer.", n), Next: 1, At: time.Now()})
			}
		})
	}
	for n := range 3 {
		h.session(t, l, fmt.Sprint(n))
		within(t, "closing", func(context.Context) error { return stuck[n].Close() })
	}
}

// The topic's id is asked of the leader that records came from, and no other broker knows it for it: a leader that is late
// is not abandoned. Its answers arrive, to a connection that is open and to one that is not.
func TestALateLeaderNamesItsTopic(t *testing.T) {
	t.Parallel()
	h := sharing(t)
	l := h.warm(t)
	r := kafkatest.Read(t, l, 0)
	kafkatest.Must(t, second(r.Source(t.Context())))
	h.lanes.set(h.Addresses()[leader], late)
	for range 2 {
		within(t, "the topic's id", func(ctx context.Context) error { return second(r.Source(ctx)) })
	}
}

func second(_ string, err error) error { return err }
