package producer

import (
	"errors"
	"fmt"
	"slices"

	"github.com/IBM/sarama"

	"github.com/fabric-kafka/orderer/chain/log"
	"github.com/fabric-kafka/orderer/chain/log/kafka/client"
)

// refusals are the answers to a produce request which imply that the request has appended
// nothing: a broker gives them only before an append, when it checks rights, replicas,
// size, timestamps and sequence numbers. No other answer is certain.
// NOT_LEADER_OR_FOLLOWER, UNKNOWN_TOPIC_OR_PARTITION and KAFKA_STORAGE_ERROR are given
// before and after an append: a broker that has appended and waits for the replicas
// returns them when it loses the partition (Kafka's DelayedProduce). A refusal implies
// nothing about earlier requests with the same batch; see settle.
var refusals = append([]sarama.KError{
	sarama.ErrNotEnoughReplicas, sarama.ErrTopicAuthorizationFailed, sarama.ErrClusterAuthorizationFailed,
	sarama.ErrMessageSizeTooLarge, sarama.ErrMessageSetSizeTooLarge, sarama.ErrInvalidTimestamp,
	client.UnknownTopicID, client.InconsistentTopicID, // the record can only be in a topic that is gone
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
	case d.unsent && d.tries == 0 && client.HasCode(err, sarama.ErrUnknownTopicOrPartition):
		return true // but a topic that had a leader before is retried
	case d.unsent:
		return client.HasCode(err, persistent...)
	case d.doubt != nil && client.HasCode(err, misnumbered...):
		return true
	}
	return errors.As(err, &code) && !slices.Contains(transient, code)
}

func tooLarge(err error) bool {
	return client.HasCode(err, sarama.ErrMessageSizeTooLarge, sarama.ErrMessageSetSizeTooLarge)
}

// outcomeOf returns the result of Append for the records of a finished batch. Once an
// attempt may have appended it, that is ambiguous, whatever the last answer was.
func (p *producer) outcomeOf(d *delivery, err error) error {
	if err == nil || d.doubt == nil && errors.Is(err, log.ErrClosed) {
		return err
	}
	e := p.topic.Classify("append", err)
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
