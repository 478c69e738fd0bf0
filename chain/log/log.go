// Package log is the contract of the ordered log that a channel is built on:
// one topic with one partition. The shell (package chain) appends records to it
// and reads them back in offset order; it knows nothing else of Kafka.
//
// Implementations: kafka (sarama) and memlog (in memory, for tests). Both pass
// the suite in logtest, which states this contract as tests.
//
// A Log is safe for concurrent use. A Reader belongs to one goroutine. Every
// method that may wait takes a context and returns soon after it ends.
package log

import (
	"context"
	"errors"
	"fmt"
)

// Offset is the position of a record in the log; the first is 0.
type Offset int64

// Record is one record of the log.
type Record struct {
	Offset Offset
	Value  []byte // nil for a tombstone; owned by the receiver
}

// Bounds are the offsets that can be read: Start <= offset < End. End is the
// offset that the next appended record gets.
type Bounds struct {
	Start, End Offset
}

// Identity tells one incarnation of a topic from another of the same name.
type Identity struct {
	TopicID    string // the topic's UUID as Kafka prints it (base64url, 22 characters); empty if the broker has none
	ClusterID  string // of the cluster that the topic is in, as the brokers print it; empty if they have none
	Partitions int
}

// Term is a span of a topic's life in which one leader holds its records. Within a
// term records are only appended, or deleted from the start: no offset is given
// out twice.
type Term struct {
	TopicID string // empty if the brokers have no ids
	Epoch   int32  // of the leader; negative if the brokers have no epochs
}

// Known reports whether the term tells one leader from another, and one topic from
// another of the same name.
func (t Term) Known() bool { return t.TopicID != "" && t.Epoch >= 0 }

// Log is one topic. Opening one does no network I/O; each method connects as it needs.
type Log interface {
	// Create makes the topic with the settings that the log was opened with, or
	// returns nil if it exists. It never relies on auto-creation.
	Create(ctx context.Context) error

	// Append returns nil once the record is acknowledged by all in-sync
	// replicas. Appends of concurrent callers share batches; two appends of one
	// caller, one after the other, are in the log in that order. The value must not
	// be changed, not after Append has returned either.
	//
	// An error of class Ambiguous says that the record may or may not be, or
	// yet come to be, in the log; after any other error, ErrClosed and that of the
	// context too, it is not and never will be. A client that makes several
	// attempts speaks of all of them: one that may have appended the record makes
	// the outcome ambiguous unless the record is acknowledged, whatever refuses a
	// later one. A record that is acknowledged is in the log once.
	Append(ctx context.Context, value []byte) error

	// Read opens a reader whose first record is the first at or after from.
	// from == Bounds.End is allowed and waits for the next append. Outside
	// Start <= from <= End it fails with ErrOutOfRange.
	Read(ctx context.Context, from Offset) (Reader, error)

	// Bounds asks for the offsets that can be read now.
	Bounds(ctx context.Context) (Bounds, error)

	// Identity asks which topic this is. ErrNoTopic if there is none.
	Identity(ctx context.Context) (Identity, error)

	// Survey compares the topic, its brokers and the rights on it with what keeps
	// acknowledged records and takes new ones: see the kafka package for what is
	// looked at. What the brokers do not tell is a finding too, not an error.
	Survey(ctx context.Context) ([]Finding, error)

	// Publish lets everybody know how far an orderer has the log on its disk. What
	// the member published before is replaced, also by less.
	Publish(ctx context.Context, p Progress) error

	// Published returns what members have published for this topic whose names
	// begin with prefix, by their names. With an error it may return some of it.
	Published(ctx context.Context, prefix string) ([]Progress, error)

	// Close ends every call in flight with ErrClosed and releases the
	// connections; the error of an append that may be in the log is Ambiguous and
	// wraps it. No append is in flight when it has returned. Idempotent.
	Close() error
}

