package kafka

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/IBM/sarama"

	"github.com/fabric-kafka/orderer/chain/log"
)

// Codes that sarama does not name: the topic was recreated while a client used it.
const (
	unknownTopicID      = sarama.KError(100)
	inconsistentTopicID = sarama.KError(103)
)

// classify converts the error of a call other than Append to a [log.Error]. Most errors are
// Retryable: a cluster that is down, starting, electing or refusing a password can
// recover, and retrying without limit loses nothing. Fatal is what only an operator can
// change for this one channel.
func (l *Log) classify(op string, err error) *log.Error {
	e := &log.Error{Class: log.Retryable, Op: op, Topic: l.topic, Err: err, Await: l.reachable()}
	var access *accessError
	switch {
	case errors.As(err, &access):
		e.Await = access.await
	case is(err, sarama.ErrOffsetOutOfRange):
		e.Class, e.Err, e.Await = log.Fatal, fmt.Errorf("%w: %w", log.ErrOutOfRange, err), ""
	case is(err, sarama.ErrUnknownTopicOrPartition):
		e.Err, e.Await = log.ErrNoTopic, "the topic to be created"
	case is(err, unknownTopicID, inconsistentTopicID):
		e.Class, e.Await = log.Fatal, "an operator to restore the topic that this channel was ordered on"
		e.Err = fmt.Errorf("the topic was deleted and created again: %w", err)
	case unreadable(err):
		e.Class, e.Await = log.Fatal, "an operator to provide a topic that can be read"
	case errors.Is(err, sarama.ErrDecompressedBatchTooLarge):
		e.Class, e.Await = log.Fatal, "an operator to raise the limit of every orderer, or to provide another topic"
	case is(err, sarama.ErrInvalidTopic, sarama.ErrInvalidPartitions, sarama.ErrPolicyViolation, sarama.ErrInvalidConfig):
		e.Class, e.Await = log.Fatal, "an operator, since the cluster refuses this topic"
	case is(err, sarama.ErrInvalidReplicationFactor):
		e.Await = fmt.Sprintf("%d brokers for the replication factor", l.config.Settings.ReplicationFactor)
	case is(err, sarama.ErrTopicAuthorizationFailed, sarama.ErrClusterAuthorizationFailed):
		e.Await = "an operator to grant this orderer's principal the right " + right(op) + " on the topic"
	case is(err, sarama.ErrGroupAuthorizationFailed):
		e.Await = "an operator to grant this orderer's principal the right Read on its consumer group"
	case is(err, sarama.ErrOffsetsLoadInProgress, sarama.ErrConsumerCoordinatorNotAvailable, sarama.ErrNotCoordinatorForConsumer):
		e.Await = "the coordinators of the consumer groups to have loaded them"
	case is(err, sarama.ErrSASLAuthenticationFailed):
		e.Await = "an operator to correct this orderer's credentials"
	case is(err, sarama.ErrInvalidTimestamp):
		e.Await = "the clocks of this orderer and of the brokers to agree, or an operator to set the topic's message.timestamp.type to LogAppendTime"
	case is(err, sarama.ErrNotEnoughReplicas, sarama.ErrNotEnoughReplicasAfterAppend):
		e.Await = "enough in-sync replicas of the topic (min.insync.replicas)"
	case op == "append" && is(err, sarama.ErrRequestTimedOut):
		e.Await = "an acknowledgement by all in-sync replicas of the topic"
	}
	return e
}

// refusals are the answers to a produce request which imply that the request has appended
// nothing: a broker gives them only before an append, when it checks rights, replicas,
// size, time stamps and sequence numbers. No other answer is certain.
// NOT_LEADER_OR_FOLLOWER, UNKNOWN_TOPIC_OR_PARTITION and KAFKA_STORAGE_ERROR are given
// before and after an append: a broker that has appended and waits for the replicas
// returns them when it loses the partition (Kafka's DelayedProduce). A refusal implies
// nothing about earlier requests with the same batch; see [producer].
var refusals = append([]sarama.KError{
	sarama.ErrNotEnoughReplicas, sarama.ErrTopicAuthorizationFailed, sarama.ErrClusterAuthorizationFailed,
	sarama.ErrMessageSizeTooLarge, sarama.ErrMessageSetSizeTooLarge, sarama.ErrInvalidTimestamp,
	unknownTopicID, inconsistentTopicID, // the record can only be in a topic that is gone
}, misnumbered...)

