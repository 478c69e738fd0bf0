// Package log is the contract of the ordered log that a channel is built on:
// one topic with one partition. The shell (package chain) appends records to it
// and reads them back in offset order; it knows nothing else of Kafka.
//
// Implementations: kafka (sarama) and memlog (in memory, for tests). Both pass
// the suite in logtest, which states this contract as tests.
//
// A Log is safe for concurrent use. A Reader belongs to one goroutine, except that Source,
// Lapsed and Close may also be called while a Next is in flight. Every method that may wait
// takes a context and returns soon after it ends.
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

	// Decoded is the decoded value, set by a reader that takes records ahead; nil if
	// decoding is left to the receiver. See package ahead.
	Decoded any
}

// Bounds are the offsets that can be read: Start <= offset < End. End is the
// offset that the next appended record gets.
type Bounds struct {
	Start, End Offset
}

// Identity distinguishes one incarnation of a topic from another of the same name.
type Identity struct {
	TopicID    string // the topic's UUID as Kafka prints it (base64url, 22 characters); empty if the brokers do not report one
	ClusterID  string // of the topic's cluster, as the brokers print it; empty if they do not report one
	Partitions int
}

// Term is a span of a topic's life under one leader. Within a term records are only
// appended, or deleted from the start: no offset is assigned twice.
type Term struct {
	TopicID string // empty if the brokers do not report one
	Epoch   int32  // of the leader; negative if the brokers do not report one
}

// Known reports whether the term distinguishes one leader from another, and one topic
// from another of the same name.
func (t Term) Known() bool { return t.TopicID != "" && t.Epoch >= 0 }

// Log is one topic. Opening one does no network I/O; each method connects when it needs to.
type Log interface {
	// Create makes the topic with the settings that the log was opened with, or
	// returns nil if it exists. It never relies on auto-creation.
	Create(ctx context.Context) error

	// Append returns nil once the record is acknowledged by all in-sync
	// replicas. Appends of concurrent callers share batches; two appends of one
	// caller, one after the other, are in the log in that order. The value must not
	// be changed, even after Append has returned.
	//
	// An error of class Ambiguous means that the record may be in the log, or may
	// still be appended. After any other error, including ErrClosed and the context's
	// own, it is not in the log and never will be. The error covers every attempt that
	// the client made: if one of them may have appended the record, the outcome is
	// ambiguous unless the record is acknowledged, even if a later attempt is
	// refused. An acknowledged record is in the log exactly once.
	Append(ctx context.Context, value []byte) error

	// Read opens a reader whose first record is the first at or after from.
	// from == Bounds.End is allowed and waits for the next append. Read fails with
	// ErrOutOfRange outside Start <= from <= End.
	Read(ctx context.Context, from Offset) (Reader, error)

	// Bounds returns the offsets that can be read now.
	Bounds(ctx context.Context) (Bounds, error)

	// Identity returns the identity of the topic, or ErrNoTopic if there is none.
	Identity(ctx context.Context) (Identity, error)

	// Survey checks whether the settings of the topic and its brokers, and this
	// client's rights, keep acknowledged records and allow new ones; the kafka package
	// lists the checks. What the brokers do not report is a finding, not an error.
	Survey(ctx context.Context) ([]Finding, error)

	// Publish announces how much of the log an orderer has on its disk. It replaces
	// what the member published before, even if that was further ahead.
	Publish(ctx context.Context, p Progress) error

	// Published returns what the members whose names begin with prefix have published
	// for this topic, sorted by name. With an error the result may be partial.
	Published(ctx context.Context, prefix string) ([]Progress, error)

	// Close ends every call in flight with ErrClosed and releases the
	// connections; the error of an append that may be in the log is Ambiguous and
	// wraps ErrClosed. Once Close has returned, no append is in flight. Idempotent.
	Close() error
}

// Placer is a Log that reports where an acknowledged record is.
type Placer interface {
	// AppendAt is Append, and returns the offset of the record; negative with an error,
	// or if the brokers do not report it.
	AppendAt(ctx context.Context, value []byte) (Offset, error)
}

