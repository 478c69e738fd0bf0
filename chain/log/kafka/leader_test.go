package kafka_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/IBM/sarama"

	"github.com/fabric-kafka/orderer/chain/log"
)

// created creates a topic, appends values to it, and closes its log at the end of the test.
func (h harness) created(t *testing.T, topic string, values ...string) log.Log {
	l := h.Open(t, topic, log.Settings{ReplicationFactor: 1, MaxMessageBytes: 1 << 20})
	t.Cleanup(func() { l.Close() })
	if err := l.Create(t.Context()); err != nil {
		t.Fatal(err)
	}
	h.append(t, l, values...)
	return l
}

func (h harness) append(t *testing.T, l log.Log, values ...string) {
	for _, v := range values {
		if err := l.Append(t.Context(), []byte(v)); err != nil {
			t.Fatal(err)
		}
	}
}

// next reads one record, retrying after errors that lose nothing.
func next(t *testing.T, r log.Reader) (string, error) {
	for {
		record, err := r.Next(t.Context())
		if err == nil || log.ClassOf(err) != log.Retryable || errors.Is(err, log.ErrNewLeader) || t.Context().Err() != nil {
			return string(record.Value), err
		}
	}
}

func open(t *testing.T, l log.Log, from log.Offset) log.Reader {
	r, err := l.Read(t.Context(), from)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r
}

// The same broker is elected again: no connection is lost and no metadata changes
// on the client; the broker fences the fetch.
func TestSameBrokerElectedAgain(t *testing.T) {
	t.Parallel()
	h := start(t, 1)
	l := h.created(t, "topic", "a")
	r := open(t, l, 0)
	if got, err := next(t, r); got != "a" {
		t.Fatal(got, err)
	}
	h.Elect(t, "topic")
	h.append(t, l, "b")
	if got, err := next(t, r); !errors.Is(err, log.ErrNewLeader) {
		t.Fatalf("got %q, %v", got, err)
	}
}

// A reconnect alone does not mean a new leader.
func TestReconnectIsNoNewLeader(t *testing.T) {
	t.Parallel()
	h := start(t, 1)
	l := h.created(t, "topic", "a")
	h.Elect(t, "topic") // so that the epoch is not the one of every new topic
	r := open(t, l, 0)
	if got, err := next(t, r); got != "a" {
		t.Fatal(got, err)
	}
	h.Stop(t)
	if _, err := r.Next(t.Context()); log.ClassOf(err) != log.Retryable || errors.Is(err, log.ErrNewLeader) {
		t.Fatalf("without a broker: %v", err)
	}
	h.Resume(t)
	h.append(t, l, "b")
	if got, err := next(t, r); got != "b" {
		t.Fatalf("got %q, %v", got, err)
	}
}

// A batch that exceeds the limit when decompressed is a fatal error that names the offset.
func TestOversizedBatchIsFatal(t *testing.T) {
	t.Parallel()
	h := start(t, 1)
	r := open(t, h.created(t, "topic", "a"), 0)
	if got, err := next(t, r); got != "a" {
		t.Fatal(got, err)
	}
	h.appendZeros(t, "topic", 2*maxUnpacked)
	got, err := next(t, r)
	if log.ClassOf(err) != log.Fatal || !errors.Is(err, sarama.ErrDecompressedBatchTooLarge) || !strings.Contains(err.Error(), "offset 1 was due") {
		t.Fatalf("got %d bytes, %v", len(got), err)
	}
	if _, again := r.Next(t.Context()); again == nil || again.Error() != err.Error() {
		t.Errorf("got %v after %v", again, err)
	}
}

// appendZeros writes one record that compresses well.
func (h harness) appendZeros(t *testing.T, topic string, size int) {
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
