// Package reader reads the records of a topic, in the order of their offsets.
//
// A reader is one subscription of sarama's consumer with two connections to the leader: any
// other request on the first would wait behind the long poll of a fetch. It adds to
// sarama what [log.Reader] promises: records of one leader epoch and one topic only (see
// pinned), fatal errors after the records before them, and an error that names a batch which
// does not decode, where sarama would request it without end (see first).
package reader

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/IBM/sarama"

	"github.com/fabric-kafka/orderer/chain/log"
	"github.com/fabric-kafka/orderer/chain/log/kafka/client"
	"github.com/fabric-kafka/orderer/chain/log/kafka/conn"
)

// reader is one subscription with connections of its own.
type reader struct {
	topic  *client.Topic
	gate   *conn.Gate
	client *pinned
	parent sarama.Consumer
	sub    sarama.PartitionConsumer
	next   log.Offset // lowest offset that may follow
	end    log.Offset // of the log, when the reader was opened
	stall  *stall     // nil: not behind the end
	fatal  *log.Error // returned after the records before it

	budget   *budget                 // of what was fetched and not returned
	afterGap *sarama.ConsumerMessage // follows a gap that is not verified yet

	once   sync.Once
	call   context.Context // of the Next in flight: ends its requests other than the subscription
	closed context.Context
	stop   context.CancelFunc
	ended  chan struct{} // closed when Close is done
	free   func() bool   // detaches the reader from the log, which would otherwise keep it
}

// Open subscribes at from, which must be within the bounds. Otherwise sarama would
// accept an offset that a recreated topic happens to have. fetchBytes are requested at a time.
func Open(ctx context.Context, t *client.Topic, from log.Offset, fetchBytes int32) (log.Reader, error) {
	if err := t.Cluster.Enter(); err != nil {
		return nil, err
	}
	g := t.Cluster.Gate()
	detach := context.AfterFunc(ctx, g.Close)
	defer context.AfterFunc(t.Cluster.Done(), g.Close)()
	r, err := subscribe(ctx, t, g, from, fetchBytes)
	if err != nil {
		detach()
		g.Close()
		t.Cluster.Leave()
		return nil, err
	}
	r.free = context.AfterFunc(t.Cluster.Done(), r.shut) // also closes a reader that its caller did not close
	if !detach() {                                       // the gate is closed, or about to be
		_ = r.Close()
		return nil, t.Outcome(ctx, g, "read", ctx.Err())
	}
	return r, nil
}

func subscribe(ctx context.Context, t *client.Topic, g *conn.Gate, from log.Offset, fetchBytes int32) (*reader, error) {
	b := newBudget(int(fetchBytes))
	base, err := conn.NewClient(consumerConfig(t, g, fetchBytes, b))
	if err != nil {
		return nil, t.Classify("read", err)
	}
	pinned := pin(g.Done(), base, t)
	parent, sub, err := consume(ctx, t, pinned, from)
	if err != nil {
		g.Close()
		pinned.end()
		return nil, err
	}
	end := pinned.bounds.End
	closed, stop := context.WithCancel(context.Background())
	return &reader{topic: t, gate: g, client: pinned, parent: parent, sub: sub, budget: b, next: from, end: end,
		stall: newStall(from, end), closed: closed, stop: stop, ended: make(chan struct{})}, nil
}

// consume pins the leader epoch and the topic's id before anything else: what it reads
// belongs to both, or the change is noticed.
func consume(ctx context.Context, t *client.Topic, p *pinned, from log.Offset) (parent sarama.Consumer, sub sarama.PartitionConsumer, err error) {
	err = t.Call(ctx, "read", func(c sarama.Client, _ *conn.Gate) error { return p.open(c, from) })
	if err != nil {
		return nil, nil, err
	}
	if parent, err = sarama.NewConsumerFromClient(p); err != nil {
		return nil, nil, t.Classify("read", err)
	}
	if sub, err = parent.ConsumePartition(t.Name, client.Partition, int64(from)); err != nil {
		_ = parent.Close() // has no subscription yet
		return nil, nil, t.Classify("read", err)
	}
	return parent, sub, nil
}

