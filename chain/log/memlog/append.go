package memlog

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/fabric-kafka/orderer/chain/log"
)

// maxTries is the maximum number of attempts of an append.
const maxTries = 50

// attempts is the attempts of one append; they append the record at most once.
type attempts struct {
	value    []byte
	appended bool // one of them has appended it
	doubt    bool // one may have appended it, as far as the client knows
	at       log.Offset
}

// Append appends a copy of value to the topic. It makes another attempt whenever a
// [Failure] asks for one.
func (l *Log) Append(ctx context.Context, value []byte) error {
	_, err := l.AppendAt(ctx, value)
	return err
}

// AppendAt is Append, and returns the record's offset.
func (l *Log) AppendAt(ctx context.Context, value []byte) (at log.Offset, err error) {
	a := &attempts{value: value}
	for tries, again := 0, true; again && tries < maxTries; tries++ {
		again, err = l.attempt(ctx, a)
	}
	if err != nil {
		return -1, err
	}
	return a.at, nil
}

func (l *Log) attempt(ctx context.Context, a *attempts) (again bool, err error) {
	l.broker.mu.Lock()
	defer l.broker.mu.Unlock()
	if err := l.usable(ctx); err != nil {
		return false, a.failed(l.topic, err)
	}
	fault := l.broker.begin("append", l.topic)
	if fault == nil || fault.After {
		if err := l.put(a); err != nil {
			return false, a.failed(l.topic, err)
		}
	}
	if fault == nil {
		return false, nil
	}
	a.doubt = a.doubt || fault.After || fault.Unsure
	return fault.Again, a.failed(l.topic, failed("append", l.topic, fault.Err))
}

// put is called with the broker's mu held.
func (l *Log) put(a *attempts) error {
	t := l.broker.topics[l.topic]
	switch limit := l.settings.MaxMessageBytes; {
	case a.appended:
		return nil
	case t == nil:
		return l.noTopic("append")
	case limit > 0 && len(a.value) > limit:
		return &log.Error{Class: log.Rejected, Op: "append", Topic: l.topic,
			Err: fmt.Errorf("%w: %d bytes, the topic accepts %d", log.ErrTooLarge, len(a.value), limit)}
	}
	a.at = t.end()
	t.values = append(t.values, slices.Clone(a.value))
	a.appended = true
	l.broker.wake()
	return nil
}

// failed returns the error for the client: ambiguous once the outcome of an attempt is unknown.
func (a *attempts) failed(topic string, err error) error {
	if !a.doubt {
		return err
	}
	var typed *log.Error
	if errors.As(err, &typed) {
		err = typed.Err
	}
	return &log.Error{Class: log.Ambiguous, Op: "append", Topic: topic, Await: "the broker", Err: err}
}
