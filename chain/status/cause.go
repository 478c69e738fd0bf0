package status

import (
	"errors"

	"github.com/fabric-kafka/orderer/chain/guard"
	"github.com/fabric-kafka/orderer/chain/log"
	"github.com/fabric-kafka/orderer/chain/machine"
)

// Cause is why a channel has stopped on this orderer, or is kept from ordering: one of a fixed set of words that
// operators look up to find out what to do. Besides those below, it can be a machine.HaltCause.
type Cause string

// What stops a channel until an operator acts.
const (
	CauseTopicDeleted    Cause = "topic-deleted"     // the topic that the ledger was made from is gone
	CausePartitions      Cause = "partitions"        // a topic that nothing was read from has more than one partition
	CauseOtherTopic      Cause = "other-topic"       // the topic has the name of the one that the ledger was made from, and another id
	CauseNotMovedHere    Cause = "not-moved-here"    // the topic is not the one that the operator has moved the channel to
	CauseOtherCluster    Cause = "other-cluster"     // the brokers are those of another Kafka cluster
	CauseShortTopic      Cause = "short-topic"       // the topic ends before what the ledger was made from
	CauseOtherRecords    Cause = "other-records"     // the topic holds records other than those that the ledger was made from
	CauseOtherFirstBlock Cause = "other-first-block" // another orderer has a different block 1
	CauseLostBlock       Cause = "lost-block"        // neither the topic nor another orderer has the next block
	CauseWrongBlock      Cause = "wrong-block"       // a block of another orderer does not continue the ledger
	CauseMigrated        Cause = "migrated"          // another consenter orders the channel
	CauseLedger          Cause = "ledger"            // the ledger is not one that the channel can be continued from
	CauseUnreadable      Cause = "unreadable-topic"  // the topic holds what cannot be read, or cannot be created
	CauseNoBroker        Cause = "no-broker"         // the channel config names no broker that can be connected to
	CauseSharedType      Cause = "shared-type"       // the local configuration excludes channels of the shared type
	CauseFork            Cause = "fork"              // another orderer has published different blocks
	CauseInternal        Cause = "internal"          // a fault of this build
)

// What keeps a channel from ordering for a while, or until an operator acts.
const (
	CauseTrimmed        Cause = "trimmed"         // the topic does not have the next record; blocks are pulled from other orderers
	CauseSilentOrderers Cause = "silent-orderers" // other orderers have not answered whether the channel has been started
	CauseBegunElsewhere Cause = "begun-elsewhere" // other orderers have blocks, and the topic is missing or empty here; stops the channel if it lasts
	CauseDisk           Cause = "disk"            // the ledger disk is full
	CausePreflight      Cause = "preflight"       // the settings of the topic are not safe
	CauseCannotSign     Cause = "cannot-sign"     // a config update must be signed again, and the key is unavailable
)

// Fault is an error with its cause.
type Fault struct {
	Cause Cause
	Err   error // the facts; the remedy depends on the cause
}

func (f Fault) Error() string { return f.Err.Error() }

func (f Fault) Unwrap() error { return f.Err }

// Stopped is an error that ends the channel permanently: only an operator can remove its cause.
type Stopped struct{ Err error }

func (s Stopped) Error() string { return s.Err.Error() }

func (s Stopped) Unwrap() error { return s.Err }

// CauseOf returns the cause of what ended a session or stopped a channel; empty if there is none that an operator
// could look up, as for a broker that does not answer.
func CauseOf(err error) Cause {
	switch f := (Fault{}); {
	case err == nil:
		return ""
	case errors.As(err, &f):
		return f.Cause
	case errors.Is(err, guard.ErrNoVerdict):
		return Cause(machine.HaltNoVerdict)
	case log.ClassOf(err) == log.Fatal && !errors.Is(err, log.ErrClosed) && !errors.Is(err, log.ErrOutOfRange):
		return CauseUnreadable
	case errors.As(err, &Stopped{}):
		return CauseInternal
	}
	return ""
}
