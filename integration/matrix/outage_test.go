package matrix

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/hyperledger/fabric/orderer/common/types"

	"github.com/fabric-kafka/orderer/chain"
	"github.com/fabric-kafka/orderer/chain/chaintest"
	"github.com/fabric-kafka/orderer/chain/log/kafka/kafkatest"
	"github.com/fabric-kafka/orderer/chain/status"
)

// An envelope that the broker refuses is not ordered, and its client gets an error. An
// open batch is cut once the replicas return.
func TestRow03TooFewReplicas(t *testing.T) {
	// The client must give up by its number of attempts, on a slow machine, too:
	// after a timeout it is unknown whether the last attempt was refused.
	s := newScene(t, func(o *chain.Options) { o.AppendTimeout = timeout })
	s.it.order("e")
	fault := s.cluster.Fault(kafkatest.Fault{Key: kafkatest.KeyProduce, Topic: channel, Code: kafkatest.CodeNotEnoughReplicas})
	s.fails("order", s.it.submit("refused"), status.ErrNotReady, "the envelope is not ordered", "min.insync.replicas")
	s.eventually("a time-to-cut fails", func() bool { return s.it.seen.now().cutFailed > 0 })
	s.other.accepts("onwards")
	fault.Remove()
	s.eventually("the open batch is cut", func() bool { return s.it.count("e") == 1 })
	s.it.accepts("f")
	if n := s.it.count("refused"); n != 0 {
		t.Errorf("the refused envelope is ordered %d times", n)
	}
}

// The broker appends and answers with an error: the client's attempts are one
// record, and an error that a client gets does not exclude that it is ordered.
func TestRow04AppendThenFail(t *testing.T) {
	for name, code := range map[string]int16{"timed out": kafkatest.CodeTimedOut, "replicas": kafkatest.CodeNotEnoughReplicasAppend} {
		t.Run(name, func(t *testing.T) {
			s := newScene(t)
			fault := kafkatest.Fault{Key: kafkatest.KeyProduce, Topic: channel, Code: code, Count: 3}
			s.cluster.Fault(fault)
			s.it.order("retried")

			fault.Count = 0
			always := s.cluster.Fault(fault)
			err := s.it.submit("unknown")
			s.fails("order", err, status.ErrNotReady, "may or may not be ordered")
			always.Remove()

			s.it.accepts("f")
			for text, limit := range map[string]int{"retried": 1, "unknown": 1} {
				if n := s.it.count(text); n > limit || text == "retried" && n == 0 {
					t.Errorf("%s is ordered %d times: %s", text, n, s.it.ledger.Contents())
				}
			}
		})
	}
}

// Old blocks stay readable, readers are disconnected after the grace period, and
// reading continues at the next offset.
func TestRow05AllBrokersDownAndBack(t *testing.T) {
	s := newScene(t)
	before := s.it.Errored()
	s.cluster.Kill()
	s.it.is(types.StatusInactive)
	s.it.refuses(status.ErrNotReady, "waiting for a connection to the brokers", s.cluster.Address())
	s.eventually("readers are disconnected", func() bool { return closed(before) })
	if s.it.ledger.Block(2) == nil {
		t.Error("a block is missing")
	}
	s.cluster.Resume()
	s.it.is(types.StatusActive)
	if closed(s.it.Errored()) {
		t.Error("readers are disconnected after the recovery")
	}
	s.it.order("e", "f")
	s.it.holds(initial + "; e f @6")
}

// An orderer starts and serves its blocks; the channel becomes ready once Kafka is up.
func TestRow06BrokersDownAtStart(t *testing.T) {
	t.Run("with blocks", func(t *testing.T) {
		s := newScene(t)
		s.restarts(s.cluster.Kill)
		s.it.refuses(status.ErrNotReady, "waiting for a connection to the brokers", s.cluster.Address())
		s.it.is(types.StatusInactive)
		if s.it.ledger.Block(2) == nil {
			t.Error("a block is missing")
		}
		s.cluster.Resume()
		s.it.ready().order("e", "f")
		s.it.holds(initial + "; e f @6")
	})
	t.Run("without", func(t *testing.T) {
		w := newWorld(t, kafkatest.Options{})
		w.cluster.Stop()
		o := w.orderer(w.ledger(channel))
		o.refuses(status.ErrNotReady, "waiting for a connection to the brokers")
		w.cluster.Resume()
		o.ready().order("a", "b")
		o.holds("a b @2")
	})
}

