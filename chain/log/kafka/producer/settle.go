package producer

import (
	"slices"
	"time"

	"github.com/fabric-kafka/orderer/chain/log"
	"github.com/fabric-kafka/orderer/chain/log/kafka/client"
)

// maxTries is the maximum number of requests for a batch: with the backoff between them,
// they take longer than the election of a leader.
const maxTries = 50

// settle resolves every batch in flight, one at a time, in the order of their sequence numbers: a broker accepts none
// before it has those with lower numbers.
//
// The answers to all attempts decide what Append returns:
//
//   - acknowledged: the batch is in the log, once. A broker that already had it
//     recognizes its sequence numbers.
//   - refused, and no earlier attempt may have appended it: the batch is not in the log.
//     Callers may leave, and it may be split. Its sequence numbers are free again, unless a batch with
//     higher ones is in doubt, which may have to follow it: then it is sent again with the same numbers.
//   - anything else: the batch is in doubt until it is acknowledged, even if a later
//     attempt is refused. It is sent again unchanged, since the brokers would not
//     recognize a different batch, and for a minute after its last caller has left. If
//     the batch is given up, so is the producer id, once no batch is in doubt: there is no way to know the next
//     sequence number, and a broker that has lost its controller assigns no other id
//     for up to 30 s.
func (p *producer) settle() {
	p.collect()
	for len(p.flight) > 0 {
		p.resolve(p.flight[0])
		if p.gap && !p.doubtful() {
			p.disconnect()
		}
	}
}

// collect awaits the answers to all attempts. Only the failure of the first batch counts: that of another may
// only mean that the broker lacks the first.
func (p *producer) collect() {
	for p.awaits() {
		p.answered(<-p.session.answers)
	}
	doubtful := false
	for i, d := range slices.Backward(p.flight) {
		if doubtful = doubtful || d.doubt != nil; !doubtful {
			p.session.free(d)
		}
		if i > 0 {
			d.failure = nil
		}
	}
}

// resolve makes attempts until a batch has its outcome, is split, or waits for those in doubt.
func (p *producer) resolve(d *delivery) {
	for {
		if d.failure == nil {
			p.attempt(d)
		}
		if d.failure == nil {
			return
		}
		if !tooLarge(d.failure) { // does not affect other batches
			p.queue.note(d.failure)
		}
		if p.postponed(d) || p.ended(d, d.failure) {
			return
		}
		d.failure = nil
		p.pause(p.topic.Config.RetryBackoff)
	}
}

// attempt makes one attempt, while no other is awaited, and finishes the batch unless it fails.
func (p *producer) attempt(d *delivery) {
	p.send(d)
	if d.awaited {
		p.answered(<-p.session.answers)
	}
}

// postponed reports whether a batch that is not in the log waits until none is in doubt, and then gets new sequence
// numbers: the broker has refused its own, since it has one with higher numbers, or lacks one with lower ones. If none is
// in doubt, it has lost the state of the producer id.
func (p *producer) postponed(d *delivery) bool {
	lost := !d.unsent && client.HasCode(d.failure, misnumbered...)
	switch {
	case d.doubt != nil:
	case !p.doubtful():
		p.session.free(d)
		if lost {
			p.session.id = -1
		}
	case lost:
		d.numbered, d.failure = false, nil
		p.flight = append(p.flight[1:], d)
		return true
	}
	return false
}

// ended reports whether no other attempt follows: the batch has its outcome, or two halves of it have replaced it.
func (p *producer) ended(d *delivery, err error) bool {
	switch {
	case p.topic.Cluster.Done().Err() != nil:
		p.finish(d, log.ErrClosed)
	case d.doubt == nil && len(d.entries) > 1 && tooLarge(err):
		p.split(d)
	case d.tries >= maxTries, final(err, d), p.abandoned(d):
		p.finish(d, err)
	default:
		return false
	}
	return true
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

// split replaces the first batch in flight by its halves. Kafka limits the size of batches: the records of a batch
// that is too large may fit separately. Since the batch exceeds the limit, later batches
// are limited to half its size.
func (p *producer) split(d *delivery) {
	size, half := batchOverhead, len(d.entries)/2
	for _, e := range d.entries {
		size += e.size()
	}
	p.limit = min(p.limit, size/2)
	p.flight = slices.Replace(p.flight, 0, 1,
		&delivery{entries: d.entries[:half:half], numbered: d.numbered, first: d.first},
		&delivery{entries: d.entries[half:], numbered: d.numbered, first: d.first + int32(half)})
}
