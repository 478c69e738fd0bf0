package producer

import "time"

// crowd is how many entries have to arrive within the linger for it to be worth waiting. Where fewer do, a wait saves few
// requests, and costs each entry more time than anything else here.
const crowd = 2

// arrivals is how fast entries arrived between the last two batches.
type arrivals struct {
	last    time.Time     // when a batch was taken last; zero before
	entries int           // of that batch
	over    time.Duration // in which they arrived; zero: not known
}

// taken records that a batch was taken from the queue.
func (a *arrivals) taken(entries int) {
	now := time.Now()
	if !a.last.IsZero() {
		a.over = now.Sub(a.last)
	}
	a.last, a.entries = now, entries
}

// within returns how many entries arrive within d, if they keep arriving as fast.
func (a *arrivals) within(d time.Duration) float64 {
	if a.over <= 0 {
		return 0
	}
	return float64(a.entries) * float64(d) / float64(a.over)
}
