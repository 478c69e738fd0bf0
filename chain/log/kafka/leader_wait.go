package kafka

import "time"

const (
	// heldAfter is how long the leader may take to answer before nothing is read or appended, for what a status says.
	heldAfter = 5 * time.Second
	// calm is how long after that it is said so, in which the leader must not be as slow again.
	calm = 10 * time.Second
)

// Held reports whether records wait for the leader of the topic, which has not answered a Fetch or a
// Produce for 5 s, or had not 10 s ago or less: what comes and goes faster is one trouble.
func (l *Log) Held() bool { return l.brokers.holds() }

func (b *brokers) holds() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	for w := range b.waits {
		b.noteStall(w)
	}
	return !b.stalled.IsZero() && time.Since(b.stalled) < calm
}

// noteStall takes note of a wait for the leader that is long. Called with mu held.
func (b *brokers) noteStall(w *wait) {
	if (w.operation == keyFetch || w.operation == keyProduce) && w.waited() >= heldAfter {
		b.stalled = time.Now()
	}
}
