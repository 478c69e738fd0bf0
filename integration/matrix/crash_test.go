package matrix

import (
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hyperledger/fabric/orderer/common/types"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/fabric-kafka/orderer/chain/chaintest"
	"github.com/fabric-kafka/orderer/chain/log/kafka"
	"github.com/fabric-kafka/orderer/chain/log/kafka/kafkatest"
	"github.com/fabric-kafka/orderer/chain/record"
	"github.com/fabric-kafka/orderer/chain/session"
)

// logged are the texts of the envelopes in a topic, as another client reads it.
func (w *world) logged(topic string) (texts []string) {
	w.Helper()
	end := w.cluster.Info(topic).End
	c := w.client(kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: {0: kgo.NewOffset().At(0)}}))
	defer c.Close()
	for at := int64(-1); at+1 < end; {
		fetches := c.PollFetches(w.Context())
		if err := fetches.Err(); err != nil {
			w.Fatal(err)
		}
		for r := range fetches.RecordsAll() {
			at = r.Offset
			m, err := record.Decode(r.Value)
			if err != nil {
				w.Fatal(err)
			}
			if m.GetRegular() != nil {
				texts = append(texts, chaintest.Text(m.GetRegular().Payload))
			}
		}
	}
	return texts
}

// The embedded broker forgets in a crash which attempts it has seen, so that one
// may be in its log twice, other than Kafka's. What is checked is that all that
// was acknowledged is ordered, and the chain is the log.
func TestRow01BrokerKilledUnderLoad(t *testing.T) {
	w := newWorld(t, kafkatest.Options{Brokers: 3})
	a, b := w.orderer(w.ledger(channel)).ready(), w.orderer(w.ledger(channel)).ready()
	l := a.load("killed", 4)
	for range 3 {
		l.sent(30)
		w.cluster.Kill()
		w.cluster.Resume()
	}
	l.sent(30)
	close(l.stop)
	l.together.Wait()
	a.takes("last")
	w.same(a, b)
	ordered := a.texts()
	for text := range l.acked {
		if !slices.Contains(ordered, text) {
			t.Errorf("%s was acknowledged and is not ordered", text)
		}
	}
	if inLog := w.logged(channel); !slices.Equal(ordered, inLog) {
		t.Errorf("ordered are\n%v, the log has\n%v", ordered, inLog)
	}
	t.Logf("%d acknowledged, %d unknown", len(l.acked), len(l.unknown))
}

func TestRow02LeaderFailover(t *testing.T) {
	w := newWorld(t, kafkatest.Options{Brokers: 3})
	a, b := w.orderer(w.ledger(channel)).ready(), w.orderer(w.ledger(channel)).ready()
	l := a.load("moved", 4).sent(20)
	w.cluster.Move(channel, (w.cluster.Info(channel).Leader+1)%3)
	l.sent(50).sound(a, b)
	for text := range l.unknown {
		t.Errorf("a client saw an error for %s", text)
	}
}

// The broker has the record, and the orderer goes before it hears of it.
func TestRow18OrdererGoesBeforeTheAcknowledgement(t *testing.T) {
	s := newScene(t)
	s.it.order("e")
	observed := s.cluster.Fault(kafkatest.Fault{Key: kafkatest.KeyProduce, Topic: channel, Observe: true})
	s.cluster.Swallow()
	told := make(chan error, 1)
	go func() { told <- s.it.submit("unheard") }()
	s.eventually("the broker has it", func() bool { return observed.Hits() > 0 })
	s.it.Halt()
	s.fails("order", <-told, session.ErrHalted, "may or may not be ordered")
	s.cluster.Flow()
	s.it = s.orderer(s.it.ledger).ready()
	s.it.takes("f")
	s.other.takes("onwards")
	if n := s.it.count("unheard"); n != 1 {
		t.Errorf("ordered %d times", n)
	}
}

