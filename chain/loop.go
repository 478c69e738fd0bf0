package chain

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/fabric-kafka/orderer/chain/log"
	"github.com/fabric-kafka/orderer/chain/machine"
	"github.com/fabric-kafka/orderer/chain/session"
	"github.com/fabric-kafka/orderer/chain/stall"
)

// loop drives the channel's sessions. Its fields belong to its goroutine, unless they say
// otherwise.
type loop struct {
	chain   *Chain
	driver  *session.Driver
	timer   *timer
	backoff session.Backoff

	life context.Context         // ends with the chain's, or with a reason to stop permanently
	end  context.CancelCauseFunc // called by what runs alongside the loop

	monitored  time.Time   // when monitor was started last; zero before
	monitoring atomic.Bool // it has not ended yet; used by any goroutine

	settled machine.Offset // as reported to the backlog last

	since time.Time      // when the session began to read; zero before
	from  machine.Offset // that it began with

	guard  stall.Watchdog // of connects
	reader stall.Detector // of what is read
}

func newLoop(c *Chain) *loop {
	l := &loop{
		chain:   c,
		timer:   newTimer(c),
		backoff: session.Backoff{Min: c.opts.RetryMin, Max: c.opts.RetryMax},
	}
	l.driver = session.New(session.Host{
		Ledger:    c.ledger,
		Topic:     &topic{connection: c.connection, answered: l.guard.Answered},
		Validator: c.validator,
		Peers:     c.peers,
		Clock:     l.timer,
		Status:    c.status,
	}, c.start, c.opts.Settings, c.opts.Events)
	l.life, l.end = context.WithCancelCause(c.life)
	return l
}

// run goes from session to session until the chain is halted or stops permanently.
func (l *loop) run() {
	defer l.chain.connection.close()
	defer l.timer.Disarm()
	defer l.chain.ledger.endGrant()
	defer l.driver.Close()
	defer l.end(nil)
	l.sessions(l.life)
	if fork := (log.Fork{}); errors.As(context.Cause(l.life), &fork) {
		l.chain.fail(context.Cause(l.life))
	}
}

func (l *loop) sessions(ctx context.Context) {
	for ctx.Err() == nil {
		err := l.session(ctx)
		if err == nil || ctx.Err() != nil {
			continue
		}
		next := l.driver.After(err)
		if next == session.CatchUp {
			if err = l.catchUp(ctx); err == nil {
				continue
			}
			next = l.driver.After(err)
		}
		switch {
		case ctx.Err() != nil:
			return
		case next == session.Stop:
			l.chain.fail(err)
			return
		case next == session.Await:
			l.pause(ctx, err, l.chain.opts.Events.Waiting)
		case next == session.Retry:
			l.pause(ctx, err, l.chain.opts.Events.Unavailable)
		}
	}
}

// session connects and reads until something fails; it returns nil if another session is due without a failure. The
// topic is checked regularly while the reader is kept: what it is about to return may have taken a long time to arrive.
func (l *loop) session(ctx context.Context) error {
	l.since = time.Time{}
	if err := l.connect(ctx); err != nil {
		return err
	}
	l.chain.backlog.Forget()
	l.since = time.Now()
	l.from = l.driver.NextOffset()
	for {
		l.monitor(ctx)
		due, cancel := context.WithTimeout(ctx, l.chain.opts.CheckInterval)
		outcome, err := l.read(ctx, due)
		cancel()
		if err != nil || outcome == session.Reconnect || l.reader.Stuck(l.driver.NextOffset(), l.driver.Behind()) {
			return err
		}
		if outcome, err := l.check(ctx); err != nil || outcome == session.Reconnect {
			return err
		}
	}
}

// check has the topic checked while records are handled.
func (l *loop) check(ctx context.Context) (session.Outcome, error) {
	check := l.driver.Check()
	asking, cancel := context.WithTimeout(ctx, requestTimeout)
	answered, done := context.WithCancel(ctx)
	var asked sync.WaitGroup
	asked.Go(func() {
		defer done()
		check.Ask(asking)
	})
	defer asked.Wait()
	defer cancel()
	outcome, err := l.read(ctx, answered)
	if err != nil || outcome == session.Reconnect {
		return outcome, err
	}
	return session.Continue, l.driver.Apply(check)
}

// read handles records until something fails, the wait is over, or the session is to be replaced.
func (l *loop) read(ctx, wait context.Context) (session.Outcome, error) {
	for {
		outcome, err := l.driver.Advance(ctx, wait)
		l.settle()
		if err != nil || outcome != session.Continue {
			return outcome, err
		}
	}
}

// settle makes room for clients once records are in blocks.
func (l *loop) settle() {
	if settled := l.driver.Settled(); settled != l.settled {
		l.settled = settled
		l.chain.backlog.Settle(log.Offset(settled))
	}
}

// connect gives up when nothing was received for a while. It reads records, however many and
// large they are, so its duration as a whole has no limit.
func (l *loop) connect(ctx context.Context) error {
	err := l.guard.Run(ctx, l.driver.Connect)
	if err == nil {
		l.guard.Reset()
	}
	return err
}

// catchUp pulls blocks from other orderers.
func (l *loop) catchUp(ctx context.Context) error {
	defer l.chain.peers.close()
	return l.driver.CatchUp(ctx)
}

// pause reports what went wrong and waits before the next attempt.
func (l *loop) pause(ctx context.Context, err error, report func(error, time.Duration)) {
	if l.steady() {
		l.backoff.Reset()
	}
	retry := l.backoff.Pause()
	report(l.chain.opts.Explain(err), retry)
	sleep(ctx, retry)
}

// steady reports whether the session that ended had read for a while, so that its end is a
// new failure.
func (l *loop) steady() bool {
	return !l.since.IsZero() && (l.driver.NextOffset() > l.from || time.Since(l.since) > l.backoff.Max)
}
