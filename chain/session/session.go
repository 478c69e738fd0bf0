// Package session connects a channel to its topic and reads it, one session after the
// other. It decides when a topic may be read, what follows a failure, and how each effect of the
// machine is performed. It has no goroutine,
// clock or lock of its own: package chain runs it for real channels and package sim for
// simulated ones, so that what is simulated is what runs.
//
// A Driver is driven by one goroutine, from session to session:
//
//	for {
//		err := d.Connect(ctx)
//		for outcome := Continue; err == nil && outcome != Reconnect; {
//			outcome, err = d.Advance(ctx, wait) // now and then Check, Ask in another goroutine, and Apply
//		}
//		if err == nil {
//			continue
//		}
//		switch d.After(err) { Reconnect: at once; CatchUp: after CatchUp; Retry, Await: after a pause; Stop: never }
//	}
//
// A [Poster] runs concurrently for each armed timer. Clients append to the topic, and never call a Driver.
package session

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/fabric-kafka/orderer/chain/guard"
	"github.com/fabric-kafka/orderer/chain/log"
	"github.com/fabric-kafka/orderer/chain/machine"
	"github.com/fabric-kafka/orderer/chain/record"
	"github.com/fabric-kafka/orderer/chain/status"
	"github.com/fabric-kafka/orderer/chain/unread"
	"github.com/fabric-kafka/orderer/chain/verify"
)

// Block is a block of the ledger, without what the block writer adds.
type Block struct {
	Number    machine.BlockNumber
	Envelopes [][]byte
	Config    bool
	Metadata  []byte // the value of its consenter metadata
}

// Settings are what an orderer's operator configures for one channel.
type Settings struct {
	AllowUndescribed bool             // a topic without a description may be read, by the compatible rules
	IgnoredCuts      []machine.Offset // time-to-cut records that the compatible rules are to ignore
	MovedTo          string           // id of the topic that the channel was moved to; empty if it was not
	Begin            bool             // the channel may begin although other orderers have not answered that they have no blocks
}

// ErrMigrated is wrapped if a config block has given the channel to another consenter.
var ErrMigrated = errors.New("the channel was given to another consenter")

// Driver orders one channel on one orderer. It is not safe for concurrent use.
type Driver struct {
	// Decode is [record.InputOf], or what a reader has decoded ahead. A caller that runs many drivers over the same records may replace it with a function that
	// decodes each value once, with the same result.
	Decode func(log.Record) machine.Input

	host     Host
	events   Events
	settings Settings
	start    machine.Start
	written  *Block // the last block written; nil before the first

	reading
	session *session // nil between sessions

	topicID      string         // of the topic that is read; empty before the first session
	clusterID    string         // of the brokers that the topic is on; empty before the first session
	asked        bool           // mayCreate was called when the topic was last checked: it was empty
	missing      int            // sessions in a row that found no topic
	missingSince time.Duration  // by the host's clock: the first of them
	lost         bool           // the connection to the brokers, since the last session
	end          machine.Offset // of the log, when it was last checked

	trimmed      trimmed        // why blocks are pulled
	notGiven     error          // why no orderer gave the block when it was last asked for; nil if one did
	noBlock      bool           // no orderer had the block when it was last asked for
	noBlockSince time.Duration  // by the host's clock
	aheadSince   *time.Duration // by the host's clock: other orderers have blocks, and the topic is missing or empty; nil if not

	unread unread.Copies // copies that were appended and not read yet
}

// reading is what a driver knows since it started to read after the ledger's last block.
// It outlives sessions; a catch-up starts another.
type reading struct {
	machine      *machine.Machine     // nil until the topic is found to be the ledger's
	effects      []machine.Effect     // of the last step, not performed yet
	configured   bool                 // a config block was just written
	firstEnd     machine.Offset       // end of the log when it was first seen; -1 before
	verification *verify.Verification // that the topic is the ledger's; nil before the first
	first        *Block               // block 1, if this process has written it and not compared it since; nil if not
	resubmission *resubmission        // a copy that must be in the log before the next record is handled
	resubmitted  resubmitted
}

func newReading() reading { return reading{firstEnd: -1} }

// session is one connection to the topic: it starts and ends with a reader.
type session struct {
	topic   log.Log
	reader  log.Reader
	ahead   *log.Record // returned by the reader and not handled yet; nil for none
	sourced log.Offset  // records before it are known to be the topic's
	arrived bool        // has reached the end that the log had when it was last checked
}

// next returns the next record of the topic.
func (s *session) next(ctx context.Context) (log.Record, error) {
	if r := s.ahead; r != nil {
		s.ahead = nil
		return *r, nil
	}
	return s.reader.Next(ctx)
}

// New returns the driver of a channel whose ledger is described by start.
func New(host Host, start machine.Start, settings Settings, events Events) *Driver {
	start.AllowUndescribed, start.IgnoredCuts = settings.AllowUndescribed, settings.IgnoredCuts
	return &Driver{Decode: inputOf, host: host, events: events.WithDefaults(), settings: settings, start: start, reading: newReading()}
}

