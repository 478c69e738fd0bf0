package producer_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fabric-kafka/orderer/chain/log"
	"github.com/fabric-kafka/orderer/chain/log/kafka/kafkatest"
)

// Records that fit the topic only by themselves share a batch while another one is in flight: all are in the log once. If the
// answer to their batch was lost as well, the batch stays in doubt: a later refusal says nothing about the first attempt.
func TestSplitWithAnotherInFlight(t *testing.T) {
	t.Parallel()
	for name, other := range map[string]kafkatest.Answer{
		"acknowledged": {Append: true},
		"in doubt":     {Sever: true},
		"refused":      {Code: kafkatest.CodeNotEnoughReplicas},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := kafkatest.NewHasty(t)
			h.Create("topic", 1, map[string]string{"max.message.bytes": "1000"})
			l := h.Open(t, "topic", log.Settings{ReplicationFactor: 1, MaxMessageBytes: 1 << 20})
			t.Cleanup(func() { _ = l.Close() })
			h.Cluster.Script("topic", working(slow, []kafkatest.Answer{{Append: true}, other, {Append: true}})...)
			value := func(n int) string { return fmt.Sprint(n, strings.Repeat("x", 600)) }
			var callers sync.WaitGroup
			errs := make([]error, 6)
			for n := range errs {
				callers.Go(func() { errs[n] = l.Append(t.Context(), []byte(value(n))) })
				if n < 2 {
					time.Sleep(slow / 8) // so that it is in flight by itself; the others wait for the first answer
				}
			}
			callers.Wait()
			got := kafkatest.Copies(t, l)
			for n, err := range errs {
				inDoubt := other.Sever && log.ClassOf(err) == log.Ambiguous
				if err != nil && !inDoubt || got[value(n)] > 1 || err == nil && got[value(n)] == 0 {
					t.Errorf("value %d is in the log %d times; append: %v", n, got[value(n)], err)
				}
			}
		})
	}
}
