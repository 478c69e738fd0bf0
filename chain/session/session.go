// Package session is what the shell around the machine decides, without the
// goroutines, clocks and locks that the shell needs to act on it: when a topic
// may be read, what becomes of a failure, what each effect of the machine means,
// what a client is told. Package chain runs it for a real channel, package sim
// for simulated ones, so that what is simulated is what runs.
//
// An Engine is driven by one goroutine:
//
//	for {
//		err := e.Connect(ctx)
//		for err == nil {
//			if err = e.Advance(ctx, wait); errors.Is(err, ErrDue) {
//				err = e.Recheck(ctx)
//			}
//		}
//		switch e.After(err) { Reopen: at once; Pull: after CatchUp; Retry, Await: after a pause; Stop: never }
//	}
//
// Beside it run any number of Submit calls, and a Poster for each armed timer.
package session

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/fabric-kafka/orderer/chain/log"
	"github.com/fabric-kafka/orderer/chain/machine"
	"github.com/fabric-kafka/orderer/chain/record"
)

// ConsensusType is the type of the channels that this project orders.
const ConsensusType = "kafka"

// Host is the channel that an engine works for: its ledger, its config, its
// topic. Only the engine's goroutine calls it.
type Host interface {
	Channel() string
	Config() Config // in force

	// Uptime is a clock that never goes back. From which moment on does not matter.
	Uptime() time.Duration

	// Log returns the topic as the config in force has it, and Linked whether
	// the log that it returned last still is the one. An error of Log is final.
	Log() (log.Log, error)
	Linked() (bool, error)

	// Admit returns nil if the topic, which is the channel's, may be read and
	// written to. It is asked in every session before one record is.
	Admit(ctx context.Context, topic log.Log) error

	// Append appends a record to the topic, with the time limit of a client's append.
	Append(ctx context.Context, value []byte) error

	// Room returns nil if the ledger's disk takes so many bytes more. It is asked in
	// every session before one record is taken, and before blocks are written.
	Room(bytes int) error

	// Write and WriteConfig make the next block of the ledger. WriteConfig puts
	// the config in force before it returns. An error is final.
	Write(Block) error
	WriteConfig(Block) error

	// Pull returns a block that another orderer of the channel has, verified
	// against the channel's policy. ErrNoBlock is wrapped when nobody has it, ErrNoWay
	// when nobody can be asked.
	// Write and WriteConfig must fail for one that does not follow the ledger's last.
	Pull(ctx context.Context, number machine.BlockNumber) (Block, error)

	// Others asks all other orderers of the channel how many blocks they have; one
	// answer each, in any order. The error says why they cannot be asked.
	Others(ctx context.Context) ([]Answer, error)

	// First returns block 1 as another orderer has it, verified as by Pull; nil if
	// none that answers has it.
	First(ctx context.Context) (*Block, error)

	// Blocks are those of the ledger: nil if there is none of that number.
	Block(number machine.BlockNumber) *Block

	// Judge answers a Judge effect.
	Judge(machine.Judge) machine.Verdict

	// Process checks an envelope as Broadcast does and returns what a record is
	// to carry: a config envelope is computed anew. ErrUnknown is wrapped when
	// this build does not know what an authorised config update asks for.
	Process(class machine.Class, envelope []byte) (anew []byte, seq machine.ConfigSeq, err error)

	// Reproduce computes a config envelope again at the config in force, by checks that give
	// every orderer the same answer: no clock, nothing of this orderer's. An error says that the
	// update does not hold, unless it wraps ErrUnable or ErrUnknown.
	Reproduce(envelope []byte) (again []byte, seq machine.ConfigSeq, err error)

	// Arm starts the batch timer for a block, instead of any other: it runs a
	// Poster once the time is over. A timer that runs for the block already, up to
	// the end of its Poster, is left alone. Disarm stops it.
	Arm(machine.BlockNumber)
	Disarm()

	// Moved tells in which phase the channel is. Described and CaughtUp are told once.
	Moved(to Phase, cause error)
	Described()
	CaughtUp()
}

// Config is what an engine asks of a channel config.
type Config struct {
	Seq           machine.ConfigSeq
	Limits        machine.Limits
	Resubmission  bool // the orderer capability; false before Fabric v1.1
	ConsensusType string
	Patience      time.Duration // how long nobody must have a block before that is final
}

// Block is a block of the ledger, without what the block writer adds.
type Block struct {
	Number    machine.BlockNumber
	Envelopes [][]byte
	Config    bool
	Metadata  []byte // the value of its consenter metadata
}