// misnumbered are the answers of a broker that has lost the state of a producer id: a new id is needed.
var misnumbered = []sarama.KError{sarama.ErrOutOfOrderSequenceNumber, sarama.ErrInvalidProducerEpoch, sarama.ErrUnknownProducerID}

// transient are the answers after which the same batch is sent again. DUPLICATE_SEQUENCE_NUMBER
// is neither among them nor an acknowledgement: a broker that already has a batch repeats
// its first answer once the replicas have the batch; that code waits for no replica.
var transient = append([]sarama.KError{
	sarama.ErrInvalidMessage, sarama.ErrUnknownTopicOrPartition, sarama.ErrLeaderNotAvailable, sarama.ErrNotLeaderForPartition,
	sarama.ErrRequestTimedOut, sarama.ErrNotEnoughReplicas, sarama.ErrNotEnoughReplicasAfterAppend, sarama.ErrKafkaStorageError,
}, misnumbered...)

// persistent occur before anything is sent, and do not resolve by themselves.
var persistent = []sarama.KError{sarama.ErrTopicAuthorizationFailed, sarama.ErrClusterAuthorizationFailed, sarama.ErrInvalidTopic}

// final reports whether another attempt to append a batch would have the same result.
func final(err error, d *delivery) bool {
	var code sarama.KError
	switch {
	case d.unsent && d.tries == 0 && is(err, sarama.ErrUnknownTopicOrPartition):
		return true // but a topic that had a leader before is retried
	case d.unsent:
		return is(err, persistent...)
	case d.doubt != nil && is(err, misnumbered...):
		return true
	}
	return errors.As(err, &code) && !slices.Contains(transient, code)
}

func tooLarge(err error) bool {
	return is(err, sarama.ErrMessageSizeTooLarge, sarama.ErrMessageSetSizeTooLarge)
}

// outcomeOf returns the result of Append for the records of a finished batch. Once an
// attempt may have appended it, that is ambiguous, whatever the last answer was.
func (l *Log) outcomeOf(d *delivery, err error) error {
	if err == nil || d.doubt == nil && errors.Is(err, log.ErrClosed) {
		return err
	}
	e := l.classify("append", err)
	switch {
	case d.doubt != nil:
		e.Class = log.Ambiguous
		if before := d.doubt.Error(); before != err.Error() {
			e.Err = fmt.Errorf("%w, and an earlier attempt may have appended it: %w", e.Err, d.doubt)
		}
	case tooLarge(err):
		e.Class, e.Await = log.Rejected, ""
	}
	return e
}

// right returns the right that Kafka requires for an operation. Read and Write imply
// Describe, and a principal that may write to any topic may write idempotently.
func right(op string) string {
	switch op {
	case "append":
		return "Write"
	case "create":
		return "Create"
	case "read", "publish":
		return "Read"
	case "survey":
		return "DescribeConfigs"
	}
	return "Read, or Describe,"
}

// unreadable reports whether a batch can never be read: it has passed its checksum, which
// sarama verifies before it decompresses a batch of format 2 (Kafka's since 0.11), so the
// result of decoding depends on its bytes only. A bad checksum may be due to the network
// or to one replica's disk; sarama has one error type for that and for malformed records.
func unreadable(err error) bool {
	var unknown sarama.PacketDecodingError
	return errors.Is(err, errUndecodable) && !errors.As(err, &unknown) && !errors.Is(err, sarama.ErrDecompressedBatchTooLarge)
}

func (l *Log) reachable() string {
	brokers := "a connection to the brokers " + strings.Join(l.config.Brokers, ", ")
	if slow := l.brokers.slow(); slow != "" {
		return brokers + " (" + slow + ")"
	}
	return brokers
}

func is(err error, codes ...sarama.KError) bool {
	return slices.ContainsFunc(codes, func(c sarama.KError) bool { return errors.Is(err, c) })
}
