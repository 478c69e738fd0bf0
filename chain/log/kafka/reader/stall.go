package reader

import (
	"time"

	"github.com/fabric-kafka/orderer/chain/log"
)

// stallTimeout is how long no record may arrive from a log that has more before the reader
// verifies the batches itself.
const stallTimeout = 500 * time.Millisecond

// stall detects that a reader makes no progress while it is behind the end that the log
// had. Its cost does not depend on the number of records.
type stall struct {
	timer   *time.Timer
	timeout time.Duration
	seen    log.Offset // next offset when the timer was set
}

func newStall(from, end log.Offset) *stall {
	if from >= end {
		return nil
	}
	return &stall{timer: time.NewTimer(stallTimeout), timeout: stallTimeout, seen: from}
}

// due returns a channel that is ready when stalled is to be called; never, for a nil stall.
func (s *stall) due() <-chan time.Time {
	if s == nil {
		return nil
	}
	return s.timer.C
}

// stalled reports whether the reader is where it was when the timer was set. The timer is
// reset if the reader has advanced and is not at the end.
func (s *stall) stalled(next, end log.Offset) bool {
	switch {
	case next >= end:
		return false
	case next == s.seen:
		return true
	}
	s.seen = next
	s.timer.Reset(s.timeout)
	return false
}

// backOff doubles the time until the next check: the broker may just be slow.
func (s *stall) backOff() {
	s.timeout *= 2
	s.timer.Reset(s.timeout)
}