// Settings are what an orderer's operator says about one channel.
type Settings struct {
	AllowUndescribed bool             // a topic without a description may be read, by the compatible rules
	IgnoredCuts      []machine.Offset // time-to-cut records that the compatible rules are to ignore
	MovedTo          string           // id of the topic that the channel was moved to; empty if it was not
	Begin            bool             // the channel may begin although other orderers have not answered that they have no blocks
}

// ErrUnknown is what Host.Process and Host.Reproduce wrap, and a Host's Verdict.Stop comes from, when
// a config asks for what this build does not know. A build that knows it may
// accept the config, so refusing it here would be a fork: the channel stops.
var ErrUnknown = fmt.Errorf("%w: its build does not know what a config asks for", ErrNoVerdict)

// ErrUnable is wrapped by Host.Reproduce when this orderer cannot do what another one
// can, or itself later: the update still holds.
var ErrUnable = errors.New("this orderer cannot sign")

// ErrMigrated says that a config block has given the channel another consensus type.
var ErrMigrated = errors.New("the channel has another consensus type")

// Engine orders one channel on one orderer. It is not safe for concurrent use.
type Engine struct {
	// Decode is record.InputOf. One who runs many engines over the same records may have
	// it done once for each value; it must give what InputOf gives.
	Decode func(log.Record) machine.Input

	host     Host
	events   Events
	settings Settings
	start    machine.Start

	machine *machine.Machine // nil until the topic was found to be the ledger's

	topic   log.Log        // of the session
	reader  log.Reader     // of the session; nil in none
	ahead   *log.Record    // that the reader has returned before it was due; nil for none
	lost    bool           // the brokers, since the last session
	proof   *proof         // that the topic is the ledger's; nil before the first
	newest  newest         // records of the proof and since
	end     machine.Offset // of the log, when it was checked last
	goal    machine.Offset // of the log, when it was first seen; -1 before
	topicID string         // of the topic that is read; empty before the first session

	asked      bool           // whether the topic may be described, at its last check: it was empty
	clusterID  string         // of the brokers that the topic is on; empty before the first session
	aheadSince *time.Duration // by the host's uptime: another orderer has blocks, and here is no topic, or none with a description; nil: not so

	effects    []machine.Effect // of the last step, not performed yet
	arrived    bool             // the session has come to the end that the log had at its start
	configured bool             // a config block was just written
	missing    int              // sessions in a row that found no topic
	trimmed    trimmed          // why blocks are pulled
	bare       bool             // nobody had the block when it was asked for last
	bareSince  time.Duration    // by the host's uptime
	written    *Block           // the last; nil before the first
	first      *Block           // block 1, if this process has written it and not compared it since; nil if not

	owed       *owed // a copy that must be in the log before the next record is taken
	reproduced reproduced
	unread     unread // copies that were appended and not read back yet
}

// New returns the engine of a channel whose ledger is as start says.
func New(host Host, start machine.Start, settings Settings, events Events) *Engine {
	start.AllowUndescribed, start.IgnoredCuts = settings.AllowUndescribed, settings.IgnoredCuts
	return &Engine{Decode: inputOf, host: host, events: events.WithDefaults(), settings: settings, start: start, goal: -1}
}

// Next is what follows a failure.
type Next int

const (
	Reopen Next = iota // connect again at once: nothing is wrong
	Pull               // call CatchUp: the topic does not have the next record any more
	Retry              // connect again after a pause: the log cannot be read
	Await              // the same, but it is other orderers that are awaited
	Stop               // nothing more, until an operator has removed the cause
)

// stopped is an error that ends the channel for good.
type stopped struct{ error }

func (s stopped) Unwrap() error { return s.error }

// stop marks an error as one that only an operator can remove the cause of.
func stop(err error) error { return stopped{err} }

// errReopen ends a session when the channel config names other brokers, or
// another size of envelopes, than those the log was opened with.
var errReopen = errors.New("the channel config names another log")

// errAstray ends a session whose records are of another topic than the one that
// was checked: what happened is for the next session to find out, and to say.
var errAstray = errors.New("the records are of another topic")

// After says what follows an error of Connect or Advance, and ends the session.
func (e *Engine) After(err error) Next {
	e.Close()
	var s stopped
	switch {
	case errors.As(err, &s):
		return Stop
	case errors.As(err, &awaitingBlock{}):
		e.host.Moved(Pulling, err)
		return Await
	case errors.As(err, &waiting{}):
		e.bare = false
		e.host.Moved(Waiting, err)
		return Await
	case errors.As(err, &e.trimmed):
		return Pull
	case errors.Is(err, errPulled), errors.Is(err, errReopen), errors.Is(err, errAstray), errors.Is(err, log.ErrNewLeader), errors.Is(err, ErrDue):
		return Reopen
	case errors.Is(err, log.ErrOutOfRange): // the next session says how the topic lost its records
	case log.ClassOf(err) == log.Fatal:
		return Stop
	}
	e.bare, e.lost, e.aheadSince = false, true, nil
	e.doubt()
	e.host.Moved(CutOff, err)
	return Retry
}

