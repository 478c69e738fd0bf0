package kafka

import (
	"errors"
	"fmt"
	"time"

	"github.com/IBM/sarama"

	"github.com/fabric-kafka/orderer/chain/log"
)

// maxTries is how often a batch is sent at most: with the back-off between attempts,
// longer than the election of a leader.
const maxTries = 50

// producer sends what callers of Append have queued: one batch at a time, each with the
// sequence numbers by which brokers recognize it when it is sent again. Its goroutine
// alone uses the client and its connections, so nothing is closed under a user of it.
//
// sarama's own producer is not used. It tries again by itself and returns the last
// answer alone, so that nobody can know whether an attempt before was appended; and
// its input is closed under callers who still send. One batch in flight is what it
// does on one partition, too.
//
// What every attempt was answered decides what a caller is told:
//
//   - acknowledged: the batch is in the log, once. A broker that had it already
//     recognizes its sequence numbers.
//   - refused, and no attempt before may have appended it: it is not in the log. Its
//     sequence numbers are free again, callers may leave, and it may be split.
//   - anything else, once: the batch is in doubt until it is acknowledged, whatever
//     refuses a later attempt. It is sent again unchanged, for no other batch is one
//     with it to the brokers, for a minute also when no caller waits any more. If it is given up, so
//     is the producer id: whether the next batch would have to be numbered after it
//     nobody knows, and a broker that has lost its controller gives no other id for as
//     long as 30 s.
type producer struct {
	log     *Log
	session *session // nil: none
	limit   int      // bytes of a batch; less once the topic has refused one
}

func newProducer(l *Log) *producer {
	return &producer{log: l, limit: l.config.batchBytes()}
}

// delivery is a batch on its way to the topic: what one request holds.
type delivery struct {
	entries []*entry
	doubt   error // what the first attempt met that may have appended it; nil: it is not in the log
	tries   int   // requests made
	unsent  bool  // the last attempt did not come to a request

	alone time.Time // when it was first seen that every caller has left; zero before
}

// run ends with the log. Every entry has its outcome then.
func (p *producer) run() {
	defer p.disconnect()
	for p.await() {
		if entries := p.log.queue.take(p.limit); len(entries) > 0 {
			p.deliver(entries)
		}
	}
	for _, e := range p.log.queue.close() {
		e.outcome <- log.ErrClosed
	}
}

// await waits for an entry, and then until others had the linger to join it. It reports
// false once the log is closed.
func (p *producer) await() bool {
	select {
	case <-p.log.queue.some:
	case <-p.log.done.Done():
		return false
	}
	if since, ok := p.log.queue.oldest(); ok {
		p.pause(p.log.config.Linger - time.Since(since))
	}
	return p.log.done.Err() == nil
}

// pause waits, but not for a log that is closed.
func (p *producer) pause(d time.Duration) {
	if d <= 0 {
		return
	}
	select {
	case <-time.After(d):
	case <-p.log.done.Done():
	}
}

// deliver sends entries until each has its outcome, or nobody waits for one.
func (p *producer) deliver(entries []*entry) {
	d := &delivery{entries: entries}
	for {
		err := p.attempt(d)
		switch {
		case err == nil:
			p.settle(d, nil)
			return
		case p.log.done.Err() != nil:
			p.settle(d, log.ErrClosed)
			return
		case d.doubt == nil && len(d.entries) > 1 && tooLarge(err):
			p.split(d)
			return
		case d.tries >= maxTries, final(err, d), p.abandoned(d):
			p.settle(d, err)
			return
		}
		p.pause(p.log.config.RetryBackoff)
	}
}

// doubtLasts is how long a batch in doubt is sent again after the last of its callers has left:
// longer than a broker waits for a controller that hangs.
const doubtLasts = time.Minute

// abandoned reports whether a batch is given up since nobody waits for it.
func (p *producer) abandoned(d *delivery) bool {
	if !p.log.queue.abandoned(d.entries) {
		return false
	}
	if d.alone.IsZero() {
		d.alone = time.Now()
	}
	return d.doubt == nil || time.Since(d.alone) > doubtLasts
}

// attempt makes one attempt. Callers may leave as long as none may have appended the batch.
func (p *producer) attempt(d *delivery) error {
	leader, err := p.connect(d)
	d.unsent = err != nil
	if err == nil && d.doubt == nil {
		d.entries = p.log.queue.send(d.entries)
	}
	if err == nil && len(d.entries) > 0 {
		err = p.request(leader, d)
	}
	if !tooLarge(err) { // which is no trouble to other batches
		p.log.queue.note(err)
	}
	return err
}

// request makes one request, and notes what is known after it.
func (p *producer) request(leader *sarama.Broker, d *delivery) error {
	d.tries++
	certain, err := p.session.produce(leader, d.entries)
	switch {
	case err == nil || d.doubt != nil:
	case !certain:
		d.doubt = err
	default:
		p.log.queue.refused(d.entries)
		if is(err, misnumbered...) {
			p.session.id = -1
		}
	}
	return err
}

// connect returns the leader to send the batch to. A client that finds no broker is
// made again, unless the batch needs its producer id.
func (p *producer) connect(d *delivery) (leader *sarama.Broker, err error) {
	if p.session == nil {
		if p.session, err = p.log.newSession(); err != nil {
			return nil, err
		}
	}
	if err := p.rest(time.Until(p.session.resume)); err != nil {
		return nil, err
	}
	leader, err = p.session.connect()
	var code sarama.KError
	if err != nil && d.doubt == nil && !errors.As(err, &code) {
		p.disconnect()
	}
	return leader, err
}

// rest waits as long as the brokers ask for, which is what they do over a quota.
func (p *producer) rest(d time.Duration) error {
	if d > 0 {
		p.log.queue.note(&accessError{fmt.Errorf("the brokers ask for a pause of %s", d.Round(time.Millisecond)),
			"a quota of the brokers for this orderer to allow more (producer_byte_rate)"})
		p.pause(d)
	}
	if p.log.done.Err() != nil {
		return log.ErrClosed
	}
	return nil
}

func (p *producer) disconnect() {
	if p.session != nil {
		p.session.close()
		p.session = nil
	}
	p.limit = p.log.config.batchBytes()
}

// split sends a batch in halves. Kafka limits batches: what was too large may be
// several records that are not. It is above the limit, and no other needs to be
// twice as large as its half.
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

// settle gives each entry its outcome.
func (p *producer) settle(d *delivery, err error) {
	if err != nil && d.doubt != nil {
		p.disconnect()
	}
	for _, e := range d.entries {
		e.outcome <- p.log.outcomeOf(d, err)
	}
}
