package producer

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/IBM/sarama"

	"github.com/fabric-kafka/orderer/chain/log"
	"github.com/fabric-kafka/orderer/chain/log/kafka/client"
	"github.com/fabric-kafka/orderer/chain/log/kafka/conn"
)

// producer sends what callers of Append have queued, in batches with sequence numbers by
// which brokers recognize a batch that is sent again. Only its goroutine uses its fields and
// its connection, so nothing is closed while it is in use.
//
// sarama's own producer is not used. It retries by itself and returns only the last
// answer, which hides whether an earlier attempt was appended, and its input is closed
// while callers still send.
//
// While every batch is acknowledged, run sends the next ones without waiting for the answers. Once
// an attempt has failed, settle resolves what is in flight before anything else is sent.
type producer struct {
	queue   *Queue
	topic   *client.Topic
	session *session // nil: none
	limit   int      // bytes of a batch; lower once the topic has refused one
	pace    arrivals
	idle    *time.Timer // fires once no batch may be sent on the connection any more

	flight []*delivery // batches without an outcome, in the order of their sequence numbers
	gap    bool        // a batch in doubt was given up: the brokers' next sequence number is not known
}

func newProducer(q *Queue) *producer {
	return &producer{queue: q, topic: q.topic, limit: q.topic.Config.BatchBytes(), idle: time.NewTimer(q.topic.Cluster.MaxIdle())}
}

// delivery is a batch that is being sent: the content of one request.
type delivery struct {
	entries  []*entry
	numbered bool  // the entries have sequence numbers, beginning with first
	first    int32 // set if numbered

	awaited bool  // the last request has not been answered
	failure error // of the last attempt; nil: none
	unsent  bool  // the last attempt failed before a request was made
	doubt   error // error of the first attempt that may have appended it; nil: it is not in the log
	tries   int   // requests made

	alone time.Time // when all callers were first seen to have left; zero before
}

// run returns when the log is closed. Every entry has its outcome by then.
func (p *producer) run() {
	defer p.disconnect()
	defer p.idle.Stop()
	for p.topic.Cluster.Done().Err() == nil {
		if c, d := p.due(); c != nothing {
			p.await(c, d)
		} else {
			p.launch()
		}
		if slices.ContainsFunc(p.flight, func(d *delivery) bool { return d.failure != nil }) {
			p.settle()
		}
	}
	p.settle()
	for _, e := range p.queue.close() {
		e.outcome <- log.ErrClosed
	}
}

// cause is what the next batch waits for.
type cause int

const (
	nothing cause = iota
	anEntry
	anAnswer
	others // that may join it
)

// due returns what the next batch waits for, and how long it waits for others.
//
// A batch leaves at once while none is in flight, unless so many entries arrive that others join it within the linger.
// A second one leaves when the linger has passed since the first did, or when it is full: never if the first is answered
// within the linger. Others leave only if the answers are late.
func (p *producer) due() (cause, time.Duration) {
	oldest, waiting := p.queue.oldest()
	switch {
	case !waiting:
		return anEntry, 0
	case len(p.flight) == 0 && p.pace.within(p.queue.linger) < crowd:
		return nothing, 0
	case len(p.flight) == 0:
		return until(oldest.Add(p.queue.linger))
	case len(p.flight) == maxInFlight, p.session.spent(), p.session.throttled():
		return anAnswer, 0
	case len(p.flight) >= enough:
		return until(p.pace.last.Add(late))
	case p.queue.full(p.limit):
		return nothing, 0
	}
	return until(p.pace.last.Add(p.queue.linger))
}

func until(t time.Time) (cause, time.Duration) {
	if d := time.Until(t); d > 0 {
		return others, d
	}
	return nothing, 0
}

// await waits for what the next batch waits for, and handles what happens meanwhile.
func (p *producer) await(c cause, d time.Duration) {
	var (
		over    <-chan time.Time
		some    chan struct{}
		answers chan answer
	)
	switch c {
	case others:
		over = time.After(d)
	case anEntry:
		some = p.queue.some
	}
	if len(p.flight) > 0 {
		answers = p.session.answers
	}
	select {
	case <-over:
	case <-some:
	case a := <-answers:
		p.answered(a)
	case <-p.idle.C:
		p.rest()
	case <-p.topic.Cluster.Done().Done():
	}
}

