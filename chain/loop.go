package chain

import (
	"context"
	"errors"
	"time"

	"github.com/fabric-kafka/orderer/chain/engine"
	"github.com/fabric-kafka/orderer/chain/log"
	"github.com/fabric-kafka/orderer/chain/machine"
)

// loop drives the channel's engine. All of its fields belong to its goroutine.
type loop struct {
	chain   *Chain
	engine  *engine.Engine
	host    *host
	backoff engine.Backoff

	attended time.Time // when attend was done last; zero before

	since time.Time      // when the session began to read; zero before
	from  machine.Offset // that it began with
	slow  int            // sessions in a row that were due before a record came that was there
}

func newLoop(c *Chain) *loop {
	h := &host{chain: c, support: c.support, cut: newCutter(c), began: time.Now()}
	return &loop{
		chain:   c,
		engine:  engine.New(h, c.start, c.opts.Settings, c.opts.Events),
		host:    h,
		backoff: engine.Backoff{Least: c.opts.RetryMin, Most: c.opts.RetryMax},
	}
}

// run goes from session to session until the chain is halted or stops for good.
func (l *loop) run() {
	defer l.chain.unlink()
	defer l.host.cut.cancel()
	defer l.engine.Close()
	ctx := l.chain.life
	for ctx.Err() == nil {
		err := l.session(ctx)
		if ctx.Err() != nil {
			return
		}
		next := l.engine.After(err)
		if next == engine.Pull {
			err = l.catchUp(ctx)
			next = l.engine.After(err)
		}
		switch {
		case ctx.Err() != nil:
			return
		case next == engine.Stop:
			l.chain.fail(err)
			return
		case next == engine.Await:
			l.pause(ctx, err, l.chain.opts.Events.Awaiting)
		case next == engine.Retry:
			l.pause(ctx, err, l.chain.opts.Events.Unavailable)
		}
	}
}

// session reads until something fails, or until the topic is due to be checked.
func (l *loop) session(ctx context.Context) error {
	l.since = time.Time{}
	if err := l.connect(ctx); err != nil {
		return err
	}
	l.since = time.Now()
	l.from = l.engine.Next()
	l.attend(ctx)
	due, cancel := context.WithTimeout(ctx, l.chain.opts.CheckInterval<<min(l.slow, mostDoubled))
	defer cancel()
	for {
		if err := l.engine.Advance(ctx, due); err != nil {
			l.pace(err)
			return err
		}
	}
}

// mostDoubled is how often the time of a session is doubled at most.
const mostDoubled = 4

// pace gives the next session twice the time if this one was due before anything
// came of a topic that has more: a fetch that takes longer than CheckInterval would
// be begun for ever.
func (l *loop) pace(err error) {
	if errors.Is(err, engine.ErrDue) && l.engine.Next() == l.from && l.engine.Behind() {
		l.slow++
		return
	}
	l.slow = 0
}

// attend looks at the topic's settings and publishes how far the ledger is, beside
// the reading and not more often than the topic is checked.
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
		ctx, cancel := context.WithTimeout(ctx, connectPatience)
		defer cancel()
		l.survey(ctx, k.log)
		l.chain.publish(ctx, k.log)
	})
}

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
	b, err := blockOf(last)
	if err != nil {
		return // the ledger's first; nothing was ordered
	}
	position, err := engine.Position(height, b.Metadata)
	if err != nil {
		return
	}
	p := log.Progress{Member: c.opts.Member, Next: log.Offset(position.Offset + 1), Block: height - 1, At: time.Now(),
		Rules: position.RuleSet.String(), ConfigSeq: c.support.Sequence()}
	if err := topic.Publish(ctx, p); ctx.Err() == nil {
		c.opts.Events.Published(p, err)
	}
}

// connectPatience bounds a connect, in which records are read that may be gone.
const connectPatience = time.Minute

func (l *loop) connect(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, connectPatience)
	defer cancel()
	return l.engine.Connect(ctx)
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
	tell(err, retry)
	sleep(ctx, retry)
}

// steady says whether the session that ended had read for a while, so that its
// end is a new trouble rather than more of the old.
func (l *loop) steady() bool {
	return !l.since.IsZero() && (l.engine.Next() > l.from || time.Since(l.since) > l.backoff.Most)
}
