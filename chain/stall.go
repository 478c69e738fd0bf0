package chain

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/fabric-kafka/orderer/chain/machine"
)

// stallTimeout is how long the brokers may send nothing, at the first attempt.
const stallTimeout = time.Minute

// errStalled ends an attempt in which nothing was received for too long.
var errStalled = errors.New("nothing came from the brokers")

// stall ends an attempt once the brokers have sent nothing for a while. It is a second line of defense: an
// implementation of log.Log notices a connection that makes no progress. The limit doubles with each attempt that it
// ends, so that whatever takes a finite time completes. Used only by the loop.
type stall struct {
	limit time.Duration // 0: stallTimeout
	timer *time.Timer   // of the attempt; nil outside of one
}

// guard runs f, whose context ends when nothing was received for the limit.
func (s *stall) guard(ctx context.Context, f func(context.Context) error) error {
	limit := max(s.limit, stallTimeout)
	guarded, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	s.timer = time.AfterFunc(limit, func() { cancel(errStalled) })
	defer func() {
		s.timer.Stop()
		s.timer = nil
	}()
	err := f(guarded)
	if err != nil && ctx.Err() == nil && guarded.Err() != nil {
		s.limit = 2 * limit
		return fmt.Errorf("%w for %s: %w", errStalled, limit, err)
	}
	return err
}

// answered records that something was received.
func (s *stall) answered() {
	if s.timer != nil {
		s.timer.Reset(max(s.limit, stallTimeout))
	}
}

// reset is called after an attempt that completed.
func (s *stall) reset() { s.limit = 0 }

// stuck detects a reader that returns nothing although the log has more, which is then replaced. Since a record may
// just take a long time, each replacement gets twice the time; the time is halved once something was received, so that it
// does not grow over many records. Used only by the loop.
type stuck struct {
	next   machine.Offset // when it was last seen
	waited int            // intervals since something came
	limit  int            // of them; doubled each time, halved when something came, none at the end of the log
}

// see reports, after an interval, whether the reader is to be replaced.
func (s *stuck) see(next machine.Offset, behind bool) bool {
	if !behind {
		s.limit = 0
	}
	if next != s.next || !behind {
		s.next, s.waited, s.limit = next, 0, s.limit/2
		return false
	}
	if s.waited++; s.waited < s.limit {
		return false
	}
	s.waited, s.limit = 0, 2*max(s.limit, 1)
	return true
}