// launch sends the next batch.
func (p *producer) launch() {
	entries := p.queue.take(p.limit)
	if len(entries) == 0 {
		return
	}
	p.pace.taken(len(entries))
	d := &delivery{entries: entries}
	p.flight = append(p.flight, d)
	p.send(d)
}

// send makes one attempt, which then has failed, or is awaited, or had no entry left to send. Callers may leave while no
// attempt may have appended the batch.
func (p *producer) send(d *delivery) {
	d.failure = p.connect()
	if d.unsent = d.failure != nil; d.unsent {
		return
	}
	if d.doubt == nil {
		d.entries = p.queue.send(d.entries)
	}
	if len(d.entries) == 0 {
		p.finish(d, nil)
		return
	}
	d.tries++
	certain, err := p.session.send(d)
	if d.awaited = err == nil; !d.awaited {
		p.failed(d, certain, err)
	}
}

// answered records the answer to an attempt.
func (p *producer) answered(a answer) {
	d := a.delivery
	d.awaited = false
	certain, err := p.session.outcome(a)
	if err != nil {
		p.failed(d, certain, err)
		return
	}
	p.queue.note(nil)
	p.finish(d, nil)
}

// failed records that an attempt has failed, and what that implies.
func (p *producer) failed(d *delivery, certain bool, err error) {
	d.failure = err
	switch {
	case d.doubt != nil:
	case certain:
		p.queue.refused(d.entries)
	default:
		d.doubt = err
	}
}

// finish gives each entry of a batch its outcome.
func (p *producer) finish(d *delivery, err error) {
	p.flight = slices.DeleteFunc(p.flight, func(f *delivery) bool { return f == d })
	p.gap = p.gap || err != nil && d.doubt != nil
	for _, e := range d.entries {
		e.outcome <- p.outcomeOf(d, err)
	}
	p.idle.Reset(p.topic.Cluster.MaxIdle())
}

// connect opens a connection to the leader, and obtains a producer id if there is none. While an answer is awaited,
// there are both.
func (p *producer) connect() error {
	if p.awaits() {
		return nil
	}
	if p.session == nil {
		p.session = newSession(p.topic)
	}
	if err := p.throttle(time.Until(p.session.resume)); err != nil {
		return err
	}
	err := p.session.connect()
	if err == nil && p.session.spent() && !p.doubtful() {
		err = p.session.initProducerID()
	}
	var code sarama.KError
	if err != nil && !p.doubtful() && !errors.As(err, &code) {
		p.disconnect()
	}
	return err
}

// awaits reports whether a batch is awaited.
func (p *producer) awaits() bool {
	return slices.ContainsFunc(p.flight, func(d *delivery) bool { return d.awaited })
}

// doubtful reports whether a batch is in doubt, which needs the producer id that it was sent with.
func (p *producer) doubtful() bool {
	return slices.ContainsFunc(p.flight, func(d *delivery) bool { return d.doubt != nil })
}

// throttle waits as long as the brokers request when a quota is exceeded.
func (p *producer) throttle(d time.Duration) error {
	if d > 0 {
		p.queue.note(&conn.AccessError{Err: fmt.Errorf("the brokers ask for a pause of %s", d.Round(time.Millisecond)),
			Await: "a quota of the brokers for this orderer to allow more (producer_byte_rate)"})
		p.pause(d)
	}
	if p.topic.Cluster.Done().Err() != nil {
		return log.ErrClosed
	}
	return nil
}

// pause waits, or returns early when the log is closed.
func (p *producer) pause(d time.Duration) {
	if d <= 0 {
		return
	}
	select {
	case <-time.After(d):
	case <-p.topic.Cluster.Done().Done():
	}
}

// rest closes a connection that would be replaced anyway before the next batch.
func (p *producer) rest() {
	if p.session != nil && len(p.flight) == 0 {
		p.session.rest()
	}
}

func (p *producer) disconnect() {
	if p.session != nil {
		p.session.close()
		p.session = nil
	}
	p.gap, p.limit = false, p.topic.Config.BatchBytes()
}
