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

	answers chan answer // to what was sent; has room for all

	id    int64 // of the producer; negative: none
	epoch int16
	next  int32 // sequence number of the next record that gets one
}

// answer is the answer to an attempt to append a batch, or the error of the connection.
type answer struct {
	delivery *delivery
	response *sarama.ProduceResponse
	err      error
}

// Batches in flight. A broker works on the requests of a connection one at a time: it reads
// the next once it has answered. So a second batch saves the way to the broker and back, but no work; and as that
// contains the way to the followers and back, a third would only wait at the broker, where no other record can join it.
// Answers that take longer than late are late on their way, or the broker is: then others leave nevertheless, so that what
// is to be appended, such as a time-to-cut, waits for its own answer only.
const (
	enough      = 2
	maxInFlight = 5 // a broker recognizes the last five batches of a producer id
	late        = 100 * time.Millisecond
)

func newSession(t *client.Topic) *session {
	g := t.Cluster.Gate()
	config := g.Config()
	config.Net.MaxOpenRequests = maxInFlight
	return &session{topic: t, gate: g, config: config, uncut: context.AfterFunc(t.Cluster.Done(), g.Close), answers: make(chan answer, maxInFlight), id: -1}
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

// connect finds the partition's leader and opens a connection to it. It sends no record.
func (s *session) connect() error {
	if s.stale || s.leader == nil {
		if err := s.find(); err != nil {
			return err
		}
	}
	_ = s.leader.Open(s.config) // unless it is open
	ok, err := s.leader.Connected()
	s.stale = !ok
	if !ok {
		return errors.Join(sarama.ErrNotConnected, err)
	}
	return nil
}

// throttledFor is for how long after a pause the brokers get one batch at a time. sarama would wait uninterruptibly with
// one that is sent while the answer that asks for the pause is read.
const throttledFor = 10 * time.Second

func (s *session) throttled() bool { return time.Since(s.resume) < throttledFor }

// spent reports whether new batches need another producer id. Kafka's sequence numbers wrap around; ours never get that far.
func (s *session) spent() bool { return s.id < 0 || s.next > math.MaxInt32/2 }

// initProducerID obtains a producer id, which any broker assigns.
func (s *session) initProducerID() error {
	answer, err := s.leader.InitProducerID(&sarama.InitProducerIDRequest{Version: 4, ProducerID: -1, ProducerEpoch: -1})
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

// send sends a batch to the leader. If that fails, certain reports whether this attempt is certain not to have appended
// it; otherwise the attempt is answered on answers.
func (s *session) send(d *delivery) (certain bool, err error) {
	if !d.numbered {
		d.first, d.numbered = s.next, true
		s.next += int32(len(d.entries))
	}
	request := s.request(d)
	pass := func(r *sarama.ProduceResponse, err error) { s.answers <- answer{d, r, err} }
	s.gate.Produced.Store(false)
	err = s.leader.AsyncProduce(request, pass)
	if errors.Is(err, conn.ErrIdle) { // nothing is in flight
		s.rest()
		_ = s.leader.Open(s.config) // AsyncProduce returns its error
		err = s.leader.AsyncProduce(request, pass)
	}
	if err != nil {
		s.lost()
	}
	return !s.gate.Produced.Load(), err
}

// lost closes a connection that has failed: a late answer must not be mistaken for that of another request.
func (s *session) lost() {
	s.rest()
	s.stale = true
}

// outcome returns nil if a batch is acknowledged. Otherwise certain reports whether the attempt is certain not to have
// appended it.
func (s *session) outcome(a answer) (certain bool, err error) {
	if a.err != nil {
		s.lost()
		return false, a.err
	}
	if a.response.ThrottleTime > 0 {
		s.resume = time.Now().Add(a.response.ThrottleTime) // the producer waits until then
	}
	s.topic.Cluster.Throttled(s.leader.Addr(), a.response.ThrottleTime)
	block := a.response.GetBlock(s.topic.Name, client.Partition)
	if block == nil {
		return false, sarama.ErrIncompleteResponse
	}
	if block.Err != sarama.ErrNoError {
		s.stale = true
		return client.HasCode(block.Err, refusals...), block.Err
	}
	for i, e := range a.delivery.entries {
		if block.Offset >= 0 {
			e.at = log.Offset(block.Offset) + log.Offset(i)
		}
	}
	return true, nil
}

// free takes the sequence numbers of a batch back that is not in the log, and that no batch in doubt follows.
func (s *session) free(d *delivery) {
	if d.numbered && d.first+int32(len(d.entries)) == s.next {
		s.next = d.first
	}
	d.numbered = false
}

// request returns a request with one batch, which is identical at every attempt with the
// same entries.
func (s *session) request(d *delivery) *sarama.ProduceRequest {
	at := d.entries[0].since.Truncate(time.Millisecond)
	b := &sarama.RecordBatch{
		Version:         2,
		Codec:           sarama.CompressionNone, // what in-tree consumers can read at any version
		FirstTimestamp:  at,
		MaxTimestamp:    at,
		LastOffsetDelta: int32(len(d.entries) - 1),
		ProducerID:      s.id,
		ProducerEpoch:   s.epoch,
		FirstSequence:   d.first,
	}
	for i, e := range d.entries {
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
