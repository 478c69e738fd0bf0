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
	"github.com/fabric-kafka/orderer/chain/session"
)

// What the broker refuses is not ordered, and its client is told so. A batch
// that is open is cut once the replicas are back.
func TestRow03TooFewReplicas(t *testing.T) {
	// The client gives up by the number of its attempts, on a slow machine, too:
	// at a time limit nobody knew whether the last of them was refused.
	s := newScene(t, func(o *chain.Options) { o.AppendTimeout = patience })
	s.it.order("e")
	fault := s.cluster.Fault(kafkatest.Fault{Key: kafkatest.KeyProduce, Topic: channel, Code: kafkatest.CodeNotEnoughReplicas})
	s.fails("order", s.it.submit("refused"), session.ErrNotReady, "the envelope is not ordered", "min.insync.replicas")
	s.eventually("a time-to-cut fails", func() bool { return s.it.seen.now().cutFailed > 0 })
	s.other.takes("onwards")
	fault.Remove()
	s.eventually("the open batch is cut", func() bool { return s.it.count("e") == 1 })
	s.it.takes("f")
	if n := s.it.count("refused"); n != 0 {
		t.Errorf("what was refused is ordered %d times", n)
	}
}

// The broker appends and answers with an error: the client's attempts are one
// record, and a client that is told of an error is not told that it failed.
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
			s.fails("order", err, session.ErrNotReady, "may or may not be ordered")
			always.Remove()

			s.it.takes("f")
			for text, most := range map[string]int{"retried": 1, "unknown": 1} {
				if n := s.it.count(text); n > most || text == "retried" && n == 0 {
					t.Errorf("%s is ordered %d times: %s", text, n, s.it.ledger.Contents())
				}
			}
		})
	}
}

// Old blocks are there, readers are sent away after the grace, and reading goes
// on at the next offset.
func TestRow05AllBrokersDownAndBack(t *testing.T) {
	s := newScene(t)
	before := s.it.Errored()
	s.cluster.Kill()
	s.it.is(types.StatusInactive)
	s.it.refuses(session.ErrNotReady, "awaiting a connection to the brokers", s.cluster.Address())
	s.eventually("readers are sent away", func() bool { return closed(before) })
	if s.it.ledger.Block(2) == nil {
		t.Error("a block is gone")
	}
	s.cluster.Resume()
	s.it.is(types.StatusActive)
	if closed(s.it.Errored()) {
		t.Error("readers are sent away after the recovery")
	}
	s.it.order("e", "f")
	s.it.holds(told + "; e f @6")
}

// An orderer starts, and serves what it has; the channel comes once Kafka does.
func TestRow06BrokersDownAtStart(t *testing.T) {
	t.Run("with blocks", func(t *testing.T) {
		s := newScene(t)
		s.restarts(s.cluster.Kill)
		s.it.refuses(session.ErrNotReady, "awaiting a connection to the brokers", s.cluster.Address())
		s.it.is(types.StatusInactive)
		if s.it.ledger.Block(2) == nil {
			t.Error("a block is gone")
		}
		s.cluster.Resume()
		s.it.ready().order("e", "f")
		s.it.holds(told + "; e f @6")
	})
	t.Run("without", func(t *testing.T) {
		w := newWorld(t, kafkatest.Options{})
		w.cluster.Stop()
		o := w.orderer(w.ledger(channel))
		o.refuses(session.ErrNotReady, "awaiting a connection to the brokers")
		w.cluster.Resume()
		o.ready().order("a", "b")
		o.holds("a b @2")
	})
}

// load sends numbered envelopes from several clients of an orderer, one after
// the other, and knows what became of them.
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

// sent waits until that many more were acknowledged.
func (l *load) sent(more int) *load {
	l.o.w.Helper()
	goal := l.count() + more
	l.o.w.eventually(fmt.Sprintf("%d more envelopes are acknowledged", more), func() bool { return l.count() >= goal })
	return l
}

func (l *load) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.acked)
}

// sound ends the load and checks ledgers: what was acknowledged is there once,
// in each client's order; anything else at most once; and they are equal.
func (l *load) sound(ledgers ...*orderer) {
	w := l.o.w
	w.Helper()
	close(l.stop)
	l.together.Wait()
	for _, o := range ledgers {
		o.ready().takes("last-" + l.name)
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
			w.Errorf("client %d's envelope %d is after %d", client, n, before)
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
			w.Errorf("%s was acknowledged and is ordered %d times", text, seen[text])
		}
	}
}

// Leaders come and go faster than a block; three brokers, two orderers.
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
