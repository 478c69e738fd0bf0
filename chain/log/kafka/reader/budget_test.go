package reader

import (
	"testing"
	"testing/synctest"

	"github.com/IBM/sarama"
)

func sized(n int) *sarama.ConsumerMessage { return &sarama.ConsumerMessage{Value: make([]byte, n)} }

// consumed passes a record to a budget, and returns a function that reports whether that is done.
func consumed(b *budget, msg *sarama.ConsumerMessage) (done func() bool) {
	passed := make(chan struct{})
	go func() {
		defer close(passed)
		b.OnConsume(msg)
	}()
	return func() bool {
		synctest.Wait()
		select {
		case <-passed:
			return true
		default:
			return false
		}
	}
}

// What was fetched and not returned has as many bytes as the limit, or is a single record.
func TestBudgetBoundsBytes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBudget(3 * least)
		large := sized(4 * least)
		if !consumed(b, large)() {
			t.Fatal("a record above the limit waits, although there is no other")
		}
		next := consumed(b, sized(1))
		if next() {
			t.Fatal("a record passes, although the one before it fills the budget")
		}
		b.returned(large)
		if !next() {
			t.Fatal("a record waits, although there is room")
		}
		second := sized(2 * least)
		if !consumed(b, second)() {
			t.Fatal("a record that fits exactly waits")
		}
		third := consumed(b, sized(0))
		b.returned(sized(1))
		if !third() {
			t.Fatal("a record of no bytes waits for more room than it counts")
		}
		fourth := consumed(b, sized(0))
		if fourth() {
			t.Fatal("a record passes a full budget")
		}
		b.close()
		if !fourth() {
			t.Fatal("a record waits after close")
		}
	})
}

// The channel of sarama is not full before the budget is.
func TestBudgetIsTheTighterBound(t *testing.T) {
	b := newBudget(4 << 20)
	for range b.records() {
		b.used += sizeOf(sized(0))
	}
	if b.used <= b.limit {
		t.Fatalf("%d records of no bytes are %d bytes, within the limit of %d", b.records(), b.used, b.limit)
	}
}
