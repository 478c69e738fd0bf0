package reader

import (
	"sync"

	"github.com/IBM/sarama"
)

// budget bounds the records that were fetched and not returned yet, in bytes. sarama's channel of messages bounds their number,
// which bounds no memory: records of 10 MB come one at a time, and so would 256 of them.
//
// It is a [sarama.ConsumerInterceptor]: sarama passes each record to OnConsume before the channel gets it, and fetches nothing
// while OnConsume waits. The channel has room for as many records as the budget, so that it is never what sarama waits for:
// sarama drops a subscription whose channel is full for long.
type budget struct {
	limit  int           // bytes
	closed chan struct{} // ends the wait in OnConsume

	mu      sync.Mutex
	used    int
	waiting bool          // OnConsume waits for room
	room    chan struct{} // has a token after something was returned while OnConsume waited; capacity 1
}

// least is what a record counts at least, in bytes. So the channel, whose room takes memory also while it is empty, needs
// not have room for as many records as there are of no bytes.
const least = 4 << 10

func newBudget(limit int) *budget {
	return &budget{limit: limit, closed: make(chan struct{}), room: make(chan struct{}, 1)}
}

// close permanently ends the wait in OnConsume.
func (b *budget) close() { close(b.closed) }

// records returns how many records the budget has room for, at most.
func (b *budget) records() int { return b.limit/least + 1 }

// OnConsume waits until there is room for a record. An empty budget has room for any record.
func (b *budget) OnConsume(msg *sarama.ConsumerMessage) {
	for !b.take(sizeOf(msg)) {
		select {
		case <-b.room:
		case <-b.closed:
			return
		}
	}
}

func (b *budget) take(size int) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.waiting = b.used > 0 && b.used+size > b.limit
	if !b.waiting {
		b.used += size
	}
	return !b.waiting
}

// returned makes room for as much as a record took.
func (b *budget) returned(msg *sarama.ConsumerMessage) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.used -= sizeOf(msg)
	if b.waiting {
		b.waiting = false
		b.room <- struct{}{}
	}
}

func sizeOf(msg *sarama.ConsumerMessage) int { return max(least, len(msg.Key)+len(msg.Value)) }
