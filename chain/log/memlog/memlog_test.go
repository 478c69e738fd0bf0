package memlog_test

import (
	"context"
	"errors"
	"testing"

	"go.uber.org/goleak"

	"github.com/fabric-kafka/orderer/chain/log"
	"github.com/fabric-kafka/orderer/chain/log/logtest"
	"github.com/fabric-kafka/orderer/chain/log/memlog"
)

type harness struct{ broker *memlog.Broker }

func (h harness) Open(_ *testing.T, topic string, s log.Settings) log.Log {
	return h.broker.Open(topic, s)
}
func (h harness) Stop(*testing.T)                                   { h.broker.Stop() }
func (h harness) Resume(*testing.T)                                 { h.broker.Resume() }
func (h harness) Trim(_ *testing.T, topic string, start log.Offset) { h.broker.Trim(topic, start) }
func (h harness) Recreate(_ *testing.T, topic string)               { h.broker.Recreate(topic) }

func (h harness) Elect(_ *testing.T, topic string) { h.broker.Elect(topic) }

func TestConformance(t *testing.T) {
	defer goleak.VerifyNone(t)
	logtest.Run(t, harness{memlog.NewBroker()})
	logtest.RunAhead(t, harness{memlog.NewBroker()})
}

func TestFaultBeforeAndAfter(t *testing.T) {
	boom := errors.New("boom")
	b := memlog.NewBroker()
	b.Make("t", 1)
	l := b.Open("t", log.Settings{})
	for _, after := range []bool{false, true} {
		b.SetFault(func(op, _ string, _ int) *memlog.Failure { return &memlog.Failure{Err: boom, After: after} })
		before := len(b.Values("t"))
		err := l.Append(context.Background(), []byte("x"))
		want, grown := log.Retryable, 0
		if after {
			want, grown = log.Ambiguous, 1
		}
		if !errors.Is(err, boom) || log.ClassOf(err) != want || len(b.Values("t")) != before+grown {
			t.Errorf("after=%v: %v, %d records", after, err, len(b.Values("t")))
		}
	}
}

// After an unclean election, records that were read may be gone, and others have their offsets.
func TestCutTail(t *testing.T) {
	b := memlog.NewBroker()
	l := b.Open("t", log.Settings{})
	b.Write("t", []byte("a"), []byte("b"), []byte("c"))
	r, err := l.Read(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	b.CutTail("t", 1)
	if _, err := l.Read(t.Context(), 2); !errors.Is(err, log.ErrOutOfRange) {
		t.Errorf("read past the cut: %v", err)
	}
	b.Write("t", []byte("B"), []byte("C"))
	for range 2 {
		if record, err := r.Next(t.Context()); !errors.Is(err, log.ErrNewLeader) || log.ClassOf(err) != log.Retryable {
			t.Errorf("got %q, %v", record.Value, err)
		}
		b.Recreate("t") // back to the first epoch: the reader stays unusable
	}
}

func TestRepartition(t *testing.T) {
	b := memlog.NewBroker()
	l := b.Open("t", log.Settings{})
	b.Make("t", 1)
	before, _ := l.Identity(t.Context())
	b.Repartition("t", 3)
	b.Repartition("t", 2) // never fewer
	after, err := l.Identity(t.Context())
	if err != nil || after.TopicID != before.TopicID || after.Partitions != 3 {
		t.Errorf("got %+v after %+v, %v", after, before, err)
	}
}
