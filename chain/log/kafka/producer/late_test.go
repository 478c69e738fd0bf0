package producer_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/fabric-kafka/orderer/chain/log/kafka/kafkatest"
)

// While the first answer is late, more than two batches leave. Whatever it is, each of them is in the log once.
func TestManyInFlight(t *testing.T) {
	t.Parallel()
	for name, first := range map[string]kafkatest.Answer{
		"acknowledged":                   {Append: true},
		"in doubt, in the log":           {Append: true, Sever: true},
		"in doubt, not in the log":       {Sever: true},
		"refused":                        {Code: kafkatest.CodeNotEnoughReplicas},
		"the state of the producer lost": {Code: kafkatest.CodeUnknownProducer},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := kafkatest.NewHasty(t)
			l := h.Created(t, "topic", "before")
			first.Work = 700 * time.Millisecond
			h.Cluster.Script("topic", first, kafkatest.Answer{Append: true})
			var callers sync.WaitGroup
			for n := range 6 {
				callers.Go(func() {
					if err := l.Append(t.Context(), []byte(fmt.Sprint(n))); err != nil {
						t.Errorf("append %d: %v", n, err)
					}
				})
				time.Sleep(110 * time.Millisecond) // so that they do not share a batch
			}
			callers.Wait()
			for n := range 6 {
				if got := kafkatest.Copies(t, l)[fmt.Sprint(n)]; got != 1 {
					t.Errorf("value %d is in the log %d times", n, got)
				}
			}
		})
	}
}