// Close ends the session, if there is one.
func (d *Driver) Close() {
	if d.session != nil {
		_ = d.session.reader.Close() // nothing can be done about an error
		d.session = nil
	}
}

// NextOffset returns the offset of the record that is handled next.
func (d *Driver) NextOffset() machine.Offset {
	if d.machine == nil {
		return d.start.Metadata.Offset + 1
	}
	return d.machine.NextOffset()
}

// Settled returns the offset before which each record is in a block of the ledger, or will be in none.
func (d *Driver) Settled() machine.Offset {
	switch {
	case d.machine == nil || len(d.effects) > 0:
		return 0 // what is held back is in no block
	case d.machine.Pending() > 0:
		block, _ := d.machine.Windows()
		return block.LastOffset + 1
	}
	return d.machine.NextOffset()
}

// Behind reports whether the log, when it was last checked, had more than has been handled.
func (d *Driver) Behind() bool { return d.NextOffset() < d.end }

// Machine returns the machine; nil before the first session.
func (d *Driver) Machine() *machine.Machine { return d.machine }

// ruleSet returns the rule set in force.
func (d *Driver) ruleSet() machine.RuleSet {
	if d.machine == nil {
		return d.start.Metadata.RuleSet
	}
	return d.machine.RuleSet()
}

// Advance does the one thing that is due: it performs pending effects, appends a pending
// copy, describes the topic, or handles the next record, for which it waits until ctx or
// wait ends. An error ends the session; see After.
func (d *Driver) Advance(ctx, wait context.Context) (Outcome, error) {
	switch {
	case len(d.effects) > 0:
		return d.finish(d.resume(ctx))
	case d.resubmission != nil:
		return Continue, d.resubmit(ctx)
	}
	if err := d.arrive(ctx); err != nil {
		return Continue, err
	}
	r, err := d.session.next(wait)
	switch {
	case ended(err) && ctx.Err() == nil && wait.Err() != nil:
		return Due, nil // the reader is kept: it may report an error of its own only once
	case errors.Is(err, log.ErrNoRecord):
		d.end, d.firstEnd = min(d.end, d.machine.NextOffset()), min(d.firstEnd, d.machine.NextOffset())
		return Continue, nil
	case err != nil:
		return Continue, err
	}
	return d.Handle(ctx, r)
}

// ended reports whether an error is that of a context.
func ended(err error) bool {
	return errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled)
}

// Handle gives one record of the topic to the machine, and performs the effects.
func (d *Driver) Handle(ctx context.Context, r log.Record) (Outcome, error) {
	if machine.Offset(r.Offset) < d.machine.NextOffset() {
		return Continue, nil // handled before
	}
	d.unread.Read(r.Value)
	var in machine.Input
	if err := guard.Call(func() error { in = d.Decode(r); return nil }); err != nil {
		return Continue, stop(fmt.Errorf("topic %q, record at offset %d: %w", d.start.Channel, r.Offset, err))
	}
	d.verification.Handled(r, in)
	return d.finish(d.step(ctx, in))
}

// resume performs the effects that were pending when the last session ended.
func (d *Driver) resume(ctx context.Context) error {
	answer, err := d.proceed(ctx)
	if err != nil {
		return err
	}
	return d.step(ctx, answer)
}

// finish reports the position after a record, and whether the session is still the one that
// the config asks for.
func (d *Driver) finish(err error) (Outcome, error) {
	if err != nil {
		return Continue, err
	}
	d.events.Position(d.machine.NextOffset())
	if !d.configured {
		return Continue, nil
	}
	d.configured = false
	current, err := d.host.Current()
	switch {
	case err != nil:
		return Continue, stop(err)
	case !current: // the config names other brokers, or another size of envelopes
		return Reconnect, nil
	}
	return Continue, nil
}

// arrive does what is due once the reader reaches the end that the log had: it reports that
// the channel has caught up, and appends what the log should have but does not.
func (d *Driver) arrive(ctx context.Context) error {
	next := d.machine.NextOffset()
	if next >= d.firstEnd {
		d.host.CaughtUp()
	}
	if next < d.end || d.session.arrived {
		return nil
	}
	if err := d.resubmitUnread(ctx); err != nil {
		return err
	}
	d.session.arrived = true
	return nil
}

// halted returns the error for a Halt effect.
func (d *Driver) halted(f machine.Halt) error {
	return stop(because(status.Cause(f.Cause), fmt.Errorf("topic %q: %s", d.start.Channel, f.Detail)))
}

// DecodeAhead returns the Decoded of a record for a driver, by any goroutine. It is nil if the value makes
// code of Fabric panic: the driver then does so itself, and stops the channel.
func DecodeAhead(r log.Record) (decoded any) {
	_ = guard.Call(func() error { decoded = inputOf(r); return nil })
	return decoded
}

func inputOf(r log.Record) machine.Input {
	if in, ok := r.Decoded.(machine.Input); ok {
		return in
	}
	return record.InputOf(machine.Offset(r.Offset), r.Value)
}
