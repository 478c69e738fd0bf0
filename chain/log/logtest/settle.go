package logtest

import (
	"context"
	"time"

	"github.com/fabric-kafka/orderer/chain/log"
)

// settles repeats a call that may fail until all brokers know of a change.
func (s *suite) settles(f func(context.Context) error) error {
	ctx := s.timeout()
	for {
		err := f(ctx)
		if log.ClassOf(err) != log.Retryable || err == nil || ctx.Err() != nil {
			return err
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// append retries only if the record is certain not to have been appended.
func (s *suite) append(l log.Log, value []byte) error {
	return s.settles(func(ctx context.Context) error { return l.Append(ctx, value) })
}

func (s *suite) bounds(l log.Log) (b log.Bounds, err error) {
	err = s.settles(func(ctx context.Context) (err error) {
		b, err = l.Bounds(ctx)
		return err
	})
	return b, err
}

func (s *suite) identity(l log.Log) (id log.Identity, err error) {
	err = s.settles(func(ctx context.Context) (err error) {
		id, err = l.Identity(ctx)
		return err
	})
	return id, err
}
