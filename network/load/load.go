// Package load sends signed envelopes through Broadcast to orderers and follows
// what becomes of each: acknowledged or not, and how often it is in the blocks
// of every orderer.
package load

import (
	"context"
	"errors"
	"fmt"
	"time"

	cb "github.com/hyperledger/fabric-protos-go/common"
	"github.com/hyperledger/fabric/protoutil"
	"golang.org/x/sync/errgroup"

	"github.com/fabric-kafka/orderer/network/client"
)

// Target is one orderer.
type Target struct {
	Name, Address, CA string
	PID               int // for its CPU time; 0 if unknown
}

// Config says what to send.
type Config struct {
	Channel string
	Who     *client.Identity
	Targets []Target      // streams are spread over them
	Follow  []Target      // whose blocks are followed; default Targets
	Tx      int           // envelopes; 0 for as many as fit until Until
	Until   time.Time     // with Tx 0: when to stop sending
	Rate    int           // envelopes a second over all streams; 0 for as fast as they go
	Size    int           // bytes of an envelope; default 2048
	Streams int           // concurrent streams; default 1 a target
	Settle  time.Duration // how long to wait for the last blocks; default 1 minute
	Persist bool          // after an error go on with the next envelope on another orderer, instead of ending
	Report  func(Progress)
}

// Progress is where a run stands; reported once a second.
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
	if c.Report == nil {
		c.Report = func(Progress) {}
	}
	return c
}

// presigned bounds the envelopes that wait to be sent: memory, and the head
// start that the clock does not see.
const presigned = 100_000

// Run sends, then waits until every acknowledged envelope is on every followed
// orderer or the settling time is over. An error says that the run itself could
// not go on; what the orderers did wrong is in the result.
func Run(ctx context.Context, c Config) (Result, error) {
	c = c.withDefaults()
	if len(c.Targets) == 0 || c.Tx == 0 && c.Until.IsZero() {
		return Result{}, errors.New("load: no orderer to send to, or nothing to send")
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	l := newLedgers(c)
	if err := l.begin(ctx); err != nil {
		return Result{}, err
	}
	s := &sender{config: c, ledgers: l}
	envelopes := s.sign(ctx)
	cpu := cpuTimes(c.Follow)
	l.start = time.Now()
	err := s.sendAll(ctx, envelopes)
	if err == nil {
		l.settle(ctx)
	}
	used := cpuTimes(c.Follow)
	cancel()
	l.wait()
	result := l.result()
	result.cpu(cpu, used)
	return result, err
}

// sender runs the streams.
type sender struct {
	config  Config
	ledgers *ledgers
}

// signed is an envelope and what it is known by.
type signed struct {
	envelope *cb.Envelope
	id       [32]byte
}

// sign makes envelopes ahead of the streams, and the first ones before the clock starts.
func (s *sender) sign(ctx context.Context) <-chan signed {
	ahead := presigned
	if s.config.Tx > 0 {
		ahead = min(ahead, s.config.Tx)
	} else {
		ahead = min(ahead, 500)
	}
	out := make(chan signed, ahead)
	var workers errgroup.Group
	tickets := s.tickets(ctx)
	for range 2 {
		workers.Go(func() error {
			for range tickets {
				e, err := s.config.Who.Message(s.config.Channel, s.config.Size)
				if err != nil {
					return err
				}
				select {
				case out <- signed{e, client.Digest(protoutil.MarshalOrPanic(e))}:
				case <-ctx.Done():
					return nil
				}
			}
			return nil
		})
	}
	go func() {
		s.ledgers.fail(workers.Wait())
		close(out)
	}()
	for len(out) < ahead && ctx.Err() == nil {
		time.Sleep(5 * time.Millisecond)
	}
	return out
}

// tickets is one value for each envelope to be made.
func (s *sender) tickets(ctx context.Context) <-chan struct{} {
	out := make(chan struct{})
	go func() {
		defer close(out)
		for i := 0; s.config.Tx == 0 && time.Now().Before(s.config.Until) || i < s.config.Tx; i++ {
			select {
			case out <- struct{}{}:
			case <-ctx.Done():
				return
			}
		}
	}()
	return out
}

func (s *sender) sendAll(ctx context.Context, envelopes <-chan signed) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go s.report(ctx)
	paced := s.pace(ctx, envelopes)
	g, ctx := errgroup.WithContext(ctx)
	for i := range s.config.Streams {
		g.Go(func() error { return s.stream(ctx, i, paced) })
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

// pace lets envelopes through at the rate asked for.
func (s *sender) pace(ctx context.Context, in <-chan signed) <-chan signed {
	if s.config.Rate == 0 {
		return in
	}
	out := make(chan signed)
	go func() {
		defer close(out)
		began, n := time.Now(), 0
		for e := range in {
			due := began.Add(time.Duration(n) * time.Second / time.Duration(s.config.Rate))
			n++
			select {
			case <-time.After(time.Until(due)):
			case <-ctx.Done():
				return
			}
			select {
			case out <- e:
			case <-ctx.Done():
				return
			}
		}
	}()
	return out
}

// stream sends on one stream at a time; with Persist it moves to the next
// orderer after an error.
func (s *sender) stream(ctx context.Context, number int, envelopes <-chan signed) error {
	at := number
	for {
		done, err := s.session(ctx, s.config.Targets[at%len(s.config.Targets)], envelopes)
		if done || ctx.Err() != nil {
			return nil
		}
		if !s.config.Persist {
			return err
		}
		at++
		select {
		case <-time.After(100 * time.Millisecond):
		case <-ctx.Done():
		}
	}
}

// session sends until the envelopes end (done) or one is not acknowledged.
func (s *sender) session(ctx context.Context, t Target, envelopes <-chan signed) (done bool, err error) {
	o, err := client.Dial(t.Address, t.CA)
	if err != nil {
		return false, err
	}
	defer o.Close()
	stream, err := o.Stream(ctx)
	if err != nil {
		return false, fmt.Errorf("%s: %w", t.Name, err)
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
		s.ledgers.sent(e.id)
		err := stream.Send(e.envelope)
		s.ledgers.answered(e.id, err)
		if err != nil {
			return false, fmt.Errorf("%s: %w", t.Name, err)
		}
	}
}
