// Package load sends signed envelopes to orderers through Broadcast and tracks the
// outcome of each: acknowledged or not, and how often it is in the blocks of every
// orderer.
package load

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/fabric-kafka/orderer/network/client"
	"github.com/fabric-kafka/orderer/network/stress/history"
)

// Target is one orderer.
type Target struct {
	Name, Address, CA string
	PID               int // for its CPU time; 0 if unknown
}

// Config configures a run.
type Config struct {
	Channel string
	Who     *client.Identity
	Targets []Target        // to send to; streams are spread over them
	Follow  []Target        // to read blocks from; default: Targets
	Tx      int             // number of envelopes; 0: as many as possible until Until
	Until   time.Time       // with Tx 0: when to stop sending
	Enough  <-chan struct{} // with Tx 0: sending also stops when it is closed; may be nil
	Rate    int             // envelopes a second over all streams; 0: unlimited
	Due     bool            // with a Rate: latencies count from when an envelope was due, not from when a stream was free to send it
	Size    int             // bytes of an envelope; default 2048
	Streams int             // concurrent streams; default: one per target
	Settle  time.Duration   // how long to wait for the last blocks; default 1 minute
	Persist bool            // after an error continue with the next envelope on another orderer, instead of ending
	Timeout time.Duration   // how long a client waits for an answer before it ends the stream; default: unlimited
	History *history.Writer // gets every envelope and answer; nil for none
	Began   func()          // called when the first envelopes are signed, before one is sent; may be nil
	Report  func(Progress)
}

// Progress is the current state of a run; it is reported once a second.
type Progress struct {
	Sent, Acknowledged, Refused, Unknown int
}

func (c Config) withDefaults() Config {
	if c.Size == 0 {
		c.Size = 2048
	}
	if c.Streams == 0 {
		c.Streams = len(c.Targets)
	}
	if c.Settle == 0 {
		c.Settle = time.Minute
	}
	if c.Follow == nil {
		c.Follow = c.Targets
	}
	if c.Began == nil {
		c.Began = func() {}
	}
	if c.Report == nil {
		c.Report = func(Progress) {}
	}
	return c
}

// Run sends, then waits until every acknowledged envelope is on every followed
// orderer or the settling time is over. An error means that the run itself failed;
// broken promises of the orderers are in the result.
func Run(ctx context.Context, c Config) (Result, error) {
	c = c.withDefaults()
	if len(c.Targets) == 0 || c.Tx == 0 && c.Until.IsZero() {
		return Result{}, errors.New("load: no orderer to send to, or nothing to send")
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	l := newLedgers(c)
	s := &sender{config: c, ledgers: l}
	defer s.close()
	if err := errors.Join(s.dial(), l.begin(ctx)); err != nil {
		cancel()
		l.wait()
		return Result{}, err
	}
	s.sign(ctx)
	c.Began()
	cpu := cpuTimes(c.Follow)
	l.start = time.Now()
	err := s.sendAll(ctx)
	if err == nil {
		l.settle(ctx)
	}
	used := cpuTimes(c.Follow)
	cancel()
	s.work.Wait()
	l.wait()
	result := l.result()
	result.cpu(cpu, used)
	return result, err
}

// sender runs the streams.
type sender struct {
	config  Config
	ledgers *ledgers
	targets []*client.Orderer // one connection for all streams to a target: fewer, larger packets
	signed  chan signed       // closed after the last one
	work    sync.WaitGroup    // goroutines that end with the run
}

func (s *sender) dial() error {
	for _, t := range s.config.Targets {
		o, err := client.Dial(t.Address, client.TLS{CA: t.CA})
		if err != nil {
			return fmt.Errorf("%s: %w", t.Name, err)
		}
		s.targets = append(s.targets, o)
	}
	return nil
}

func (s *sender) close() {
	for _, o := range s.targets {
		_ = o.Close() // of a run that is over
	}
}

// sendAll runs the streams until all envelopes are sent or the time is over.
func (s *sender) sendAll(ctx context.Context) error {
	s.work.Go(func() { s.report(ctx) })
	next := s.signed
	if s.config.Tx == 0 || s.config.Rate > 0 {
		next = make(chan signed)
		s.work.Go(func() {
			defer close(next)
			s.pace(ctx, next)
		})
	}
	g, groupCtx := errgroup.WithContext(ctx)
	for i := range s.config.Streams {
		g.Go(func() error { return s.stream(groupCtx, i, next) })
	}
	return g.Wait()
}

func (s *sender) report(ctx context.Context) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			s.config.Report(s.ledgers.progress())
		case <-ctx.Done():
			return
		}
	}
}

// pace hands envelopes to the streams at the configured rate until there are no
// more, or until Until.
func (s *sender) pace(ctx context.Context, out chan<- signed) {
	if s.config.Tx == 0 {
		until, cancel := context.WithDeadline(ctx, s.config.Until)
		defer cancel()
		go func() {
			select {
			case <-s.config.Enough:
				cancel()
			case <-until.Done():
			}
		}()
		ctx = until
	}
	began, n := time.Now(), 0
	for e := range s.signed {
		if s.config.Rate > 0 {
			due := began.Add(time.Duration(n) * time.Second / time.Duration(s.config.Rate))
			if !sleepUntil(ctx, due) {
				return
			}
			if s.config.Due {
				e.due = due
			}
		}
		n++
		select {
		case out <- e:
		case <-ctx.Done():
			return
		}
	}
}

// sleepUntil reports whether the time was reached before the context ended.
func sleepUntil(ctx context.Context, due time.Time) bool {
	timer := time.NewTimer(time.Until(due))
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// stream sends on one stream at a time; with Persist it moves to the next
// orderer after an error.
func (s *sender) stream(ctx context.Context, number int, envelopes <-chan signed) error {
	at := number
	for {
		done, err := s.session(ctx, number, at%len(s.config.Targets), envelopes)
		if done || ctx.Err() != nil {
			return nil
		}
		if !s.config.Persist {
			return err
		}
		at++
		sleepUntil(ctx, time.Now().Add(100*time.Millisecond))
	}
}

// session sends to a target until the envelopes end (done) or one is not acknowledged.
func (s *sender) session(ctx context.Context, number, target int, envelopes <-chan signed) (done bool, err error) {
	name := s.config.Targets[target].Name
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stream, err := s.targets[target].Stream(ctx)
	if err != nil {
		return false, fmt.Errorf("%s: %w", name, err)
	}
	defer stream.Close()
	for {
		var e signed
		var more bool
		select {
		case e, more = <-envelopes:
		case <-ctx.Done():
		}
		if !more {
			return true, nil
		}
		s.ledgers.sent(e)
		s.config.History.Submitted(hex.EncodeToString(e.id[:]), number+1, name)
		err := s.send(stream, cancel, e)
		s.ledgers.answered(e.id, err)
		s.config.History.Answered(hex.EncodeToString(e.id[:]), err, isRefusal(err))
		if err != nil {
			return false, fmt.Errorf("%s: %w", name, err)
		}
	}
}

// send sends one envelope, and ends the stream if there is no answer within Timeout.
func (s *sender) send(stream *client.Stream, cancel context.CancelFunc, e signed) error {
	if s.config.Timeout > 0 {
		defer time.AfterFunc(s.config.Timeout, cancel).Stop()
	}
	return stream.Send(e.envelope)
}

func isRefusal(err error) bool {
	var no *client.Refusal
	return errors.As(err, &no)
}
