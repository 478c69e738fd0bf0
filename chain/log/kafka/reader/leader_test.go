package reader_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/IBM/sarama"

	"github.com/fabric-kafka/orderer/chain/log"
	"github.com/fabric-kafka/orderer/chain/log/kafka/kafkatest"
)

// The same broker is elected again: no connection is lost and no metadata changes
// on the client; the broker fences the fetch.
func TestSameBrokerElectedAgain(t *testing.T) {
	t.Parallel()
	h := kafkatest.NewHarness(t, 1)
	l := h.Created(t, "topic", "a")
	r := kafkatest.Read(t, l, 0)
	if got, err := kafkatest.Next(t, r); got != "a" {
		t.Fatal(got, err)
	}
	h.Elect(t, "topic")
	kafkatest.Append(t, l, "b")
	if got, err := kafkatest.Next(t, r); !errors.Is(err, log.ErrNewLeader) {
		t.Fatalf("got %q, %v", got, err)
	}
}

// A reconnect alone does not mean a new leader.
func TestReconnectIsNoNewLeader(t *testing.T) {
	t.Parallel()
	h := kafkatest.NewHarness(t, 1)
	l := h.Created(t, "topic", "a")
	h.Elect(t, "topic") // so that the epoch is not the one of every new topic
	r := kafkatest.Read(t, l, 0)
	if got, err := kafkatest.Next(t, r); got != "a" {
		t.Fatal(got, err)
	}
	h.Stop(t)
	if _, err := r.Next(t.Context()); log.ClassOf(err) != log.Retryable || errors.Is(err, log.ErrNewLeader) {
		t.Fatalf("without a broker: %v", err)
	}
	h.Resume(t)
	kafkatest.Append(t, l, "b")
	if got, err := kafkatest.Next(t, r); got != "b" {
		t.Fatalf("got %q, %v", got, err)
	}
}

// A batch that exceeds the limit when decompressed is a fatal error that names the offset.
func TestOversizedBatchIsFatal(t *testing.T) {
	t.Parallel()
	h := kafkatest.NewHarness(t, 1)
	r := kafkatest.Read(t, h.Created(t, "topic", "a"), 0)
	if got, err := kafkatest.Next(t, r); got != "a" {
		t.Fatal(got, err)
	}
	appendZeros(t, h, "topic", 2*kafkatest.MaxDecompressedBytes)
	got, err := kafkatest.Next(t, r)
	if log.ClassOf(err) != log.Fatal || !errors.Is(err, sarama.ErrDecompressedBatchTooLarge) || !strings.Contains(err.Error(), "offset 1 was due") {
		t.Fatalf("got %d bytes, %v", len(got), err)
	}
	if _, again := r.Next(t.Context()); again == nil || again.Error() != err.Error() {
		t.Errorf("got %v after %v", again, err)
	}
}

// appendZeros writes one record that compresses well.
func appendZeros(t *testing.T, h kafkatest.Harness, topic string, size int) {
	c := sarama.NewConfig()
	c.Version = sarama.V2_8_0_0
	c.Producer.Compression = sarama.CompressionGZIP
	c.Producer.MaxMessageBytes = 2 * size
	c.Producer.Return.Successes = true
	p, err := sarama.NewSyncProducer([]string{h.Address()}, c)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	_, _, err = p.SendMessage(&sarama.ProducerMessage{Topic: topic, Value: sarama.ByteEncoder(make([]byte, size))})
	if err != nil {
		t.Fatal(err)
	}
}
