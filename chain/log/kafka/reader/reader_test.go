package reader

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/IBM/sarama"

	"github.com/fabric-kafka/orderer/chain/log"
	"github.com/fabric-kafka/orderer/chain/log/kafka/client"
	"github.com/fabric-kafka/orderer/chain/log/kafka/conn"
)

// subscription is a sarama subscription whose channels the test fills.
type subscription struct {
	sarama.PartitionConsumer
	messages chan *sarama.ConsumerMessage
	errors   chan *sarama.ConsumerError
}

func (s subscription) Messages() <-chan *sarama.ConsumerMessage { return s.messages }
func (s subscription) Errors() <-chan *sarama.ConsumerError     { return s.errors }

// leader is a sarama client that knows only an epoch.
type leader struct {
	sarama.Client
	epoch *int32
}

func (l leader) LeaderAndEpoch(string, int32) (*sarama.Broker, int32, error) {
	if *l.epoch == -2 {
		return nil, -1, sarama.ErrLeaderNotAvailable
	}
	return sarama.NewBroker("a:1"), *l.epoch, nil
}

// pinless is what a reader has pinned before anything is known.
func pinless() *pinned {
	topic := client.Open(client.Config{Config: conn.Config{DialTimeout: time.Second, ReadTimeout: time.Second, WriteTimeout: time.Second}}, "topic")
	g := topic.Cluster.Gate()
	g.Close() // nothing connects
	c, err := conn.NewClient(g.Config())
	if err != nil {
		panic(err)
	}
	return pin(context.Background(), c, topic)
}

// fed returns a reader at offset 5 with records 5 and 6 fetched, and its subscription.
func fed(p *pinned) (*reader, subscription) {
	s := subscription{messages: make(chan *sarama.ConsumerMessage, 9), errors: make(chan *sarama.ConsumerError, 9)}
	for _, at := range []int64{5, 6} {
		s.messages <- &sarama.ConsumerMessage{Offset: at}
	}
	return &reader{topic: client.Open(client.Config{}, "topic"), client: p, sub: s, budget: newBudget(1 << 20), next: 5, closed: context.Background()}, s
}

// The epochs that a client sees, in order, and whether Next then returns ErrNewLeader.
func TestPinnedEpoch(t *testing.T) {
	const noLeader = -2
	for _, test := range []struct {
		epochs  []int32
		changed bool
	}{
		{[]int32{3, 3, 3}, false},
		{[]int32{3, 4}, true},
		{[]int32{3, 4, 3}, true},
		{[]int32{3, 4, 5}, true},
		{[]int32{3, 0}, true}, // as after a topic was recreated
		{[]int32{3, noLeader, 3}, false},
		{[]int32{3, noLeader, 4}, true},
		{[]int32{-1, -1}, false},
		{[]int32{3, -1, 3}, false},
		{[]int32{-1, 3}, false},
	} {
		var epoch int32
		p := pinless()
		for _, epoch = range test.epochs {
			_ = p.find(leader{epoch: &epoch}) // the broker is not connected
		}
		for range 50 { // whichever case select chooses
			r, _ := fed(p)
			_, err := r.Next(t.Context())
			if errors.Is(err, log.ErrNewLeader) != test.changed || test.changed && log.ClassOf(err) != log.Retryable {
				t.Fatalf("%v: %v", test.epochs, err)
			}
		}
	}
}

// A new leader is reported before anything else.
func TestNewLeaderGoesBeforeErrors(t *testing.T) {
	for range 50 {
		p := pinless()
		p.see(3)
		p.see(4)
		r, s := fed(p)
		s.errors <- &sarama.ConsumerError{Err: sarama.ErrOffsetOutOfRange}
		close(s.messages)
		close(s.errors)
		for range 4 {
			if _, err := r.Next(t.Context()); !errors.Is(err, log.ErrNewLeader) {
				t.Fatal(err)
			}
		}
	}
}

// Records that were fetched before a fatal error are returned before it.
func TestFatalErrorFollowsRecords(t *testing.T) {
	for range 50 {
		r, s := fed(pinless())
		s.errors <- &sarama.ConsumerError{Err: client.UnknownTopicID}
		for _, want := range []log.Offset{5, 6} {
			if got, err := r.Next(t.Context()); err != nil || got.Offset != want {
				t.Fatal(got, err)
			}
		}
		for range 2 {
			_, err := r.Next(t.Context())
			if log.ClassOf(err) != log.Fatal || !strings.Contains(err.Error(), "offset 7 was due") {
				t.Fatal(err)
			}
		}
	}
}

// A stalled reader whose verification fails, because the brokers are down or too slow,
// verifies again.
func TestStalledReaderVerifiesAgain(t *testing.T) {
	topic := client.Open(client.Config{Config: conn.Config{Brokers: []string{"127.0.0.1:1"}, DialTimeout: time.Second, ReadTimeout: time.Second,
		WriteTimeout: time.Second, RetryBackoff: time.Millisecond}}, "topic")
	defer topic.Cluster.Close()
	r := &reader{topic: topic, client: pinless(), sub: subscription{}, end: 5, closed: t.Context(),
		stall: &stall{timer: time.NewTimer(0), timeout: time.Millisecond}}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for range 3 {
		if _, err := r.Next(ctx); err == nil || ctx.Err() != nil {
			t.Fatalf("%v, want why it cannot verify", err)
		}
	}
}

// BenchmarkNext measures Next, which is called for every record of the channel.
func BenchmarkNext(b *testing.B) {
	p := pinless()
	p.see(3)
	r, s := fed(p)
	for range 2 {
		<-s.messages
	}
	ctx, cancel := context.WithCancel(b.Context())
	defer cancel()
	r.closed = ctx
	msg := &sarama.ConsumerMessage{}
	for b.Loop() {
		msg.Offset = int64(r.next)
		s.messages <- msg
		if _, err := r.Next(ctx); err != nil {
			b.Fatal(err)
		}
	}
}