// Reader yields records at strictly increasing offsets.
type Reader interface {
	// Next waits for a record, as long as it takes to arrive: no limit of its own ends
	// a transfer that gets on, and one that a context has interrupted is continued by
	// the next call. Memory behind it is bounded: it fetches only a little ahead. After an error of class Retryable the caller may call Next
	// again on the same reader or open another at the next offset, except
	// ErrNewLeader; after that and any error of another class the reader is spent.
	//
	// All records of a reader are told by the leader of the epoch at which it was
	// opened. Instead of the first one that another leader tells, Next returns an error that
	// wraps ErrNewLeader, and so does every later Next; records of the old leader
	// that were fetched ahead may be dropped with it. A waiting Next returns it
	// too, though perhaps not before there is a record. A broker that has no
	// epochs never leads to it, nor does a reconnect to the same leader epoch. A
	// topic that was deleted and created again may have the epoch of the old one:
	// only Source tells.
	//
	// ErrNoRecord says, once, that none of the offsets from the next one to the
	// end that the log had when the reader was opened has a record, and none will.
	Next(ctx context.Context) (Record, error)

	// Source asks for the id of the topic that every record is of which Next has
	// returned so far: the broker that told them is asked now, and an id that was
	// given up never comes back. It is empty if the broker has no ids. The cost is
	// one request; an error of class Retryable leaves the reader as it was, but
	// for ErrNewLeader.
	Source(ctx context.Context) (topicID string, err error)

	// Term returns the term that the reader was opened in. Two readers of one term
	// that is Known yield the same records. It asks nobody.
	Term() Term

	// Close ends a Next in flight with ErrClosed. Idempotent.
	Close() error
}

// Class says what the caller of a failed operation may do.
type Class int

const (
	// Retryable: not done, and it may work later (no connection, no leader,
	// too few in-sync replicas, time-out before anything was sent).
	Retryable Class = iota + 1
	// Fatal: it will not work for this channel without an operator (no
	// rights, offset out of range, topic of another shape). An append that
	// failed so is not in the log.
	Fatal
	// Ambiguous: an append that may have happened.
	Ambiguous
	// Rejected: this record alone cannot be appended (too large); others can.
	Rejected
)

func (c Class) String() string {
	switch c {
	case Retryable:
		return "retryable"
	case Fatal:
		return "fatal"
	case Ambiguous:
		return "ambiguous"
	case Rejected:
		return "rejected"
	}
	return fmt.Sprintf("class %d", int(c))
}

// Error is what every method of Log and Reader returns on failure, except for
// a context's own error and ErrClosed.
type Error struct {
	Class Class
	Op    string // "append", "read", "bounds", "identity", "create", "survey", "publish", ...
	Topic string
	Await string // what an operator can look at or wait for: "in-sync replicas of the topic"; may be empty
	Err   error
}

// Error names operation, topic, cause and what is awaited.
func (e *Error) Error() string {
	s := fmt.Sprintf("%s topic %q: %v", e.Op, e.Topic, e.Err)
	if e.Await != "" {
		s += "; awaiting " + e.Await
	}
	return s
}

func (e *Error) Unwrap() error { return e.Err }

var (
	// ErrClosed is returned by every call on a closed log or reader. An append that
	// returns it, and not an *Error that wraps it, is not in the log.
	ErrClosed = errors.New("log is closed")
	// ErrOutOfRange is wrapped (class Fatal) when an offset is no longer, or not yet, in the log.
	ErrOutOfRange = errors.New("offset out of range")
	// ErrNoTopic is wrapped (class Retryable) when the topic does not exist.
	ErrNoTopic = errors.New("topic does not exist")
	// ErrNewLeader is wrapped (class Retryable) by Next when the partition has
	// another leader epoch than the reader was opened at: the new leader may lack
	// records that were read. Open another reader first, then check the topic, and
	// only then take its records: an election between a check and the opening
	// would go unnoticed.
	ErrNewLeader = errors.New("the partition has a new leader epoch")
	// ErrNoRecord is wrapped (class Retryable) by Next when the log ends with
	// offsets that have no record, as the markers of a foreign transaction.
	ErrNoRecord = errors.New("the last offsets have no records")
	// ErrTooLarge is wrapped (class Rejected) when a record exceeds what the topic or the client takes.
	ErrTooLarge = errors.New("record is too large")
)

// ClassOf returns the class of err: that of the *Error in its chain, else Fatal for
// ErrClosed; Retryable for anything unknown, since retrying for ever with
// visible status loses nothing.
func ClassOf(err error) Class {
	var e *Error
	switch {
	case errors.As(err, &e):
		return e.Class
	case errors.Is(err, ErrClosed):
		return Fatal
	}
	return Retryable
}

// Settings are what a topic is created with. See the kafka package for how each is applied.
type Settings struct {
	ReplicationFactor int16 // at least 1
	MinInsyncReplicas int   // 0: 2 when ReplicationFactor >= 3, else 1
	MaxMessageBytes   int   // of the largest record value plus overhead
}