// Reader yields records at strictly increasing offsets.
type Reader interface {
	// Next waits for a record for as long as it takes to arrive: it has no time limit
	// of its own for a transfer that makes progress, and a transfer that a context
	// interrupted is continued by the next call. It reads ahead only a bounded amount. If
	// the context has ended, Next returns its error, even if there is a record.
	// After an error of class Retryable other than ErrNewLeader the caller may call
	// Next again on the same reader, or open another at the next offset. After
	// ErrNewLeader or an error of any other class the reader is unusable.
	//
	// All records of a reader come from the leader of the epoch at which the reader
	// was opened. Instead of the first record from another leader, Next returns an
	// error that wraps ErrNewLeader, and so does every later Next; records of the old
	// leader that were fetched ahead may be dropped. A waiting Next returns it too,
	// though perhaps not before there is a record. Brokers without epochs never cause
	// it, nor does a reconnect to the same leader epoch. A topic that was deleted and
	// recreated may have the same epoch as the old one: only Source detects that.
	//
	// ErrNoRecord is returned once if none of the offsets from the next one to the
	// end that the log had when the reader was opened has, or ever will have, a record.
	Next(ctx context.Context) (Record, error)

	// Source returns the id of the topic that all records belong to which were taken
	// from the brokers before it was called. It asks the broker that they came from; the
	// id of a deleted topic is never reused. The id is empty if the broker does not report
	// one. Source costs one request; an error of class Retryable other than ErrNewLeader
	// leaves the reader unchanged. It may be called by several goroutines, also while a Next is in flight.
	Source(ctx context.Context) (topicID string, err error)

	// Taken returns the offset of the last record that was taken from the brokers, which
	// Next has returned or will return; before the first, the one before the offset that
	// the reader was opened at. It makes no request.
	Taken() Offset

	// Lapsed returns why records that were taken may no longer be the log's, as far as the
	// reader knows without a request: an error that wraps ErrNewLeader, as Next returns it, or
	// one that Next has yet to return; nil if nothing is known.
	Lapsed() error

	// Term returns the term that the reader was opened in, without a request. Two
	// readers of the same Known term yield the same records.
	Term() Term

	// Close ends a Next in flight with ErrClosed. Idempotent.
	Close() error
}

// Class is what the caller of a failed operation may do.
type Class int

const (
	// Retryable: the operation had no effect and may succeed later (no connection, no
	// leader, too few in-sync replicas, timeout before anything was sent).
	Retryable Class = iota + 1
	// Fatal: the operation will not succeed for this channel without an operator (no
	// rights, offset out of range, wrong number of partitions). A record whose append
	// failed this way is not in the log.
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
	Await string // what an operator can check or wait for: "in-sync replicas of the topic"; may be empty
	Err   error
}

// Error returns the operation, the topic, the cause and what the call waits for.
func (e *Error) Error() string {
	s := fmt.Sprintf("%s topic %q: %v", e.Op, e.Topic, e.Err)
	if e.Await != "" {
		s += "; waiting for " + e.Await
	}
	return s
}

func (e *Error) Unwrap() error { return e.Err }

var (
	// ErrClosed is returned by every call on a closed log or reader. An append that
	// returns it, and not an *Error that wraps it, is not in the log.
	ErrClosed = errors.New("log is closed")
	// ErrOutOfRange is wrapped (class Fatal) when an offset is outside the log's bounds.
	ErrOutOfRange = errors.New("offset out of range")
	// ErrNoTopic is wrapped (class Retryable) when the topic does not exist.
	ErrNoTopic = errors.New("topic does not exist")
	// ErrNewLeader is wrapped (class Retryable) by Next when the partition's leader
	// epoch is no longer the one that the reader was opened at: the new leader may lack
	// records that were read. Open another reader first, then verify the topic, and
	// only then use its records: an election between verifying and opening would go
	// unnoticed.
	ErrNewLeader = errors.New("the partition has a new leader epoch")
	// ErrNoRecord is wrapped (class Retryable) by Next when the log ends with
	// offsets that have no record, such as the markers of a foreign transaction.
	ErrNoRecord = errors.New("the last offsets have no records")
	// ErrTooLarge is wrapped (class Rejected) when a record exceeds the limit of the topic or the client.
	ErrTooLarge = errors.New("record is too large")
)

// ClassOf returns the class of err: that of the *Error in its chain, else Fatal for
// ErrClosed and Retryable for anything unknown, since retrying without limit, with
// a visible status, loses nothing.
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
	MaxMessageBytes   int   // size of the largest record value, plus overhead
}
