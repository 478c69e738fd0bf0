package conn

import "time"

const (
	// stalledAfter is how long the leader may take to answer before a status reports the topic as stalled.
	stalledAfter = 5 * time.Second
	// stallLasts is how long a stall is reported after the leader was last that slow.
	stallLasts = 10 * time.Second
)

func (b *brokers) isStalled() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	for w := range b.waits {
		b.noteStall(w)
	}
	return !b.stalled.IsZero() && time.Since(b.stalled) < stallLasts
}

// noteStall records a long wait for the leader. Called with mu held.
func (b *brokers) noteStall(w *wait) {
	if (w.operation == keyFetch || w.operation == keyProduce) && w.waited() >= stalledAfter {
		b.stalled = time.Now()
	}
}
