package producer

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/fabric-kafka/orderer/chain/log"
	"github.com/fabric-kafka/orderer/chain/log/kafka/client"
	"github.com/fabric-kafka/orderer/chain/log/kafka/conn"
)

// A record above the topic's limit, if that was just read, is refused without asking the
// brokers, which are down here; a record that may fit, and a later one, are not.
func TestKnownLimit(t *testing.T) {
	t.Parallel()
	topic := client.Open(client.Config{Settings: log.Settings{MaxMessageBytes: 1 << 20}, Config: conn.Config{Brokers: []string{"127.0.0.1:1"},
		DialTimeout: time.Second, ReadTimeout: time.Second, WriteTimeout: time.Second, RetryBackoff: 100 * time.Millisecond}}, "topic")
	defer topic.Cluster.Close()
	q := NewQueue(topic, time.Millisecond)
	appended := func(size int) error {
		ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
		defer cancel()
		_, err := q.Append(ctx, make([]byte, size))
		return err
	}
	q.limit.set("1000")
	if err := appended(1001); !errors.Is(err, log.ErrTooLarge) || !strings.Contains(err.Error(), "the topic's max.message.bytes is 1000") {
		t.Errorf("a record above the limit: %v", err)
	}
	if err := appended(1000); errors.Is(err, log.ErrTooLarge) || log.ClassOf(err) != log.Retryable {
		t.Errorf("a record that may fit: %v", err)
	}
	q.limit.asked = q.limit.asked.Add(-limitLasts)
	if err := appended(1001); errors.Is(err, log.ErrTooLarge) || log.ClassOf(err) != log.Retryable {
		t.Errorf("a record above what the limit was: %v", err)
	}
}
