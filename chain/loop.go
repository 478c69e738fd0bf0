package chain

import (
	"context"
	"errors"
	"time"

	"github.com/fabric-kafka/orderer/chain/log"
	"github.com/fabric-kafka/orderer/chain/machine"
	"github.com/fabric-kafka/orderer/chain/session"
)

// loop drives the channel's engine. All of its fields belong to its goroutine.
type loop struct {
	chain   *Chain
	engine  *session.Engine
	host    *host
	backoff session.Backoff

	life context.Context         // ends with the chain's, or with a reason to stop for good
	end  context.CancelCauseFunc // is called by what runs beside the loop

	attended time.Time // when attend was done last; zero before

	since time.Time      // when the session began to read; zero before
	from  machine.Offset // that it began with

	stall stall // of connects and checks
	stuck stuck // of what is read
}

func newLoop(c *Chain) *loop {
	h := &host{chain: c, support: c.support, cut: newCutter(c), began: time.Now()}
	l := &loop{
		chain:   c,
		engine:  session.New(h, c.start, c.opts.Settings, c.opts.Events),
		host:    h,
		backoff: session.Backoff{Least: c.opts.RetryMin, Most: c.opts.RetryMax},
	}
	h.came = l.stall.came
	l.life, l.end = context.WithCancelCause(c.life)
	return l
}

// run goes from session to session until the chain is halted or stops for good.
func (l *loop) run() {
	defer l.chain.unlink()
	defer l.host.cut.cancel()
	defer l.host.endGrant()
	defer l.engine.Close()
	defer l.end(nil)
	l.sessions(l.life)
	if fork := (log.Fork{}); errors.As(context.Cause(l.life), &fork) {
		l.chain.fail(context.Cause(l.life))
	}
}

func (l *loop) sessions(ctx context.Context) {
	for ctx.Err() == nil {
		err := l.session(ctx)
		if ctx.Err() != nil {
			return
		}
		next := l.engine.After(err)
		if next == session.Pull {
			err = l.catchUp(ctx)
			next = l.engine.After(err)
		}
		switch {
		case ctx.Err() != nil:
			return
		case next == session.Stop:
			l.chain.fail(err)
			return
		case next == session.Await:
			l.pause(ctx, err, l.chain.opts.Events.Awaiting)
		case next == session.Retry:
			l.pause(ctx, err, l.chain.opts.Events.Unavailable)
		}
	}
}

// session reads until something fails. A topic that is due to be checked is checked
// beside the reader, which is kept: what it is about to return may have taken long.
func (l *loop) session(ctx context.Context) error {
	l.since = time.Time{}
	if err := l.connect(ctx); err != nil {
		return err
	}
	l.since = time.Now()
	l.from = l.engine.Next()
	for {
		l.attend(ctx)
		if err := l.read(ctx); !errors.Is(err, session.ErrDue) {
			return err
		}
		if l.stuck.see(l.engine.Next(), l.engine.Behind()) {
			return session.ErrDue
		}
		if err := l.stall.guard(ctx, l.engine.Recheck); err != nil {
			return err
		}
	}
}

// read takes records until something fails, or until the topic is due to be checked.
func (l *loop) read(ctx context.Context) error {
	due, cancel := context.WithTimeout(ctx, l.chain.opts.CheckInterval)
	defer cancel()
	for {
		if err := l.engine.Advance(ctx, due); err != nil {
			return err
		}
	}
}

// attend looks at the topic's settings, publishes how far the ledger is, and compares it
// with what others published, beside the reading and not more often than the topic is checked.
func (l *loop) attend(ctx context.Context) {
	if !l.attended.IsZero() && time.Since(l.attended) < l.chain.opts.CheckInterval {
		return
	}
	k := l.chain.use()
	if k == nil {
		return
	}
	l.attended = time.Now()
	l.chain.work.Go(func() {
		defer k.users.Done()
		ctx, cancel := context.WithTimeout(ctx, requestTimeout)
		defer cancel()
		l.survey(ctx, k.log)
		l.chain.publish(ctx, k.log)
		if err := l.chain.compare(ctx, k.log); err != nil {
			l.end(err)
		}
	})
}

// requestTimeout bounds what is asked of the brokers beside the reading: answers of a
// few bytes.
const requestTimeout = time.Minute

func (l *loop) survey(ctx context.Context, topic log.Log) {
	if l.chain.opts.Preflight == PreflightOff {
		return
	}
	found, err := topic.Survey(ctx)
	if ctx.Err() == nil {
		l.chain.opts.Events.Surveyed(found, err)
	}
}

// publish tells, for whoever prunes the topic, which record this orderer needs next
// if it starts again from its ledger.
func (c *Chain) publish(ctx context.Context, topic log.Log) {
	if c.opts.Member == "" {
		return
	}
	height := c.support.Height()
	last := c.support.Block(height - 1)
	if last == nil {
		return // being written
	}
	b, err := BlockOf(last)
	if err != nil {
		return // the ledger's first; nothing was ordered
	}
	position, err := session.Position(height, b.Metadata)
	if err != nil {
		return
	}
	config := c.support.ConfigtxValidator().ConfigProto()
	c.hashes.turn()
	p := log.Progress{Member: c.opts.Member, Next: log.Offset(position.Offset + 1), Block: height - 1, At: time.Now(),
		Rules: position.RuleSet.String(), ConfigSeq: config.GetSequence(), Config: ConfigDigest(config),
		Hashes: c.hashes.published(height - 1)}
	if err := topic.Publish(ctx, p); ctx.Err() == nil {
		c.opts.Events.Published(p, err)
	}
}

// connect gives up when nothing has come for a while. Records are read in it, as many
// and as large as they may be, so that there is no limit for all of it.
func (l *loop) connect(ctx context.Context) error {
	err := l.stall.guard(ctx, l.engine.Connect)
	if err == nil {
		l.stall.reset()
	}
	return err
}

// catchUp takes blocks from other orderers.
func (l *loop) catchUp(ctx context.Context) error {
	defer l.host.endPull()
	return l.engine.CatchUp(ctx)
}

// pause tells what went wrong and waits before the next attempt.
func (l *loop) pause(ctx context.Context, err error, tell func(error, time.Duration)) {
	if l.steady() {
		l.backoff.Reset()
	}
	retry := l.backoff.Pause()
	tell(l.chain.opts.Explain(err), retry)
	sleep(ctx, retry)
}

// steady says whether the session that ended had read for a while, so that its
// end is a new trouble rather than more of the old.
func (l *loop) steady() bool {
	return !l.since.IsZero() && (l.engine.Next() > l.from || time.Since(l.since) > l.backoff.Most)
}