// Next returns the next record, or an error of the subscription. sarama keeps retrying
// after an error; Next may be called again.
func (r *reader) Next(ctx context.Context) (log.Record, error) {
	if err := ctx.Err(); err != nil {
		return log.Record{}, err
	}
	r.call = ctx
	if r.fatal != nil {
		return r.rest()
	}
	if msg := r.afterGap; msg != nil {
		r.afterGap = nil
		return r.accept(msg)
	}
	if msg := r.fetched(); msg != nil {
		return r.received(msg)
	}
	for {
		got, stalled, err := r.await(ctx)
		if !stalled {
			return got, err
		}
		found, err := r.first()
		r.stall.backOff() // in any case: the next call continues from here
		switch {
		case ctx.Err() != nil:
			return got, ctx.Err()
		case err != nil:
			return r.fail(err)
		case !found:
			return got, r.noRecords()
		}
	}
}

// noRecords continues at the end that the log had: there is no record before it.
func (r *reader) noRecords() error {
	err := &log.Error{Class: log.Retryable, Op: "read", Topic: r.topic.Name,
		Err: fmt.Errorf("%w: %d to %d", log.ErrNoRecord, r.next, r.end-1)}
	r.next = r.end
	return err
}

// Taken returns the offset of the record that Next has returned last.
func (r *reader) Taken() log.Offset { return r.next - 1 }

// Lapsed returns an error once the leader is known to have changed.
func (r *reader) Lapsed() error {
	if r.client.hasChanged() {
		return r.newLeader()
	}
	return nil
}

// Source asks the leader, over a connection without a fetch in flight.
func (r *reader) Source(ctx context.Context) (topicID string, err error) {
	defer context.AfterFunc(ctx, r.gate.Close)()
	err = r.client.source()
	switch {
	case ctx.Err() != nil:
		return "", ctx.Err()
	case r.client.hasChanged():
		return "", r.newLeader()
	case err != nil:
		return "", r.classify(err)
	}
	return r.client.topicID(), nil
}

// fetched returns a record that was fetched already; nil if there is none, or something else comes first. It asks one
// channel, which costs a fraction of what await does.
func (r *reader) fetched() *sarama.ConsumerMessage {
	if r.closed.Err() != nil {
		return nil
	}
	select {
	case msg := <-r.sub.Messages():
		return msg
	default:
		return nil
	}
}

// await waits for a record, or until none has arrived for a while although the log had
// more.
func (r *reader) await(ctx context.Context) (got log.Record, stalled bool, err error) {
	for {
		select {
		case <-r.stall.due():
			if r.stall.stalled(r.next, r.end) {
				return got, true, nil
			}
			continue
		case <-r.closed.Done():
			return got, false, log.ErrClosed
		case <-ctx.Done():
			return got, false, ctx.Err()
		case <-r.client.changed:
			return got, false, r.newLeader()
		case msg, ok := <-r.sub.Messages():
			if !ok {
				return got, false, r.spent()
			}
			got, err = r.received(msg)
		case failure, ok := <-r.sub.Errors():
			if !ok {
				return got, false, r.spent()
			}
			got, err = r.fail(failure.Err)
		}
		return got, false, err
	}
}

// received is accept for a record that was just taken from the subscription, which makes room for others.
func (r *reader) received(msg *sarama.ConsumerMessage) (log.Record, error) {
	r.budget.returned(msg)
	return r.accept(msg)
}

