package chain

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/fabric-kafka/orderer/chain/block"
	"github.com/fabric-kafka/orderer/chain/fabric"
	"github.com/fabric-kafka/orderer/chain/log"
	"github.com/fabric-kafka/orderer/chain/session"
)

// heartbeat is how often a chain reports that it is alive.
const heartbeat = time.Second

// pulse reports at each heartbeat that the chain is alive, whatever its loop does. The chains of a process do so at the same
// time: a process that is woken once for all of them uses much less of a processor.
func (c *Chain) pulse() {
	for sleep(c.life, time.Until(time.Now().Truncate(heartbeat).Add(heartbeat))) {
		c.opts.Events.Heartbeat()
	}
}

// measure asks where the topic ends once a check of the loop, which does so too, is overdue: it shows a loop that is stuck.
func (c *Chain) measure() {
	overdue := c.opts.CheckInterval + c.opts.CheckInterval/4
	for pause := heartbeat; sleep(c.life, pause); {
		pause = overdue - c.measured.Ago()
		switch {
		case pause > 0:
		case c.measureOnce():
			pause = overdue
		default:
			pause = heartbeat
		}
	}
}

// measureOnce measures once, and returns false if there was no answer.
func (c *Chain) measureOnce() bool {
	ctx, cancel := context.WithTimeout(c.life, requestTimeout)
	defer cancel()
	err := c.connection.use(func(o *openLog) error {
		bounds, err := o.Bounds(ctx)
		if err == nil {
			c.opts.Events.Measured(bounds.End)
		}
		return err
	})
	return err == nil
}

// monitor surveys the topic's settings, publishes the position of the ledger, and compares
// the ledger with what others published. It does so outside of the loop, one run at a time and
// not more often than the topic is checked.
func (l *loop) monitor(ctx context.Context) {
	if !l.monitored.IsZero() && time.Since(l.monitored) < l.chain.opts.CheckInterval || l.monitoring.Load() {
		return
	}
	l.monitored = time.Now()
	l.monitoring.Store(true)
	l.chain.work.Go(func() {
		defer l.monitoring.Store(false)
		ctx, cancel := context.WithTimeout(ctx, requestTimeout)
		defer cancel()
		fork := l.chain.connection.use(func(o *openLog) error {
			var survey sync.WaitGroup
			defer survey.Wait()
			survey.Go(func() { l.survey(ctx, o) })
			l.chain.publish(ctx, o)
			return l.chain.compare(ctx, o)
		})
		if fork != nil && !errors.Is(fork, log.ErrClosed) {
			l.end(fork)
		}
	})
}

// Time limits of requests outside of the loop, whose answers are small. If the coordinator of
// this orderer's group hangs, there is time left for those of the others.
const (
	requestTimeout = time.Minute
	publishTimeout = 20 * time.Second
)

func (l *loop) survey(ctx context.Context, topic log.Log) {
	if l.chain.opts.Preflight == PreflightOff {
		return
	}
	found, err := topic.Survey(ctx)
	if l.life.Err() == nil {
		l.chain.opts.Events.Surveyed(found, err)
	}
}

// publish reports, for whoever prunes the topic, which record this orderer needs next
// if it starts again from its ledger.
func (c *Chain) publish(ctx context.Context, topic log.Log) {
	if c.opts.Member == "" {
		return
	}
	c.hashes.turn()
	height, config := c.support.Height(), c.support.ConfigtxValidator().ConfigProto()
	if c.progress.Block+1 != height || c.progressAt != config {
		found, ok := c.progressOf(height, config)
		if !ok {
			return
		}
		c.progress, c.progressAt = found, config
	}
	p := c.progress
	p.At = time.Now()
	ctx, cancel := context.WithTimeout(ctx, publishTimeout)
	defer cancel()
	if err := topic.Publish(ctx, p); c.life.Err() == nil {
		c.opts.Events.Published(p, err)
	}
}

// progressOf returns the progress of a ledger, except for the time; false if its last block cannot be read. It reads blocks, and the whole
// config.
func (c *Chain) progressOf(height uint64, config *fabric.Config) (p log.Progress, ok bool) {
	last := c.support.Block(height - 1)
	if last == nil {
		return p, false // being written
	}
	b, err := block.Decode(last)
	if err != nil {
		return p, false // it cannot be read, so its position is not known
	}
	position, err := session.Position(height, b.Metadata)
	return log.Progress{Member: c.opts.Member, Next: log.Offset(position.Offset + 1), Block: height - 1,
		Rules: position.RuleSet.String(), ConfigSeq: config.GetSequence(), Config: block.ConfigDigest(config),
		Hashes: c.hashes.published(height - 1)}, err == nil
}