// Close ends the session, if there is one.
func (e *Engine) Close() {
	e.ahead = nil
	if e.reader != nil {
		_ = e.reader.Close() // nothing is left to be done about it
		e.reader = nil
	}
}

// Next is the offset of the record that is taken next.
func (e *Engine) Next() machine.Offset {
	if e.machine == nil {
		return e.start.Metadata.Offset + 1
	}
	return e.machine.NextOffset()
}

// Behind reports whether the log had more, when it was checked last, than was taken.
func (e *Engine) Behind() bool { return e.Next() < e.end }

// Machine is the machine; nil before the first session.
func (e *Engine) Machine() *machine.Machine { return e.machine }

// ruleSet is the one in force.
func (e *Engine) ruleSet() machine.RuleSet {
	if e.machine == nil {
		return e.start.Metadata.RuleSet
	}
	return e.machine.RuleSet()
}

// ErrDue says that the wait that Advance was given is over: the topic is to be
// checked again, by Recheck or in another session.
var ErrDue = errors.New("the topic is due to be checked")

// Advance does the one thing that is due: it performs what was held back,
// appends the copy that is owed, describes the topic, or takes the next record,
// for which it waits until ctx or wait ends. An error ends the session; see After.
func (e *Engine) Advance(ctx, wait context.Context) error {
	if len(e.effects) > 0 {
		return e.resume(ctx)
	}
	if e.owed != nil {
		return e.settle(ctx)
	}
	if err := e.arrive(ctx); err != nil {
		return err
	}
	r, err := e.receive(wait)
	switch {
	case ended(err) && ctx.Err() == nil && wait.Err() != nil:
		return ErrDue // the reader is kept: what it says by itself, it may say once
	case errors.Is(err, log.ErrNoRecord):
		e.end, e.goal = min(e.end, e.machine.NextOffset()), min(e.goal, e.machine.NextOffset())
		return nil
	case err != nil:
		return err
	}
	return e.Take(ctx, r)
}

// ended reports whether an error is that of a context.
func ended(err error) bool {
	return errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled)
}

// receive returns the next record of the topic.
func (e *Engine) receive(ctx context.Context) (log.Record, error) {
	if r := e.ahead; r != nil {
		e.ahead = nil
		return *r, nil
	}
	return e.reader.Next(ctx)
}

// Take takes one record of the topic.
func (e *Engine) Take(ctx context.Context, r log.Record) error {
	if machine.Offset(r.Offset) < e.machine.NextOffset() {
		return nil // taken before
	}
	e.unread.read(r.Value)
	var in machine.Input
	if err := Guarded(func() error { in = e.Decode(r); return nil }); err != nil {
		return stop(fmt.Errorf("topic %q, record at offset %d: %w", e.host.Channel(), r.Offset, err))
	}
	e.newest = e.newest.with(seenIn(r, in))
	return e.took(e.step(ctx, in))
}

// resume performs what was held back when the session before ended.
func (e *Engine) resume(ctx context.Context) error {
	answer, err := e.proceed(ctx)
	if err == nil {
		err = e.step(ctx, answer)
	}
	return e.took(err)
}

// took ends what was done for a record.
func (e *Engine) took(err error) error {
	if err != nil {
		return err
	}
	e.events.Position(e.machine.NextOffset())
	return e.fitting()
}

// arrive does what is due once the reader has come to the end that the log had:
// the chain is no longer behind, and what the log should have and has not is
// appended.
func (e *Engine) arrive(ctx context.Context) error {
	next := e.machine.NextOffset()
	if next >= e.goal {
		e.host.CaughtUp()
	}
	if next < e.end || e.arrived {
		return nil
	}
	if err := e.renew(ctx); err != nil {
		return err
	}
	e.arrived = true
	return nil
}

// fitting ends the session when a config block has just asked for another log.
func (e *Engine) fitting() error {
	if !e.configured {
		return nil
	}
	e.configured = false
	linked, err := e.host.Linked()
	switch {
	case err != nil:
		return stop(err)
	case !linked:
		return errReopen
	}
	return nil
}

func inputOf(r log.Record) machine.Input {
	return record.InputOf(machine.Offset(r.Offset), r.Value)
}

// halted is the error of a Halt effect.
func (e *Engine) halted(f machine.Halt) error {
	return stop(because(Cause(f.Cause), fmt.Errorf("topic %q: %s", e.host.Channel(), f.Detail)))
}
