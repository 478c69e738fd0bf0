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
	"github.com/fabric-kafka/orderer/chain/status"
)

// logged returns the texts of the envelopes in a topic, as another client reads it.
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

// Unlike Kafka, the embedded broker loses its producer state in a crash, so that a
// record may be in its log twice. The test checks that every acknowledged envelope
// is ordered, and that the blocks match the log.
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
	a.accepts("last")
	w.same(a, b)
	ordered := a.texts()
	for text := range l.acked {
		if !slices.Contains(ordered, text) {
			t.Errorf("%s was acknowledged but is not ordered", text)
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

// The broker has the record, and the orderer stops before it gets the answer.
func TestRow18OrdererStopsBeforeTheAcknowledgement(t *testing.T) {
	s := newScene(t)
	s.it.order("e")
	observed := s.cluster.Fault(kafkatest.Fault{Key: kafkatest.KeyProduce, Topic: channel, Observe: true})
	s.cluster.Swallow()
	outcome := make(chan error, 1)
	go func() { outcome <- s.it.submit("unheard") }()
	s.eventually("the broker has the record", func() bool { return observed.Hits() > 0 })
	s.it.Halt()
	s.fails("order", <-outcome, status.ErrHalted, "may or may not be ordered")
	s.cluster.Flow()
	s.it = s.orderer(s.it.ledger).ready()
	s.it.accepts("f")
	s.other.accepts("onwards")
	if n := s.it.count("unheard"); n != 1 {
		t.Errorf("ordered %d times", n)
	}
}

// The orderer stops before its block is on disk: it writes the same block again.
func TestRow19OrdererStopsBeforeTheBlock(t *testing.T) {
	s := newScene(t)
	stalled := make(chan struct{})
	s.it.ledger.Stall(stalled)
	s.it.order("e", "f")
	s.eventually("the block is being written", s.it.ledger.Writing)
	disk := s.it.ledger.UpTo(int(s.it.ledger.Height()))
	close(stalled)
	again := s.orderer(disk).ready()
	again.holds(initial + "; e f @6")
	s.same(s.it, again)
}

// Each produce request is slow. Nothing fails, and nothing is sent twice.
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
		t.Errorf("%d requests for %d envelopes: they are not batched", batches, len(l.acked))
	}
	if n := len(o.seen.now().unavailable); n > 0 {
		t.Errorf("the channel was cut off %d times", n)
	}
}

// Requests arrive but answers do not: clients get an error after the timeout.
func TestRow31AnswersSwallowed(t *testing.T) {
	s := newScene(t)
	s.access = func(c *kafka.Config) { c.ReadTimeout = 3 * time.Second } // the client tries a dozen times before it gives up
	s.restarts(nil)
	s.it.ready().order("e") // it has a producer now; the other orderer has none
	idle := s.orderer(s.ledger(channel)).ready()
	s.cluster.Swallow()
	var both sync.WaitGroup
	for reason, o := range map[string]*orderer{"may or may not be ordered": s.it, "the envelope is not ordered": idle} {
		both.Go(func() {
			began := time.Now()
			s.fails("order", o.submit("unheard"), status.ErrNotReady, reason, s.cluster.Address())
			if took := time.Since(began); took > 20*time.Second {
				t.Errorf("the client got its error after %v", took)
			}
		})
	}
	both.Wait()
	s.it.is(types.StatusInactive)
	s.cluster.Flow()
	s.it.accepts("f")
	s.it.is(types.StatusActive)
	s.other.accepts("onwards")
	if n := s.it.count("unheard"); n > 1 {
		t.Errorf("ordered %d times", n)
	}
	if inLog := s.logged(channel); !slices.Equal(s.it.texts(), inLog) {
		t.Errorf("ordered are %v, the log has %s", s.it.texts(), strings.Join(inLog, " "))
	}
}

// The broker cannot write to any file.
func TestRow24BrokerDiskFull(t *testing.T) {
	s := newScene(t)
	s.it.accepts("e")
	s.cluster.LimitFiles(uint64(s.cluster.Size(channel)))
	acked := []string{"e"}
	for _, text := range []string{"g", "h", "i"} {
		err := s.it.submit(text)
		if err == nil {
			acked = append(acked, text)
			continue
		}
		s.fails("order", err, status.ErrNotReady, "the envelope")
	}
	if len(acked) == 4 {
		t.Fatal("the fault did not occur")
	}
	s.cluster.LimitFiles(0)
	s.cluster.Stop()
	s.cluster.Resume()
	s.it.accepts("later")
	s.other.accepts("onwards")
	for _, text := range acked {
		if s.it.count(text) != 1 {
			t.Errorf("%s was acknowledged but is ordered %d times", text, s.it.count(text))
		}
	}
	if inLog := s.logged(channel); !slices.Equal(s.it.texts(), inLog) {
		t.Errorf("ordered are %v, the log has %v", s.it.texts(), inLog)
	}
}
