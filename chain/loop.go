package chain

import (
	"context"
	"errors"
	"time"

	"github.com/fabric-kafka/orderer/chain/log"
	"github.com/fabric-kafka/orderer/chain/machine"
)

// errReopen ends a session when the channel config names other brokers, or
// another size of envelopes, than those the log was opened with.
var errReopen = errors.New("the channel config names another log")

// stopped is an error that ends the channel for good.
type stopped struct{ error }

func (s stopped) Unwrap() error { return s.error }

// stop marks an error as one that only an operator can remove the cause of.
func stop(err error) error { return stopped{err} }

func stops(err error) bool {
	var s stopped
	return errors.As(err, &s) || log.ClassOf(err) == log.Fatal
}

// loop reads the topic and performs what the machine asks for. All of its
// fields belong to its goroutine.
type loop struct {
	chain   *Chain
	events  Events
	machine *machine.Machine
	cut     *cutter
	backoff backoff

	topicID   string         // of the topic that was read so far; empty before the first record
	goal      machine.Offset // end of the log when it was first seen; -1 before
	begun     bool           // has read, at least once
	readSince time.Time      // of the session; zero before it reads
	taken     int            // records of the session
	described bool           // the session has appended a description

	configured bool // a config block was just written

	reproduced reproduced
}

func newLoop(c *Chain) *loop {
	return &loop{
		chain:   c,
		events:  c.opts.Events,
		machine: machine.New(c.start),
		cut:     newCutter(c),
		backoff: backoff{least: c.opts.RetryMin, most: c.opts.RetryMax},
		goal:    -1,
	}
}

// run goes from session to session until the chain is halted or stops for good.
func (l *loop) run() {
	defer l.chain.unlink()
	defer l.cut.cancel()
	ctx := l.chain.life
	for ctx.Err() == nil {
		err := l.session(ctx)
		switch {
		case ctx.Err() != nil:
			return
		case errors.Is(err, errReopen):
		case stops(err):
			l.chain.fail(err)
			return
		default:
			l.pause(ctx, err)
		}
	}
}

// pause shows that the chain is cut off, and why, and waits before the next attempt.
func (l *loop) pause(ctx context.Context, err error) {
	if l.steady() {
		l.backoff.reset()
	}
	l.readSince, l.taken = time.Time{}, 0
	l.chain.status.to(cutOff, err)
	retry := l.backoff.pause()
	l.events.Unavailable(err, retry)
	sleep(ctx, retry)
}

// steady says whether the session that ended had read for a while, so that its
// end is a new trouble rather than more of the old.
func (l *loop) steady() bool {
	return l.taken > 0 || !l.readSince.IsZero() && time.Since(l.readSince) > l.backoff.most
}

// session connects, checks that the topic is the channel's, and reads until
// something fails. It never returns nil.
func (l *loop) session(ctx context.Context) error {
	k, err := l.chain.linked()
	if err != nil {
		return err
	}
	end, err := l.check(ctx, k.log)
	if err != nil {
		return err
	}
	reader, err := k.log.Read(ctx, log.Offset(l.machine.NextOffset()))
	if err != nil {
		return err
	}
	defer reader.Close()
	l.reading()
	for {
		if err := l.arrive(ctx, end); err != nil {
			return err
		}
		if err := l.next(ctx, reader); err != nil {
			return err
		}
		if err := l.fitting(k); err != nil {
			return err
		}
	}
}

// reading shows that the chain reads.
func (l *loop) reading() {
	l.taken, l.described = 0, false
	l.recovered()
	if !l.begun {
		l.begun = true
		l.events.Started(log.Offset(l.machine.NextOffset()), l.chain.height)
	}
}

// recovered shows that the chain is no longer cut off, if it was.
func (l *loop) recovered() {
	l.readSince = time.Now()
	if after, changed := l.chain.status.to(reading, nil); changed {
		l.events.Recovered(after)
	}
}

// arrive does what is due once the reader has come to the end that the log had:
// the chain is no longer behind, and a topic without a description is to get one.
func (l *loop) arrive(ctx context.Context, end machine.Offset) error {
	next := l.machine.NextOffset()
	if next >= l.goal {
		l.chain.status.setCaughtUp()
	}
	if next >= end && l.machine.RuleSet() == machine.Undescribed {
		return l.describe(ctx)
	}
	return nil
}

// next takes one record.
func (l *loop) next(ctx context.Context, reader log.Reader) error {
	r, err := reader.Next(ctx)
	if err != nil {
		return err
	}
	if machine.Offset(r.Offset) < l.machine.NextOffset() {
		return nil // taken before
	}
	l.taken++
	if err := l.step(ctx, inputOf(r)); err != nil {
		return err
	}
	l.events.Position(l.machine.NextOffset())
	return nil
}