// accept returns a record at or after the expected offset. A record before it would mean
// that the log was rewritten.
func (r *reader) accept(msg *sarama.ConsumerMessage) (log.Record, error) {
	if r.client.hasChanged() { // select may have chosen the record
		return log.Record{}, r.newLeader()
	}
	at := log.Offset(msg.Offset)
	if at < r.next {
		return log.Record{}, &log.Error{Class: log.Fatal, Op: "read", Topic: r.topic.Name,
			Err: fmt.Errorf("%w: got offset %d where %d was due", log.ErrOutOfRange, at, r.next)}
	}
	if at > r.next {
		if err := r.verifyGap(at); err != nil {
			r.afterGap = msg
			return log.Record{}, err
		}
	}
	r.next = at + 1
	return log.Record{Offset: at, Value: msg.Value}, nil
}

// fail handles an error of the subscription. A fatal error is returned after the records
// that were fetched before it: sarama has put all of them into their channel.
func (r *reader) fail(err error) (log.Record, error) {
	if r.closed.Err() != nil {
		return log.Record{}, log.ErrClosed
	}
	if r.client.hasChanged() {
		return log.Record{}, r.newLeader()
	}
	e := r.blame(err)
	if e.Class != log.Fatal {
		return log.Record{}, e
	}
	r.fatal = e
	return r.rest()
}

// blame classifies an error, and names the batch that caused it, if any.
func (r *reader) blame(err error) *log.Error {
	var known *log.Error
	if errors.As(err, &known) {
		return known
	}
	if client.OfContent(err) {
		if at := r.findUndecodable(); errors.As(at, &known) && errors.Is(known.Err, client.ErrUndecodable) {
			return known
		}
	}
	return r.topic.Classify("read", err)
}

// rest returns what was fetched before the fatal error, and then that error.
func (r *reader) rest() (log.Record, error) {
	select {
	case msg, ok := <-r.sub.Messages():
		if ok && r.closed.Err() == nil {
			return r.received(msg)
		}
	default:
	}
	if r.closed.Err() != nil {
		return log.Record{}, log.ErrClosed
	}
	e := *r.fatal
	if !errors.Is(e.Err, client.ErrUndecodable) { // names the offset itself
		e.Err = fmt.Errorf("offset %d was due: %w", r.next, e.Err)
	}
	return log.Record{}, &e
}

func (r *reader) newLeader() error {
	if r.closed.Err() != nil {
		return log.ErrClosed
	}
	return &log.Error{Class: log.Retryable, Op: "read", Topic: r.topic.Name, Await: "the topic to be verified again",
		Err: fmt.Errorf("%w: %s", log.ErrNewLeader, r.client.whatChanged())}
}

// spent returns why the subscription ended: sarama ends it by itself only when its
// offset is out of range, and that error may still be unread.
func (r *reader) spent() error {
	if r.closed.Err() != nil {
		return log.ErrClosed
	}
	if r.client.hasChanged() { // the new log may be shorter than the old one
		return r.newLeader()
	}
	for failure := range r.sub.Errors() {
		if client.HasCode(failure.Err, sarama.ErrOffsetOutOfRange) {
			return r.classify(failure.Err)
		}
	}
	if r.closed.Err() != nil {
		return log.ErrClosed
	}
	return r.classify(fmt.Errorf("%w: the subscription ended before offset %d", sarama.ErrOffsetOutOfRange, r.next))
}

func (r *reader) classify(err error) error {
	if r.closed.Err() != nil {
		return log.ErrClosed
	}
	return r.topic.Classify("read", err)
}

// Close ends a Next in flight and returns when the client is closed.
func (r *reader) Close() error {
	r.free()
	r.shut()
	return nil
}

// shut closes the reader once, and returns when it is closed.
func (r *reader) shut() {
	r.once.Do(func() {
		defer r.topic.Cluster.Leave()
		defer close(r.ended)
		r.stop()
		r.budget.close()
		r.gate.Close()
		_ = r.sub.Close()    // errors of records that were fetched ahead
		_ = r.parent.Close() // errors of the closed connections
		r.client.end()
	})
	<-r.ended
}
