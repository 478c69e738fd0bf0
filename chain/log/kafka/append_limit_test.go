package kafka

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/fabric-kafka/orderer/chain/log"
)

// A record above the topic's limit, if that was just read, is refused without asking the
// brokers, which are down here; a record that may fit, and a later one, are not.
func TestKnownLimit(t *testing.T) {
	t.Parallel()
	// The first Open sets the decompression limit of the process, as for the other tests.
	l, err := Open(Config{Brokers: []string{"127.0.0.1:1"}, MaxDecompressedBytes: 4 << 20}, "topic")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	appended := func(size int) error {
		ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
		defer cancel()
		return l.Append(ctx, make([]byte, size))
	}
	l.limit.set("1000")
	if err := appended(1001); !errors.Is(err, log.ErrTooLarge) || !strings.Contains(err.Error(), "the topic's max.message.bytes is 1000") {
		t.Errorf("a record above the limit: %v", err)
	}
	if err := appended(1000); errors.Is(err, log.ErrTooLarge) || log.ClassOf(err) != log.Retryable {
		t.Errorf("a record that may fit: %v", err)
	}
	l.limit.asked = l.limit.asked.Add(-limitLasts)
	if err := appended(1001); errors.Is(err, log.ErrTooLarge) || log.ClassOf(err) != log.Retryable {
		t.Errorf("a record above what the limit was: %v", err)
	}
}
