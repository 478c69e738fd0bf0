package producer

import (
	"context"
	"errors"
	"math"
	"time"

	"github.com/IBM/sarama"

	"github.com/fabric-kafka/orderer/chain/log"
	"github.com/fabric-kafka/orderer/chain/log/kafka/client"
	"github.com/fabric-kafka/orderer/chain/log/kafka/conn"
)

// key is the key of every record, as in-tree orderers write it: the partition number in ASCII.
const key = "0"

// session is a connection to the leader, and the producer id by which the brokers recognize a batch that they
// already have. It belongs to the producer's goroutine.
type session struct {
	topic  *client.Topic
	gate   *conn.Gate
	config *sarama.Config
	leader *sarama.Broker // nil: not known
	uncut  func() bool    // detaches the gate from the log
	stale  bool           // the leader may be another one
	resume time.Time      // when the brokers accept the next request: sarama would wait uninterruptibly before

	id    int64 // of the producer; negative: none
	epoch int16
	next  int32 // sequence number of the next record after the last acknowledged one
}

func newSession(t *client.Topic) *session {
	g := t.Cluster.Gate()
	config := g.Config()
	config.Net.MaxOpenRequests = 1 // one batch at a time
	return &session{topic: t, gate: g, config: config, uncut: context.AfterFunc(t.Cluster.Done(), g.Close), id: -1}
}

func (s *session) close() {
	s.uncut()
	s.gate.Close()
	s.rest()
}

// rest closes the connection. The producer id remains.
func (s *session) rest() {
	if s.leader != nil {
		_ = s.leader.Close() // it may not be open
	}
}

// find finds the leader.
func (s *session) find() error {
	return s.topic.Ask(s.topic.Cluster.Done(), "append", func(c sarama.Client, _ *conn.Gate) error {
		leader, err := c.Leader(s.topic.Name, client.Partition)
		if err != nil {
			return err
		}
		if s.leader == nil || s.leader.Addr() != leader.Addr() {
			s.rest()
			s.leader = sarama.NewBroker(leader.Addr())
		}
		return nil
	})
}

// connect returns the partition's leader with an open connection, and obtains a producer
// id if there is none. It sends no record.
func (s *session) connect() (*sarama.Broker, error) {
	if s.stale || s.leader == nil {
		if err := s.find(); err != nil {
			return nil, err
		}
	}
	leader := s.leader
	_ = leader.Open(s.config) // unless it is open
	ok, err := leader.Connected()
	s.stale = !ok
	if !ok {
		return nil, errors.Join(sarama.ErrNotConnected, err)
	}
	if s.id < 0 || s.next > math.MaxInt32/2 { // Kafka's sequence numbers wrap around; ours never get that far
		return leader, s.initProducerID(leader)
	}
	return leader, nil
}

// initProducerID obtains a producer id, which any broker assigns.
func (s *session) initProducerID(broker *sarama.Broker) error {
	answer, err := broker.InitProducerID(&sarama.InitProducerIDRequest{Version: 4, ProducerID: -1, ProducerEpoch: -1})
	if err == nil && answer.Err != sarama.ErrNoError {
		err = answer.Err
	}
	if err != nil {
		s.stale = true
		return err
	}
	s.id, s.epoch, s.next = answer.ProducerID, answer.ProducerEpoch, 0
	return nil
}

// produce makes one attempt to append a batch. If the batch is not acknowledged, certain
// reports whether this attempt is certain not to have appended it.
func (s *session) produce(leader *sarama.Broker, entries []*entry) (certain bool, err error) {
	s.gate.Produced.Store(false)
	request := s.request(entries)
	answer, err := leader.Produce(request)
	if errors.Is(err, conn.ErrIdle) {
		_ = leader.Close()
		_ = leader.Open(s.config) // Produce returns its error
		answer, err = leader.Produce(request)
	}
	if err != nil {
		_ = leader.Close() // a late answer must not be mistaken for that of another request
		s.stale = true
		return !s.gate.Produced.Load(), err
	}
	s.resume = time.Now().Add(answer.ThrottleTime) // the producer waits until then
	s.topic.Cluster.Throttled(leader.Addr(), answer.ThrottleTime)
	block := answer.GetBlock(s.topic.Name, client.Partition)
	if block == nil {
		return false, sarama.ErrIncompleteResponse
	}
	if block.Err != sarama.ErrNoError {
		s.stale = true
		return client.HasCode(block.Err, refusals...), block.Err
	}
	s.next += int32(len(entries))
	for i, e := range entries {
		if block.Offset >= 0 {
			e.at = log.Offset(block.Offset) + log.Offset(i)
		}
	}
	return true, nil
}

// request returns a request with one batch, which is identical at every attempt with the
// same entries.
func (s *session) request(entries []*entry) *sarama.ProduceRequest {
	at := entries[0].since.Truncate(time.Millisecond)
	b := &sarama.RecordBatch{
		Version:         2,
		Codec:           sarama.CompressionNone, // what in-tree consumers can read at any version
		FirstTimestamp:  at,
		MaxTimestamp:    at,
		LastOffsetDelta: int32(len(entries) - 1),
		ProducerID:      s.id,
		ProducerEpoch:   s.epoch,
		FirstSequence:   s.next,
	}
	for i, e := range entries {
		b.Records = append(b.Records, &sarama.Record{OffsetDelta: int64(i), Key: []byte(key), Value: e.value})
	}
	r := &sarama.ProduceRequest{
		Version:      9,
		RequiredAcks: sarama.WaitForAll,
		Timeout:      int32(s.topic.Config.ReadTimeout / 2 / time.Millisecond), // the broker answers before we stop listening
	}
	r.AddBatch(s.topic.Name, client.Partition, b)
	return r
}
