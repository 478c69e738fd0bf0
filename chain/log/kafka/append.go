package kafka

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/fabric-kafka/orderer/chain/log"
)

// Append queues the value for the producer and waits for its outcome. The caller may give
// up at any time: a value that has not been sent by then never is.
func (l *Log) Append(ctx context.Context, value []byte) error {
	if limit := l.topic.Config.Settings.MaxMessageBytes; len(value) > limit {
		return &log.Error{Class: log.Rejected, Op: "append", Topic: l.topic.Name,
			Err: fmt.Errorf("%w: %d bytes, this orderer sends up to %d, by the channel's AbsoluteMaxBytes and the limit of a request", log.ErrTooLarge, len(value), limit)}
	}
	if err := l.topic.Cluster.Enter(); err != nil {
		return err
	}
	defer l.topic.Cluster.Leave()
	if l.limit.below(len(value)) {
		return l.tooLarge(ctx, len(value), errKnownLimit)
	}
	l.producing.Do(func() { l.topic.Cluster.Go(newProducer(l).run) })
	err := l.queued(ctx, value)
	if log.ClassOf(err) == log.Rejected {
		return l.tooLarge(ctx, len(value), errors.Unwrap(err))
	}
	return err
}

func (l *Log) queued(ctx context.Context, value []byte) error {
	e := &entry{value: value, since: time.Now(), outcome: make(chan error, 1)}
	if !l.queue.put(e) {
		return log.ErrClosed
	}
	select {
	case err := <-e.outcome: // also comes soon after the log is closed
		return err
	case <-ctx.Done():
		return l.left(ctx, e)
	}
}

// left returns the error for a caller whose context has ended.
func (l *Log) left(ctx context.Context, e *entry) error {
	certain, cause := l.queue.leave(e)
	select {
	case err := <-e.outcome:
		return err
	default:
	}
	failure := &log.Error{Op: "append", Topic: l.topic.Name, Err: ctx.Err()}
	switch {
	case cause != nil:
		failure = l.topic.Classify("append", cause)
		failure.Err = fmt.Errorf("%w (%w)", failure.Err, ctx.Err())
	case certain:
		failure.Await = "the acknowledgement of earlier records, " + l.topic.Reachable()
	default:
		failure.Await = "an acknowledgement by all in-sync replicas, " + l.topic.Reachable()
	}
	failure.Class = log.Ambiguous
	if certain {
		failure.Class = log.Retryable
	}
	return failure
}
