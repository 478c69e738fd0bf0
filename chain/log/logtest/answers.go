package logtest

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/fabric-kafka/orderer/chain/log"
)

// Answer is how a broker answers one attempt to append, and what it does before.
type Answer struct {
	Name    string
	Code    int16 // Kafka's number; 0: acknowledged, unless it is Cut
	Cut     bool  // the connection ends instead of an answer
	Append  bool  // the record is in the log, if it was not already
	Certain bool  // it says that this attempt has appended nothing
	Retried bool  // a client is to try again after it
}

// Acknowledged is the answer of a broker that has the record on all in-sync replicas.
var Acknowledged = Answer{Name: "acknowledged", Append: true}

// Answers are those that a broker gives to a produce request. A code that is given
// before an append by one part of a broker may be given after it by another: Kafka
// waits for the replicas of what it has appended, and answers NOT_LEADER_OR_FOLLOWER,
// UNKNOWN_TOPIC_OR_PARTITION or KAFKA_STORAGE_ERROR if the partition moves away
// meanwhile (DelayedProduce). What was appended may be lost with a leader.
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

// Scripter is a Harness whose brokers answer as they are told.
type Scripter interface {
	Harness
	// Script makes the brokers answer the coming attempts to append to a topic so,
	// in that order, and every later one as the last; without answers it ends that.
	Script(t *testing.T, topic string, answers ...Answer)
}

// RunAnswers tests what Append says for every pair of answers. It is apart from Run
// since no real broker answers as it is told.
func RunAnswers(t *testing.T, h Scripter) {
	for _, fault := range Faults(t, h, Answers()...) {
		t.Error(fault)
	}
}

// Faults returns what is wrong with what Append says for every pair of answers: the
// second comes once, and, where a client tries again, also for ever.
func Faults(t *testing.T, h Scripter, answers ...Answer) []string {
	s := &suite{T: t, harness: h, topic: fmt.Sprintf("answers-%d", time.Now().UnixNano())}
	p := &pairs{suite: s, scripter: h, log: s.created(), told: map[string]error{}}
	for _, first := range answers {
		for _, later := range answers {
			p.pair(first, later)
		}
	}
	p.count()
	return p.faults
}

// pairs are appends that were answered by a script.
type pairs struct {
	*suite
	scripter Scripter
	log      log.Log
	told     map[string]error // what Append returned, by value
	faults   []string
}

func (p *pairs) pair(first, later Answer) {
	name := first.Name + ", then " + later.Name
	err := p.answered(p.patient(), name, first, later, Acknowledged)
	switch {
	case first.Retried && later.Retried && err != nil, first.Retried && later == Acknowledged && err != nil, first == Acknowledged && err != nil:
		p.fault("%s: %v, want an acknowledgement: a client tries again", name, err)
	case first.Certain && later.Certain && log.ClassOf(err) == log.Ambiguous:
		p.fault("%s: %v is ambiguous, though neither attempt has appended anything", name, err)
	}
	if first.Retried && later.Retried {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Millisecond)
		defer cancel()
		_ = p.answered(ctx, name+", for ever", first, later)
	}
}

// answered appends a value by a script, and waits until no attempt can follow.
func (p *pairs) answered(ctx context.Context, value string, script ...Answer) error {
	p.Helper()
	p.scripter.Script(p.T, p.topic, script...)
	err := p.log.Append(ctx, []byte(value))
	p.told[value] = err
	p.scripter.Script(p.T, p.topic)
	p.recovers(p.log)
	return err
}

// count compares what is in the log with what was said of it.
func (p *pairs) count() {
	b, err := p.bounds(p.log)
	p.ok(err)
	copies := map[string]int{}
	r := p.read(p.log, b.Start)
	for range b.End - b.Start {
		record, err := r.Next(p.patient())
		p.ok(err)
		copies[string(record.Value)]++
	}
	for value, err := range p.told {
		switch n := copies[value]; {
		case err == nil && n != 1:
			p.fault("%s: acknowledged, and %d times in the log", value, n)
		case n > 1:
			p.fault("%s: %d times in the log", value, n)
		case err != nil && log.ClassOf(err) != log.Ambiguous && n > 0:
			p.fault("%s: %v (class %v) says that it is not in the log, and it is", value, err, log.ClassOf(err))
		}
	}
}

func (p *pairs) fault(format string, args ...any) {
	p.faults = append(p.faults, fmt.Sprintf(format, args...))
}
