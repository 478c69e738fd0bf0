package kafka

import (
	"time"

	"github.com/fabric-kafka/orderer/chain/log"
)

// stall is how long nothing may come of a log that has more before the reader
// looks for itself.
const stall = 500 * time.Millisecond

// watch sees whether a reader gets on, as long as it is behind the end that the
// log had. Its cost does not grow with the records.
type watch struct {
	timer    *time.Timer
	patience time.Duration
	seen     log.Offset // next offset when the timer was set
}

func newWatch(from, end log.Offset) *watch {
	if from >= end {
		return nil
	}
	return &watch{timer: time.NewTimer(stall), patience: stall, seen: from}
}

// due is never ready on a nil watch.
func (w *watch) due() <-chan time.Time {
	if w == nil {
		return nil
	}
	return w.timer.C
}

// stalled says whether the reader is where it was when the timer was set. The
// timer is set again unless it is, or is at the end.
func (w *watch) stalled(next, end log.Offset) bool {
	switch {
	case next >= end:
		return false
	case next == w.seen:
		return true
	}
	w.seen = next
	w.timer.Reset(w.patience)
	return false
}

// again has the reader look once more, but later: the broker may just be slow.
func (w *watch) again() {
	w.patience *= 2
	w.timer.Reset(w.patience)
}
