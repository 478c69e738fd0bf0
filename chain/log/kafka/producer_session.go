package kafka

import (
	"context"
	"errors"
	"math"
	"time"

	"github.com/IBM/sarama"
)

// session is a client of the brokers and the producer id by which they recognize a
// batch that they have already. It belongs to the producer's goroutine.
type session struct {
	log    *Log
	gate   *gate
	client sarama.Client
	uncut  func() bool // ends that the gate is closed with the log
	stale  bool        // the client may take another broker for the leader than the one that is
	resume time.Time   // when the brokers take the next request: before, sarama would wait, deaf to everything

	id    int64 // of the producer; negative: none
	epoch int16
	next  int32 // sequence number of the record after the last that was acknowledged
}

func (l *Log) newSession() (*session, error) {
	g := l.newGate()
	client, err := newClient(l.config.producerConfig(g))
	if err != nil {
		g.close()
		return nil, err
	}
	return &session{log: l, gate: g, client: client, uncut: context.AfterFunc(l.done, g.close), id: -1}, nil
}

func (s *session) close() {
	s.uncut()
	s.gate.close()
	closeQuietly(s.client)
}

// connect returns the partition's leader, with an open connection, and makes sure that
// there is a producer id. It sends no record.
func (s *session) connect() (*sarama.Broker, error) {
	if s.stale {
		if err := s.client.RefreshMetadata(s.log.topic); err != nil {
			return nil, err
		}
	}
	leader, err := s.client.Leader(s.log.topic, partition)
	if err != nil {
		return nil, err
	}
	ok, err := leader.Connected()
	s.stale = !ok
	if !ok {
		return nil, errors.Join(sarama.ErrNotConnected, err)
	}
	if s.id < 0 || s.next > math.MaxInt32/2 { // Kafka's numbers begin again after the last; ours never come to that
		return leader, s.identify(leader)
	}
	return leader, nil
}

// identify asks for a producer id, which any broker gives.
func (s *session) identify(broker *sarama.Broker) error {
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

// produce makes one attempt to append a batch. It reports as well whether the batch is
// certain not to have been appended by this attempt, if it was not acknowledged.
func (s *session) produce(leader *sarama.Broker, entries []*entry) (certain bool, err error) {
	s.gate.produced.Store(false)
	request := s.request(entries)
	answer, err := leader.Produce(request)
	if errors.Is(err, errIdle) {
		_ = leader.Close()
		_ = leader.Open(s.client.Config()) // what it meets, Produce says
		answer, err = leader.Produce(request)
	}
	if err != nil {
		_ = leader.Close() // a late answer must not be taken for that of another request
		s.stale = true
		return !s.gate.produced.Load(), err
	}
	s.resume = time.Now().Add(answer.ThrottleTime) // the producer waits for as long
	s.log.brokers.throttled(leader.Addr(), keyProduce, answer.ThrottleTime)
	block := answer.GetBlock(s.log.topic, partition)
	if block == nil {
		return false, sarama.ErrIncompleteResponse
	}
	if block.Err != sarama.ErrNoError {
		s.stale = true
		return is(block.Err, refusals...), block.Err
	}
	s.next += int32(len(entries))
	return true, nil
}

// request holds one batch, which is the same at every attempt with the same entries.
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
		Timeout:      int32(s.log.config.ReadTimeout / 2 / time.Millisecond), // the broker answers before we stop listening
	}
	r.AddBatch(s.log.topic, partition, b)
	return r
}
