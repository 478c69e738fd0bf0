package kafka_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/fabric-kafka/orderer/chain/log"
	"github.com/fabric-kafka/orderer/chain/log/kafka"
	"github.com/fabric-kafka/orderer/chain/log/kafka/kafkatest"
)

// A broker requests a pause longer than any caller waits, as when a quota is exceeded. A
// record that waits for it is not sent, its error names the quota, and Close does not wait.
func TestThrottledAppends(t *testing.T) {
	t.Parallel()
	h := kafkatest.NewHasty(t)
	l := h.Created(t, "topic")
	h.Cluster.Script("topic", kafkatest.Answer{Append: true, Throttle: time.Minute})
	kafkatest.Append(t, l, "first")
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	kafkatest.MustFail(t, "left", l.Append(ctx, []byte("left")), log.Retryable, "quota")
	closed := make(chan error, 1)
	go func() { closed <- l.Close() }()
	select {
	case err := <-closed:
		kafkatest.Must(t, err)
	case <-time.After(20 * time.Second):
		t.Fatal("Close waits for the quota")
	}
	again := h.Open(t, "topic", log.Settings{ReplicationFactor: 1})
	defer again.Close()
	if got := kafkatest.Copies(t, again); got["first"] != 1 || got["left"] != 0 {
		t.Errorf("the log has %v", got)
	}
}

// readingSluggish returns a topic on a sluggish cluster, and its reader, which has read the one record.
func readingSluggish(t *testing.T) (*sluggish, *kafka.Log, log.Reader) {
	t.Helper()
	h := startSluggish(t)
	l := h.open(t)
	kafkatest.Append(t, l, "first")
	r := kafkatest.Read(t, l, 0)
	if got, err := kafkatest.Next(t, r); got != "first" || err != nil {
		t.Fatal(got, err)
	}
	return h, l, r
}

// A broker answers a fetch with a pause longer than any caller waits. That is reported once,
// and Close does not wait for it.
func TestThrottledFetches(t *testing.T) {
	t.Parallel()
	h, l, r := readingSluggish(t)
	h.Throttle(time.Minute)
	kafkatest.Eventually(t, "the pause is reported", func() bool {
		h.mu.Lock()
		defer h.mu.Unlock()
		return h.waited[h.Addresses()[leader]+" Fetch"] == time.Minute
	})
	if text := l.Slow(); !strings.Contains(text, "broker "+h.Addresses()[leader]+" throttles Fetch by a quota, for 1m0s so far") {
		t.Errorf("got %q", text)
	}
	closed := make(chan error, 1)
	go func() { closed <- r.Close() }()
	select {
	case err := <-closed:
		kafkatest.Must(t, err)
	case <-time.After(20 * time.Second):
		t.Fatal("Close waits for the quota")
	}
}

// A reader continues after a pause.
func TestAThrottledReaderContinues(t *testing.T) {
	t.Parallel()
	h, l, r := readingSluggish(t)
	h.Throttle(time.Second)
	kafkatest.Append(t, l, "second")
	if got, err := kafkatest.Next(t, r); got != "second" || err != nil {
		t.Fatal(got, err)
	}
}
