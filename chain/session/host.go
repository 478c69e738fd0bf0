package session

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/fabric-kafka/orderer/chain/guard"
	"github.com/fabric-kafka/orderer/chain/log"
	"github.com/fabric-kafka/orderer/chain/machine"
	"github.com/fabric-kafka/orderer/chain/status"
)

// Host is the channel that is ordered, by subject. Only the goroutine that drives the
// [Driver] calls it.
type Host struct {
	Ledger
	Topic
	Validator
	Peers
	Clock
	Status
}

// Ledger is the channel's ledger on this orderer, and the config that it has put in force.
type Ledger interface {
	// Config returns what is in force.
	Config() Config

	// Block returns a block of the ledger: nil if there is none of that number.
	Block(number machine.BlockNumber) *Block

	// Room returns nil if the ledger disk has space for this many more bytes. It is called in every session
	// before a record is handled, and before blocks are written.
	Room(bytes int) error

	// Write and WriteConfig make the next block of the ledger. WriteConfig puts
	// the config in force before it returns. An error is final, such as that of a block
	// which does not follow the ledger's last.
	Write(Block) error
	WriteConfig(Block) error
}

// Topic is the channel's topic on the brokers that the config in force names.
type Topic interface {
	// Open returns the topic as the config in force has it, and Current reports whether
	// that is still the log that Open returned last. An error of either is final.
	Open() (log.Log, error)
	Current() (bool, error)

	// Survey returns nil if the settings of the topic, which is the channel's, are safe to
	// order through. It is called in every session before a record is read.
	Survey(ctx context.Context, topic log.Log) error

	// Append appends a record to the topic, with the time limit of a client's append.
	Append(ctx context.Context, value []byte) error
}

// Validator decides what happens to an envelope at the config in force.
type Validator interface {
	// Judge answers a Judge effect.
	Judge(machine.Judge) machine.Verdict

	// Process checks an envelope as Broadcast does and returns what a record has to carry: a config envelope is
	// computed again. [ErrUnknown] is wrapped when this build does not know what an authorized config update asks
	// for.
	Process(class machine.Class, envelope []byte) (again []byte, seq machine.ConfigSeq, err error)

	// Reproduce computes a config envelope again at the config in force, by checks that give
	// every orderer the same answer: no clock, no local state. An error means that the update
	// is not valid, unless it wraps [ErrUnable] or [ErrUnknown].
	Reproduce(envelope []byte) (again []byte, seq machine.ConfigSeq, err error)
}

// Peers are the other orderers of the channel.
type Peers interface {
	// Pull returns a block that another orderer has, verified against the channel's
	// policy. [ErrNoBlock] is wrapped when nobody has it, [ErrCannotAsk] when nobody can be asked.
	Pull(ctx context.Context, number machine.BlockNumber) (Block, error)

	// Heights asks all other orderers how many blocks they have; one answer each, in any
	// order. The error says why they cannot be asked.
	Heights(ctx context.Context) ([]Answer, error)

	// First returns block 1 as another orderer has it, verified as by Pull; nil if
	// none that answers has it.
	First(ctx context.Context) (*Block, error)
}

// Clock measures time, and runs the batch timer.
type Clock interface {
	// Uptime returns a time that never goes back, since any starting point.
	Uptime() time.Duration

	// Arm starts the batch timer for a block, instead of any other: it runs a
	// [Poster] once the time is up. A timer that already runs for the block is left
	// alone, until its Poster has ended. Disarm stops the timer.
	Arm(machine.BlockNumber)
	Disarm()
}

// Status is what clients and operators see of the channel.
type Status interface {
	// Moved reports the phase that the channel is in, and its cause.
	Moved(to status.Phase, cause error)

	// RulesKnown reports that the rules by which the topic is read are known; CaughtUp that the channel
	// has read to the end that the log had at first.
	RulesKnown()
	CaughtUp()
}

// Config is what a session needs of a channel config.
type Config struct {
	Seq            machine.ConfigSeq
	Limits         machine.Limits
	Resubmission   bool          // the orderer capability; false before Fabric v1.1
	ConsensusType  string        // for people
	ThroughKafka   bool          // whether the channel is still ordered through Kafka; see package form
	MissingTimeout time.Duration // how long every orderer must report a block missing, or the brokers the topic, before the channel stops
}

// ErrUnknown is wrapped by a [Validator], and is the reason for its Verdict.Stop, when
// a config asks for what this build does not know. A build that knows it may
// accept the config, so refusing it here would be a fork: the channel stops.
var ErrUnknown = fmt.Errorf("%w: its build does not know what a config asks for", guard.ErrNoVerdict)

// ErrUnable is wrapped by Validator.Reproduce when this orderer cannot do what another one
// can, or what it can do itself later: the update is still valid.
var ErrUnable = errors.New("this orderer cannot sign")
