package producer

import (
	"errors"
	"fmt"
	"time"

	"github.com/IBM/sarama"

	"github.com/fabric-kafka/orderer/chain/log"
	"github.com/fabric-kafka/orderer/chain/log/kafka/client"
	"github.com/fabric-kafka/orderer/chain/log/kafka/conn"
)

// maxTries is the maximum number of requests for a batch: with the backoff between them,
// they take longer than the election of a leader.
const maxTries = 50

// producer sends what callers of Append have queued: one batch at a time, with sequence
// numbers by which brokers recognize a batch that is sent again. Only its goroutine uses
// the client and its connections, so nothing is closed while it is in use.
//
// sarama's own producer is not used. It retries by itself and returns only the last
// answer, which hides whether an earlier attempt was appended, and its input is closed
// while callers still send. It too has one batch in flight per partition.
//
// The answers to all attempts decide what Append returns:
//
//   - acknowledged: the batch is in the log, once. A broker that already had it
//     recognizes its sequence numbers.
//   - refused, and no earlier attempt may have appended it: the batch is not in the log.
//     Its sequence numbers are free again, callers may leave, and it may be split.
//   - anything else: the batch is in doubt until it is acknowledged, even if a later
//     attempt is refused. It is sent again unchanged, since the brokers would not
//     recognize a different batch, and for a minute after its last caller has left. If
//     the batch is given up, so is the producer id: there is no way to know the next
//     sequence number, and a broker that has lost its controller assigns no other id
//     for up to 30 s.
type producer struct {
	queue   *Queue
	topic   *client.Topic
	session *session // nil: none
	limit   int      // bytes of a batch; lower once the topic has refused one
	pace    arrivals
	idle    *time.Timer // fires once no batch may be sent on the connection any more
}

func newProducer(q *Queue) *producer {
	return &producer{queue: q, topic: q.topic, limit: q.topic.Config.BatchBytes(), idle: time.NewTimer(q.topic.Cluster.MaxIdle())}
}

// delivery is a batch that is being sent: the content of one request.
type delivery struct {
	entries []*entry
	doubt   error // error of the first attempt that may have appended it; nil: it is not in the log
	tries   int   // requests made
	unsent  bool  // the last attempt failed before a request was made

	alone time.Time // when all callers were first seen to have left; zero before
}

// run returns when the log is closed. Every entry has its outcome by then.
func (p *producer) run() {
	defer p.disconnect()
	defer p.idle.Stop()
	for p.await() {
		if entries := p.queue.take(p.limit); len(entries) > 0 {
			p.pace.taken(len(entries))
			p.deliver(entries)
		}
		p.idle.Reset(p.topic.Cluster.MaxIdle())
	}
	for _, e := range p.queue.close() {
		e.outcome <- log.ErrClosed
	}
}

// await waits for an entry, and then, if many arrive meanwhile, until the linger is over, so that others can join it.
// It returns false once the log is closed.
func (p *producer) await() bool {
	for waits := true; waits; {
		select {
		case <-p.queue.some:
			waits = false
		case <-p.idle.C:
			p.rest()
		case <-p.topic.Cluster.Done().Done():
			return false
		}
	}
	if since, ok := p.queue.oldest(); ok && p.pace.within(p.queue.linger) >= crowd {
		p.pause(p.queue.linger - time.Since(since))
	}
	return p.topic.Cluster.Done().Err() == nil
}

// rest closes a connection that would be replaced anyway before the next batch.
func (p *producer) rest() {
	if p.session != nil {
		p.session.rest()
	}
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

// deliver sends entries until each has its outcome, or no caller waits for one.
func (p *producer) deliver(entries []*entry) {
	d := &delivery{entries: entries}
	for {
		err := p.attempt(d)
		switch {
		case err == nil:
			p.finish(d, nil)
			return
		case p.topic.Cluster.Done().Err() != nil:
			p.finish(d, log.ErrClosed)
			return
		case d.doubt == nil && len(d.entries) > 1 && tooLarge(err):
			p.split(d)
			return
		case d.tries >= maxTries, final(err, d), p.abandoned(d):
			p.finish(d, err)
			return
		}
		p.pause(p.topic.Config.RetryBackoff)
	}
}

// doubtLasts is how long a batch in doubt is sent again after the last of its callers has left:
// longer than a broker waits for a controller that hangs.
const doubtLasts = time.Minute

// abandoned reports whether a batch is given up because no caller waits for it.
func (p *producer) abandoned(d *delivery) bool {
	if !p.queue.abandoned(d.entries) {
		return false
	}
	if d.alone.IsZero() {
		d.alone = time.Now()
	}
	return d.doubt == nil || time.Since(d.alone) > doubtLasts
}

// attempt makes one attempt. Callers may leave while no attempt may have appended the batch.
func (p *producer) attempt(d *delivery) error {
	leader, err := p.connect(d)
	d.unsent = err != nil
	if err == nil && d.doubt == nil {
		d.entries = p.queue.send(d.entries)
	}
	if err == nil && len(d.entries) > 0 {
		err = p.request(leader, d)
	}
	if !tooLarge(err) { // does not affect other batches
		p.queue.note(err)
	}
	return err
}

// request makes one request, and records what its answer implies.
func (p *producer) request(leader *sarama.Broker, d *delivery) error {
	d.tries++
	certain, err := p.session.produce(leader, d.entries)
	switch {
	case err == nil || d.doubt != nil:
	case !certain:
		d.doubt = err
	default:
		p.queue.refused(d.entries)
		if client.HasCode(err, misnumbered...) {
			p.session.id = -1
		}
	}
	return err
}

// connect returns the leader to send the batch to. A client that finds no broker is
// replaced, unless the batch needs its producer id.
func (p *producer) connect(d *delivery) (leader *sarama.Broker, err error) {
	if p.session == nil {
		p.session = newSession(p.topic)
	}
	if err := p.throttle(time.Until(p.session.resume)); err != nil {
		return nil, err
	}
	leader, err = p.session.connect()
	var code sarama.KError
	if err != nil && d.doubt == nil && !errors.As(err, &code) {
		p.disconnect()
	}
	return leader, err
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

func (p *producer) disconnect() {
	if p.session != nil {
		p.session.close()
		p.session = nil
	}
	p.limit = p.topic.Config.BatchBytes()
}

// split sends a batch in halves. Kafka limits the size of batches: the records of a batch
// that is too large may fit separately. Since the batch exceeds the limit, later batches
// are limited to half its size.
func (p *producer) split(d *delivery) {
	size, half := batchOverhead, len(d.entries)/2
	for _, e := range d.entries {
		size += e.size()
	}
	p.limit = min(p.limit, size/2)
	first, second := d.entries[:half:half], d.entries[half:]
	p.deliver(first)
	p.deliver(second)
}

// finish gives each entry its outcome.
func (p *producer) finish(d *delivery, err error) {
	if err != nil && d.doubt != nil {
		p.disconnect()
	}
	for _, e := range d.entries {
		e.outcome <- p.outcomeOf(d, err)
	}
}
