package kafka_test

import (
	"testing"
	"time"

	"github.com/fabric-kafka/orderer/chain/log"
	"github.com/fabric-kafka/orderer/chain/log/kafka"
	"github.com/fabric-kafka/orderer/chain/log/kafka/kafkatest"
)

// The time may be before, between or after the records of a topic.
func TestSince(t *testing.T) {
	h := kafkatest.NewHarness(t, 1)
	l, err := kafka.Open(h.Config(log.Settings{ReplicationFactor: 1, MaxMessageBytes: 1 << 20}), "ours")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if err := l.Create(t.Context()); err != nil {
		t.Fatal(err)
	}
	write := func() {
		t.Helper()
		if err := l.Append(t.Context(), []byte("value")); err != nil {
			t.Fatal(err)
		}
	}
	since := func(at time.Time, want log.Offset) {
		t.Helper()
		if got, err := l.Since(t.Context(), at); err != nil || got != want {
			t.Errorf("since %v: %d, %v, want %d", at, got, err, want)
		}
	}
	began := time.Now().Add(-time.Hour)
	since(began, 0) // the end of an empty topic
	write()
	write()
	time.Sleep(2 * time.Millisecond) // timestamps have a resolution of a millisecond
	between := time.Now()
	write()
	since(began, 0)
	since(between, 2)
	since(time.Now().Add(time.Hour), 3)
}