// load sends numbered envelopes from several clients of an orderer, each client one
// after another, and keeps their outcomes.
type load struct {
	o       *orderer
	name    string
	clients int

	mu       sync.Mutex
	acked    map[string]bool
	unknown  map[string]bool
	together sync.WaitGroup
	stop     chan struct{}
}

func (o *orderer) load(name string, clients int) *load {
	l := &load{o: o, name: name, clients: clients, acked: map[string]bool{}, unknown: map[string]bool{}, stop: make(chan struct{})}
	for c := range clients {
		l.together.Go(func() { l.send(c) })
	}
	return l
}

func (l *load) text(client, n int) string { return fmt.Sprintf("%s-%d-%d", l.name, client, n) }

func (l *load) send(client int) {
	for n := 0; !closed(l.stop); n++ {
		text := l.text(client, n)
		err := l.o.submit(text)
		l.mu.Lock()
		if err == nil {
			l.acked[text] = true
		} else {
			l.unknown[text] = true
		}
		l.mu.Unlock()
		if err != nil {
			time.Sleep(10 * time.Millisecond) // as a client does
		}
	}
}

// sent waits until this many more envelopes are acknowledged.
func (l *load) sent(more int) *load {
	l.o.w.Helper()
	want := l.count() + more
	l.o.w.eventually(fmt.Sprintf("%d more envelopes are acknowledged", more), func() bool { return l.count() >= want })
	return l
}

func (l *load) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.acked)
}

// sound ends the load and checks that the ledgers are equal and have each acknowledged
// envelope once, in the order of its client, and any other at most once.
func (l *load) sound(ledgers ...*orderer) {
	w := l.o.w
	w.Helper()
	close(l.stop)
	l.together.Wait()
	for _, o := range ledgers {
		o.ready().accepts("last-" + l.name)
	}
	for i, o := range ledgers {
		w.eventually("the ledgers are equal", func() bool { return chaintest.Differ(ledgers[0].ledger, o.ledger) == nil })
		if i > 0 {
			continue
		}
		l.once(o.texts())
	}
	w.Logf("%d acknowledged, %d unknown", len(l.acked), len(l.unknown))
}

func (l *load) once(texts []string) {
	w := l.o.w
	w.Helper()
	seen, last := map[string]int{}, map[int]int{}
	for _, text := range texts {
		seen[text]++
		var client, n int
		if _, err := fmt.Sscanf(text, l.name+"-%d-%d", &client, &n); err != nil {
			continue
		}
		if before, ok := last[client]; ok && n <= before {
			w.Errorf("client %d: envelope %d follows %d", client, n, before)
		}
		last[client] = n
		if !l.acked[text] && !l.unknown[text] {
			w.Errorf("%s was never sent", text)
		}
		if seen[text] > 1 {
			w.Errorf("%s is ordered %d times", text, seen[text])
		}
	}
	for text := range l.acked {
		if seen[text] != 1 {
			w.Errorf("%s was acknowledged but is ordered %d times", text, seen[text])
		}
	}
}

// Leaders change faster than blocks are cut; three brokers, two orderers.
func TestRow32LeaderMovesAllTheTime(t *testing.T) {
	w := newWorld(t, kafkatest.Options{Brokers: 3})
	a, b := w.orderer(w.ledger(channel)).ready(), w.orderer(w.ledger(channel)).ready()
	l := a.load("moved", 4)
	every := time.NewTicker(50 * time.Millisecond)
	defer every.Stop()
	for i := range 40 {
		<-every.C
		w.cluster.Move(channel, int32(i%3))
	}
	l.sent(50).sound(a, b)
	for _, o := range []*orderer{a, b} {
		if failed := errors.Join(o.seen.now().failed...); failed != nil {
			t.Error(failed)
		}
	}
}