// The orderer goes while its block is not on disk yet: the same block comes again.
func TestRow19OrdererGoesBeforeTheBlock(t *testing.T) {
	s := newScene(t)
	stalled := make(chan struct{})
	s.it.ledger.Stall(stalled)
	s.it.order("e", "f")
	s.eventually("the block is on its way", s.it.ledger.Writing)
	disk := s.it.ledger.UpTo(int(s.it.ledger.Height()))
	close(stalled)
	again := s.orderer(disk).ready()
	again.holds(told + "; e f @6")
	s.same(s.it, again)
}

// Each produce takes long. Nothing fails, nothing is sent twice.
func TestRow30SlowBroker(t *testing.T) {
	w := newWorld(t, kafkatest.Options{})
	o := w.orderer(w.ledger(channel)).ready()
	w.cluster.Slow(kafkatest.KeyProduce, 300*time.Millisecond)
	observed := w.cluster.Fault(kafkatest.Fault{Key: kafkatest.KeyProduce, Topic: channel, Observe: true})
	l := o.load("slow", 50).sent(300)
	batches := observed.Hits()
	l.sound(o)
	if len(l.unknown) > 0 {
		t.Errorf("clients saw %d errors", len(l.unknown))
	}
	if batches > 100 {
		t.Errorf("%d requests for %d envelopes: they do not share", batches, len(l.acked))
	}
	if n := len(o.seen.now().unavailable); n > 0 {
		t.Errorf("the channel was cut off %d times", n)
	}
}

// Requests arrive, answers do not: clients are told after the time-out.
func TestRow31AnswersSwallowed(t *testing.T) {
	s := newScene(t)
	s.access = func(c *kafka.Config) { c.ReadTimeout = 3 * time.Second } // a client tries a dozen times before it gives up
	s.restarts(nil)
	s.it.ready().order("e") // it has a producer now, the next has none
	idle := s.orderer(s.ledger(channel)).ready()
	s.cluster.Swallow()
	var both sync.WaitGroup
	for says, o := range map[string]*orderer{"may or may not be ordered": s.it, "the envelope is not ordered": idle} {
		both.Go(func() {
			began := time.Now()
			s.fails("order", o.submit("unheard"), session.ErrNotReady, says, s.cluster.Address())
			if took := time.Since(began); took > 20*time.Second {
				t.Errorf("the client was told after %v", took)
			}
		})
	}
	both.Wait()
	s.it.is(types.StatusInactive)
	s.cluster.Flow()
	s.it.takes("f")
	s.it.is(types.StatusActive)
	s.other.takes("onwards")
	if n := s.it.count("unheard"); n > 1 {
		t.Errorf("ordered %d times", n)
	}
	if inLog := s.logged(channel); !slices.Equal(s.it.texts(), inLog) {
		t.Errorf("ordered are %v, the log has %s", s.it.texts(), strings.Join(inLog, " "))
	}
}

// No file of the broker's can grow any more.
func TestRow24BrokerDiskFull(t *testing.T) {
	s := newScene(t)
	s.it.takes("e")
	s.cluster.LimitFiles(uint64(s.cluster.Size(channel)))
	acked := []string{"e"}
	for _, text := range []string{"g", "h", "i"} {
		err := s.it.submit(text)
		if err == nil {
			acked = append(acked, text)
			continue
		}
		s.fails("order", err, session.ErrNotReady, "the envelope")
	}
	if len(acked) == 4 {
		t.Fatal("the fault did not happen")
	}
	s.cluster.LimitFiles(0)
	s.cluster.Stop()
	s.cluster.Resume()
	s.it.takes("later")
	s.other.takes("onwards")
	for _, text := range acked {
		if s.it.count(text) != 1 {
			t.Errorf("%s was acknowledged and is ordered %d times", text, s.it.count(text))
		}
	}
	if inLog := s.logged(channel); !slices.Equal(s.it.texts(), inLog) {
		t.Errorf("ordered are %v, the log has %v", s.it.texts(), inLog)
	}
}
