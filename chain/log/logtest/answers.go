package logtest

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/fabric-kafka/orderer/chain/log"
)

// Answer is how a broker answers one attempt to append, and what it does first.
type Answer struct {
	Name    string
	Code    int16 // Kafka's error code; 0: acknowledged, unless Cut
	Cut     bool  // the connection is closed instead of an answer
	Append  bool  // the record is appended, unless it already is in the log
	Certain bool  // the answer implies that this attempt has appended nothing
	Retried bool  // a client should retry after it
}

// Acknowledged is the answer of a broker once all in-sync replicas have the record.
var Acknowledged = Answer{Name: "acknowledged", Append: true}

// Answers returns the answers that a broker gives to a produce request. One part of a
// broker may give a code before an append and another part give it after one: Kafka
// waits for the replicas of what it has appended, and answers NOT_LEADER_OR_FOLLOWER,
// UNKNOWN_TOPIC_OR_PARTITION or KAFKA_STORAGE_ERROR if the partition moves away
// meanwhile (DelayedProduce). What was appended may be lost with the leader.
func Answers() []Answer {
	unsure := []Answer{
		{Name: "UNKNOWN_SERVER_ERROR", Code: -1},
		{Name: "UNKNOWN_TOPIC_OR_PARTITION", Code: 3, Retried: true},
		{Name: "NOT_LEADER_OR_FOLLOWER", Code: 6, Retried: true},
		{Name: "REQUEST_TIMED_OUT", Code: 7, Retried: true},
		{Name: "NOT_ENOUGH_REPLICAS_AFTER_APPEND", Code: 20, Retried: true},
		{Name: "DUPLICATE_SEQUENCE_NUMBER", Code: 46}, // not an acknowledgement: no replica was waited for
		{Name: "KAFKA_STORAGE_ERROR", Code: 56, Retried: true},
		{Name: "connection cut", Cut: true, Retried: true},
	}
	answers := []Answer{
		Acknowledged,
		{Name: "MESSAGE_TOO_LARGE", Code: 10, Certain: true},
		{Name: "NOT_ENOUGH_REPLICAS", Code: 19, Certain: true, Retried: true},
		{Name: "TOPIC_AUTHORIZATION_FAILED", Code: 29, Certain: true},
		{Name: "CLUSTER_AUTHORIZATION_FAILED", Code: 31, Certain: true},
		{Name: "INVALID_TIMESTAMP", Code: 32, Certain: true},
		{Name: "OUT_OF_ORDER_SEQUENCE_NUMBER", Code: 45, Certain: true},
		{Name: "INVALID_PRODUCER_EPOCH", Code: 47, Certain: true},
		{Name: "UNKNOWN_PRODUCER_ID", Code: 59, Certain: true},
	}
	for _, a := range unsure {
		answers = append(answers, a)
		a.Name, a.Append = a.Name+" after an append", true
		answers = append(answers, a)
	}
	return answers
}

// Scripter is a [Harness] whose brokers answer by a script.
type Scripter interface {
	Harness
	// Script makes the brokers answer the next attempts to append to a topic with these
	// answers, in order, and every later one with the last. Without answers it ends
	// the script.
	Script(t *testing.T, topic string, answers ...Answer)
}

// RunAnswers tests what Append returns for every pair of answers. It is not part of [Run]
// because a real broker has no script.
func RunAnswers(t *testing.T, h Scripter) {
	for _, fault := range Faults(t, h, Answers()...) {
		t.Error(fault)
	}
}

// Faults describes where Append returns a wrong result for a pair of answers. The second
// answer is given once and, where a client retries, also without limit.
func Faults(t *testing.T, h Scripter, answers ...Answer) []string {
	s := &suite{T: t, harness: h, topic: fmt.Sprintf("answers-%d", time.Now().UnixNano())}
	p := &pairs{suite: s, scripter: h, log: s.created(), results: map[string]error{}}
	for _, first := range answers {
		for _, later := range answers {
			p.pair(first, later)
		}
	}
	p.count()
	return p.faults
}

// pairs tests appends that are answered by a script.
type pairs struct {
	*suite
	scripter Scripter
	log      log.Log
	results  map[string]error // of Append, by value
	faults   []string
}

func (p *pairs) pair(first, later Answer) {
	name := first.Name + ", then " + later.Name
	err := p.answered(p.timeout(), name, first, later, Acknowledged)
	switch {
	case first.Retried && later.Retried && err != nil, first.Retried && later == Acknowledged && err != nil, first == Acknowledged && err != nil:
		p.fault("%s: %v, want an acknowledgement: a client retries", name, err)
	case first.Certain && later.Certain && log.ClassOf(err) == log.Ambiguous:
		p.fault("%s: %v is ambiguous, though neither attempt has appended anything", name, err)
	}
	if first.Retried && later.Retried {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Millisecond)
		defer cancel()
		_ = p.answered(ctx, name+", without limit", first, later)
	}
}

// answered appends a value with a script, and waits until no attempt can follow.
func (p *pairs) answered(ctx context.Context, value string, script ...Answer) error {
	p.Helper()
	p.scripter.Script(p.T, p.topic, script...)
	err := p.log.Append(ctx, []byte(value))
	p.results[value] = err
	p.scripter.Script(p.T, p.topic)
	p.recovers(p.log)
	return err
}

// count compares the log with the results of the appends.
func (p *pairs) count() {
	b, err := p.bounds(p.log)
	p.ok(err)
	copies := map[string]int{}
	r := p.read(p.log, b.Start)
	for range b.End - b.Start {
		record, err := r.Next(p.timeout())
		p.ok(err)
		copies[string(record.Value)]++
	}
	for value, err := range p.results {
		switch n := copies[value]; {
		case err == nil && n != 1:
			p.fault("%s: acknowledged, and %d times in the log", value, n)
		case n > 1:
			p.fault("%s: %d times in the log", value, n)
		case err != nil && log.ClassOf(err) != log.Ambiguous && n > 0:
			p.fault("%s: %v (class %v) means that it is not in the log, but it is", value, err, log.ClassOf(err))
		}
	}
}

func (p *pairs) fault(format string, args ...any) {
	p.faults = append(p.faults, fmt.Sprintf(format, args...))
}
