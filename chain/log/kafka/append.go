package kafka

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/IBM/sarama"

	"github.com/fabric-kafka/orderer/chain/log"
)

// producer is one idempotent sarama producer and the client that it owns. Many
// Appends share it, and so share its batches.
type producer struct {
	gate   *gate
	client sarama.Client
	async  sarama.AsyncProducer
	broken context.Context // ends at the first append that it lost
	fail   context.CancelFunc
	done   chan struct{} // closed when every outcome was handed out
}

// Append hands the value to sarama and waits for its outcome. While no client
// can be made nothing was sent, and it goes on trying until the context ends.
func (l *Log) Append(ctx context.Context, value []byte) error {
	if limit := l.config.Settings.MaxMessageBytes; len(value) > limit {
		return &log.Error{Class: log.Rejected, Op: "append", Topic: l.topic,
			Err: fmt.Errorf("%w: %d bytes, this orderer sends up to %d, by the channel's AbsoluteMaxBytes and the limit of a request", log.ErrTooLarge, len(value), limit)}
	}
	if err := l.enter(); err != nil {
		return err
	}
	defer l.users.Done()
	if l.limit.below(len(value)) {
		return l.tooLarge(ctx, len(value), sarama.ErrMessageSizeTooLarge)
	}
	err := l.appendBeside(ctx, value, 1)
	if is(err, sarama.ErrMessageSizeTooLarge) {
		// Kafka limits batches. What was too large may be the company.
		err = l.appendBeside(ctx, value, most)
	}
	if is(err, sarama.ErrMessageSizeTooLarge) {
		return l.tooLarge(ctx, len(value), err)
	}
	return err
}

// most is the weight of an append that wants a batch of its own.
const most = math.MaxInt32

// appendBeside appends while appends of no more than the rest of the weight are
// in flight.
func (l *Log) appendBeside(ctx context.Context, value []byte, weight int64) error {
	if err := l.company.Acquire(ctx, weight); err != nil {
		return l.unconnected(ctx, err)
	}
	defer l.company.Release(weight)
	p, err := l.connected(ctx)
	if err != nil {
		return err
	}
	return l.send(ctx, p, value)
}

func (l *Log) send(ctx context.Context, p *producer, value []byte) error {
	outcome := make(chan error, 1)
	msg := &sarama.ProducerMessage{
		Topic:     l.topic,
		Partition: partition,
		Key:       sarama.StringEncoder(key),
		Value:     sarama.ByteEncoder(value),
		Metadata:  outcome,
	}
	select {
	case p.async.Input() <- msg:
	case <-ctx.Done():
		return &log.Error{Class: log.Retryable, Op: "append", Topic: l.topic, Await: l.reachable(), Err: ctx.Err()}
	case <-l.done.Done():
		return log.ErrClosed
	}
	select {
	case err := <-outcome:
		if err == nil {
			return nil
		}
		return l.classifyAppend(err, len(value))
	case <-ctx.Done():
		return &log.Error{Class: log.Ambiguous, Op: "append", Topic: l.topic,
			Await: "an acknowledgement by all in-sync replicas, " + l.reachable(), Err: ctx.Err()}
	case <-l.done.Done():
		return log.ErrClosed
	}
}

// connected returns the producer, making it if there is none. One caller makes
// it; the others wait for it.
func (l *Log) connected(ctx context.Context) (*producer, error) {
	met := error(nil) // by the last attempt that was not cut short: the reason
	for {
		if p := l.current(); p != nil {
			return p, nil
		}
		select {
		case l.building <- struct{}{}:
		case <-ctx.Done():
			return nil, l.unconnected(ctx, cmp.Or(met, ctx.Err()))
		case <-l.done.Done():
			return nil, log.ErrClosed
		}
		err := l.build(ctx)
		<-l.building
		if err == nil {
			continue
		}
		if met == nil || ctx.Err() == nil {
			met = err
		}
		select {
		case <-time.After(l.config.RetryBackoff):
		case <-ctx.Done():
			return nil, l.unconnected(ctx, met)
		case <-l.done.Done():
			return nil, log.ErrClosed
		}
	}
}

// unconnected is the error of an append that never got a producer.
func (l *Log) unconnected(ctx context.Context, err error) error {
	if l.done.Err() != nil {
		return log.ErrClosed
	}
	e := l.classify("append", err)
	if ctx.Err() != nil && !errors.Is(e.Err, ctx.Err()) {
		e.Err = fmt.Errorf("%w (%w)", e.Err, ctx.Err())
	}
	return e
}

// current returns the producer unless there is none or it lost an append.
func (l *Log) current() *producer {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.producer == nil || l.producer.broken.Err() == nil {
		return l.producer
	}
	old := l.producer
	l.producer = nil
	l.users.Go(old.close)
	return nil
}

// build makes a producer unless another caller has just done so.
func (l *Log) build(ctx context.Context) error {
	if l.current() != nil {
		return nil
	}
	p, err := l.newProducer(ctx)
	if err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		l.users.Go(p.close)
		return log.ErrClosed
	}
	l.producer = p
	return nil
}

func (l *Log) newProducer(ctx context.Context) (*producer, error) {
	g := l.config.newGate()
	defer context.AfterFunc(l.done, g.close)()
	abandoned := context.AfterFunc(ctx, g.close)
	client, err := sarama.NewClient(l.config.Brokers, l.config.producerConfig(g))
	if err != nil {
		g.close()
		return nil, err
	}
	async, err := sarama.NewAsyncProducerFromClient(client)
	if err != nil {
		g.close()
		closeQuietly(client)
		return nil, err
	}
	broken, fail := context.WithCancel(context.Background())
	p := &producer{gate: g, client: client, async: async, broken: broken, fail: fail, done: make(chan struct{})}
	go p.handOut()
	if !abandoned() {
		p.fail() // the gate was closed under it
	}
	return p, nil
}

// handOut gives each append its outcome. A producer that lost an append is not
// used again: its sequence numbers and its circuit breaker belong to the past.
func (p *producer) handOut() {
	defer close(p.done)
	successes, failures := p.async.Successes(), p.async.Errors()
	for successes != nil || failures != nil {
		select {
		case msg, ok := <-successes:
			if !ok {
				successes = nil
				continue
			}
			msg.Metadata.(chan error) <- nil
		case lost, ok := <-failures:
			if !ok {
				failures = nil
				continue
			}
			if !is(lost.Err, sarama.ErrMessageSizeTooLarge, sarama.ErrNotEnoughReplicas) {
				p.fail()
			}
			lost.Msg.Metadata.(chan error) <- lost.Err
		}
	}
}

// close cuts the connections and waits until every append has its outcome.
func (p *producer) close() {
	p.fail()
	p.gate.close()
	p.async.AsyncClose()
	<-p.done
	closeQuietly(p.client)
}
