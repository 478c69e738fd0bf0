package kafkatest

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// Answer is how the cluster answers one produce request.
type Answer struct {
	Append bool  // the broker executes the request first, and so appends the batch unless it has it
	Code   int16 // of the answer, regardless of the outcome; 0: the outcome, if Append
	Cut    bool  // the connection is closed instead of an answer; what follows on it is not executed
	Sever  bool  // the answers on all connections are dropped from now on, until they are closed soon; what follows is executed

	Throttle time.Duration // throttle time in the answer
	Work     time.Duration // how long the broker works on the request
}

// Script makes the cluster answer the next produce requests to a topic with these answers,
// in order, and every later one with the last. It replaces an earlier script; without
// answers it ends that. The cluster must have no TLS and no users.
func (c *Cluster) Script(topic string, answers ...Answer) {
	c.t.Helper()
	c.do(request{Op: "script", Topic: topic, Answers: answers})
}

// scripted is the script of a topic, in the broker process.
type scripted struct {
	mu      sync.Mutex
	topic   string
	answers []Answer
}

// script sets the script, and installs the control that follows it once.
func (s *server) script(topic string, answers []Answer) {
	if s.scripted == nil {
		s.scripted = &scripted{}
		s.cluster.ControlKey(KeyProduce, s.follow)
	}
	s.scripted.mu.Lock()
	defer s.scripted.mu.Unlock()
	s.scripted.topic, s.scripted.answers = topic, answers
}

// next returns the answer for a request, if the script has one. The last one is repeated.
func (s *scripted) next(r *kmsg.ProduceRequest) (a Answer, due bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.answers) == 0 || !slices.ContainsFunc(r.Topics, func(t kmsg.ProduceRequestTopic) bool { return t.Topic == s.topic }) {
		return a, false
	}
	a = s.answers[0]
	if len(s.answers) > 1 {
		s.answers = s.answers[1:]
	}
	return a, true
}

// relayed is the timeout of a produce request that follow sends itself; the embedded broker
// ignores timeouts.
const relayed = 424242

// severed is how long requests on a severed connection are executed: longer than two batches leave after each other.
const severed = 100 * time.Millisecond

// errScripted ends a connection.
var errScripted = errors.New("cut by the script")

// follow answers a produce request by the script. If the broker should execute the request
// first, that is done over another connection, so that its answer can be replaced.
func (s *server) follow(r kmsg.Request) (kmsg.Response, error, bool) { //nolint:revive // the signature of a control
	s.cluster.KeepControl()
	produce := r.(*kmsg.ProduceRequest)
	if produce.TimeoutMillis == relayed {
		return nil, nil, false
	}
	a, due := s.scripted.next(produce)
	if !due {
		return nil, nil, false
	}
	response, err := s.executed(produce, a)
	if err != nil {
		return nil, err, true
	}
	if a.Cut {
		return nil, errScripted, true
	}
	if a.Sever {
		s.wire.sever(severed)
	}
	if a.Code != 0 {
		setCode(response, a.Code)
	}
	response.ThrottleMillis = int32(a.Throttle.Milliseconds())
	return response, nil, true
}

// executed returns the answer to a request: that of the broker, if the script has it execute the request. The control sleeps
// at most once: the embedded broker races with itself otherwise.
func (s *server) executed(r *kmsg.ProduceRequest, a Answer) (response *kmsg.ProduceResponse, err error) {
	response = refusal(r, a.Code)
	if !a.Append && a.Work == 0 {
		return response, nil
	}
	address := s.addresses[s.cluster.CurrentNode()]
	s.cluster.SleepControl(func() {
		time.Sleep(a.Work)
		if a.Append {
			response, err = relay(address, r)
		}
	})
	return response, err
}

// refusal answers every partition of a request with a code.
func refusal(r *kmsg.ProduceRequest, code int16) *kmsg.ProduceResponse {
	response := r.ResponseKind().(*kmsg.ProduceResponse)
	for _, t := range r.Topics {
		topic := kmsg.NewProduceResponseTopic()
		topic.Topic = t.Topic
		for _, p := range t.Partitions {
			partition := kmsg.NewProduceResponseTopicPartition()
			partition.Partition = p.Partition
			topic.Partitions = append(topic.Partitions, partition)
		}
		response.Topics = append(response.Topics, topic)
	}
	setCode(response, code)
	return response
}

func setCode(r *kmsg.ProduceResponse, code int16) {
	for t := range r.Topics {
		for p := range r.Topics[t].Partitions {
			r.Topics[t].Partitions[p].ErrorCode = code
		}
	}
}

// relay sends a produce request to a broker, and returns its answer.
func relay(address string, r *kmsg.ProduceRequest) (*kmsg.ProduceResponse, error) {
	copied := *r
	copied.TimeoutMillis = relayed
	c, err := net.DialTimeout("tcp", address, 5*time.Second)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	if _, err := c.Write(kmsg.NewRequestFormatter().AppendRequest(nil, &copied, 1)); err != nil {
		return nil, err
	}
	var size [4]byte
	if _, err := io.ReadFull(c, size[:]); err != nil {
		return nil, err
	}
	body := make([]byte, binary.BigEndian.Uint32(size[:]))
	if _, err := io.ReadFull(c, body); err != nil {
		return nil, err
	}
	head := 4 // the correlation id
	if copied.IsFlexible() {
		head++ // no tags
	}
	response := copied.ResponseKind().(*kmsg.ProduceResponse)
	if len(body) < head {
		return nil, fmt.Errorf("a response of %d bytes", len(body))
	}
	return response, response.ReadFrom(body[head:])
}
