package matrix

import (
	"testing"

	"github.com/hyperledger/fabric/orderer/common/types"
	"github.com/twmb/franz-go/pkg/kgo"
)

// A foreign writer's transaction, open or ended, delays nobody; its marker is an
// offset without a record.
func TestRow62ForeignTransaction(t *testing.T) {
	for name, end := range map[string]kgo.TransactionEndTry{"committed": kgo.TryCommit, "aborted": kgo.TryAbort} {
		t.Run(name, func(t *testing.T) {
			s := newScene(t)
			c := s.client(kgo.TransactionalID(name))
			defer c.Close()
			if err := c.BeginTransaction(); err != nil {
				t.Fatal(err)
			}
			theirs := &kgo.Record{Topic: channel, Value: s.value(channel, "theirs")} // at 5
			if err := c.ProduceSync(t.Context(), theirs).FirstErr(); err != nil {
				t.Fatal(err)
			}
			s.it.order("e", "f", "g")
			s.it.holds(initial + "; theirs e @6; f g @8")
			if err := c.EndTransaction(t.Context(), end); err != nil { // at 9
				t.Fatal(err)
			}
			s.it.order("h", "i")
			s.it.holds(initial + "; theirs e @6; f g @8; h i @11")
			s.same(s.it, s.orderer(s.ledger(channel)).ready())
		})
	}
}

// A topic that ends with a marker counts as read to its end.
func TestRow62MarkerAtTheEnd(t *testing.T) {
	s := newScene(t)
	s.transaction(channel, "theirs", "more")
	s.it.holds(initial + "; theirs more @6")
	s.restarts(nil)
	s.it.is(types.StatusActive)
	s.it.order("e", "f")
	s.it.holds(initial + "; theirs more @6; e f @9")
}

// transaction appends envelopes in a transaction and commits it.
func (w *world) transaction(topic string, texts ...string) {
	w.Helper()
	c := w.client(kgo.TransactionalID("theirs"))
	defer c.Close()
	if err := c.BeginTransaction(); err != nil {
		w.Fatal(err)
	}
	for _, text := range texts {
		if err := c.ProduceSync(w.Context(), &kgo.Record{Topic: topic, Value: w.value(topic, text)}).FirstErr(); err != nil {
			w.Fatal(err)
		}
	}
	if err := c.EndTransaction(w.Context(), kgo.TryCommit); err != nil {
		w.Fatal(err)
	}
}
