// Package stall finds out when nothing comes from the brokers any more.
package stall

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/fabric-kafka/orderer/chain/machine"
)

// timeout is how long the brokers may send nothing, at the first attempt.
const timeout = time.Minute

// errStalled ends an attempt in which nothing was received for too long.
var errStalled = errors.New("nothing came from the brokers")

// Watchdog ends an attempt once the brokers have sent nothing for a while. It is a second line of defense: an
// implementation of log.Log notices a connection that makes no progress. The limit doubles with each attempt that it
// ends, so that whatever takes a finite time completes. The zero value is ready for use, by one goroutine; outside of
// Run, Answered does nothing, and any goroutine may call it.
type Watchdog struct {
	limit time.Duration // 0: timeout
	timer *time.Timer   // of the attempt; nil outside of one
}

// Run calls f with a context that ends once nothing was received for as long as the limit.
func (g *Watchdog) Run(ctx context.Context, f func(context.Context) error) error {
	limit := max(g.limit, timeout)
	guarded, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	g.timer = time.AfterFunc(limit, func() { cancel(errStalled) })
	defer func() {
		g.timer.Stop()
		g.timer = nil
	}()
	err := f(guarded)
	if err != nil && ctx.Err() == nil && guarded.Err() != nil {
		g.limit = 2 * limit
		return fmt.Errorf("%w for %s: %w", errStalled, limit, err)
	}
	return err
}

// Answered records that something was received.
func (g *Watchdog) Answered() {
	if g.timer != nil {
		g.timer.Reset(max(g.limit, timeout))
	}
}

// Reset is called after an attempt that completed.
func (g *Watchdog) Reset() { g.limit = 0 }

// Detector detects a reader that returns nothing although the log has more, which is then replaced. Since a record may
// just take a long time, each replacement gets twice the time; the time is halved once something was received, so that it
// does not grow over many records. The zero value is ready for use, by one goroutine.
type Detector struct {
	next   machine.Offset // when it was last seen
	waited int            // intervals since something came
	limit  int            // of them; doubled each time, halved when something came, none at the end of the log
}

// Stuck reports, after an interval, whether the reader is to be replaced.
func (r *Detector) Stuck(next machine.Offset, behind bool) bool {
	if !behind {
		r.limit = 0
	}
	if next != r.next || !behind {
		r.next, r.waited, r.limit = next, 0, r.limit/2
		return false
	}
	if r.waited++; r.waited < r.limit {
		return false
	}
	r.waited, r.limit = 0, 2*max(r.limit, 1)
	return true
}
