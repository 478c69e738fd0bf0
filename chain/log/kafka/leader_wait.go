package kafka

import "time"

const (
	// stalledAfter is how long the leader may take to answer before a status reports the topic as stalled.
	stalledAfter = 5 * time.Second
	// stallLasts is how long a stall is reported after the leader was last that slow.
	stallLasts = 10 * time.Second
)

// Stalled reports whether records are waiting for the leader of the topic: it has not answered a Fetch or
// Produce for 5 s, or was that slow within the last 10 s, so that a slow leader does not make the
// status change back and forth.
func (l *Log) Stalled() bool { return l.brokers.isStalled() }

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
