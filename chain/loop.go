package chain

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/fabric-kafka/orderer/chain/log"
	"github.com/fabric-kafka/orderer/chain/machine"
	"github.com/fabric-kafka/orderer/chain/record"
)

// stop is why the loop ends for good.
type stop struct{ err error }

func (s stop) Error() string { return s.err.Error() }
func (s stop) Unwrap() error { return s.err }

func stopf(format string, args ...any) error {
	return stop{fmt.Errorf(format, args...)}
}

// run is the loop: sessions with the log, one after the other, for ever.
func (c *Chain) run() {
	defer c.cut.disarm()
	pause := backoff{least: c.options.RetryMin, most: c.options.RetryMax}
	for {
		before := c.machine.NextOffset()
		err := c.session()
		if c.life.Err() != nil {
			return
		}
		if final(err) {
			c.fail(err)
			return
		}
		if c.machine.NextOffset() > before {
			pause.reset()
		}
		wait := pause.pause()
		c.status.to(cutOff, err)
		c.events.Unavailable(err, wait)
		if !sleep(c.life, wait) {
			return
		}
	}
}

// final says whether trying again is useless until an operator has acted.
func final(err error) bool {
	return errors.As(err, new(stop)) || log.ClassOf(err) == log.Fatal
}

// session checks that the log is the one that the ledger was built on, then
// reads from where the machine stands. It returns why it could not go on.
func (c *Chain) session() error {
	bounds, err := c.connect()
	if err != nil {
		return err
	}
	reader, err := c.log.Read(c.life, log.Offset(c.machine.NextOffset()))
	if err != nil {
		return err
	}
	defer closeReader(reader)
	c.online()
	c.events.Started(log.Offset(c.machine.NextOffset()), c.support.Height())
	return c.read(reader, bounds)
}

// online says that the log can be reached.
func (c *Chain) online() {
	if lasted, changed := c.status.to(reading, nil); changed {
		c.events.Recovered(lasted)
	}
}

// connect makes a fresh channel's topic and checks any topic's shape.
func (c *Chain) connect() (log.Bounds, error) {
	ctx, cancel := context.WithTimeout(c.life, time.Minute)
	defer cancel()
	next := log.Offset(c.machine.NextOffset())
	if next == 0 {
		// Only a ledger that never read may make the topic: one that vanished
		// later must not come back empty.
		if err := c.log.Create(ctx); err != nil {
			return log.Bounds{}, err
		}
	}
	id, err := c.log.Identity(ctx)
	if err != nil {
		return log.Bounds{}, err
	}
	if id.Partitions != 1 {
		return log.Bounds{}, stopf("topic %q has %d partitions where a channel needs exactly 1: a topic cannot be shrunk, "+
			"so the channel needs the topic as it was", c.support.ChannelID(), id.Partitions)
	}
	bounds, err := c.log.Bounds(ctx)
	if err != nil {
		return bounds, err
	}
	return bounds, c.covers(bounds, next)
}

// covers checks that the log holds what comes next, and all that came before.
func (c *Chain) covers(b log.Bounds, next log.Offset) error {
	switch {
	case next < b.Start:
		return stopf("topic %q begins at offset %d, but this ledger goes on at offset %d: the records in between were removed "+
			"(retention, or deleted); join the channel anew from a recent config block of another orderer", c.support.ChannelID(), b.Start, next)
	case next > b.End:
		return stopf("topic %q ends at offset %d, but this ledger has read up to offset %d: acknowledged records are lost, or this is another topic; "+
			"nothing is appended to the ledger until the topic holds what it held", c.support.ChannelID(), b.End, next-1)
	}
	return nil
}

// read takes records until something fails. bounds are those at the session's start.
func (c *Chain) read(reader log.Reader, bounds log.Bounds) error {
	described := false
	for {
		next := log.Offset(c.machine.NextOffset())
		if next >= bounds.End {
			c.status.setCaughtUp()
			if !described && c.machine.RuleSet() == machine.Undescribed {
				if err := c.describe(); err != nil {
					return err
				}
				described = true
			}
		}
		r, err := reader.Next(c.life)
		if err != nil {
			return err
		}
		if r.Offset < next {
			return stopf("topic %q yielded offset %d where %d was due: it was rewritten", c.support.ChannelID(), r.Offset, next)
		}
		if err := c.apply(inputOf(r)); err != nil {
			return err
		}
		c.events.Position(c.machine.NextOffset())
	}
}

// describe puts our description at the end of a topic that has none yet. Other
// orderers may do the same at this moment; the first one in the log counts.
func (c *Chain) describe() error {
	payload, err := c.description()
	if err != nil {
		return stop{err}
	}
	value, err := record.Encode(record.NewConnect(payload))
	if err != nil {
		return stop{err}
	}
	return c.appendFor(c.life, value)
}

func closeReader(r log.Reader) {
	_ = r.Close() // its errors have been met in Next
}
