package logtest_test

import (
	"context"
	"testing"

	"github.com/fabric-kafka/orderer/chain/log"
	"github.com/fabric-kafka/orderer/chain/log/memlog"
)

// altered is an in-memory log with some methods replaced.
type altered struct {
	log.Log
	broker *memlog.Broker
	topic  string

	create    func(context.Context) error
	append    func(context.Context, []byte) error
	shift     log.Offset // of the offsets that appends report
	read      func(context.Context, log.Offset) (log.Reader, error)
	bounds    func(context.Context) (log.Bounds, error)
	identity  func(context.Context) (log.Identity, error)
	publish   func(context.Context, log.Progress) error
	published func(context.Context, string) ([]log.Progress, error)
	close     func() error
}

func newAltered(b *memlog.Broker, topic string, s log.Settings) *altered {
	l := b.Open(topic, s)
	return &altered{Log: l, broker: b, topic: topic, create: l.Create, append: l.Append, read: l.Read, bounds: l.Bounds, identity: l.Identity,
		publish: l.Publish, published: l.Published, close: l.Close}
}

func (a *altered) Create(ctx context.Context) error               { return a.create(ctx) }
func (a *altered) Append(ctx context.Context, value []byte) error { return a.append(ctx, value) }
func (a *altered) AppendAt(ctx context.Context, value []byte) (log.Offset, error) {
	at, err := a.Log.(log.Placer).AppendAt(ctx, value)
	return at + a.shift, err
}
func (a *altered) Read(ctx context.Context, from log.Offset) (log.Reader, error) {
	return a.read(ctx, from)
}
func (a *altered) Bounds(ctx context.Context) (log.Bounds, error)     { return a.bounds(ctx) }
func (a *altered) Identity(ctx context.Context) (log.Identity, error) { return a.identity(ctx) }
func (a *altered) Publish(ctx context.Context, p log.Progress) error  { return a.publish(ctx, p) }
func (a *altered) Published(ctx context.Context, prefix string) ([]log.Progress, error) {
	return a.published(ctx, prefix)
}
func (a *altered) Close() error { return a.close() }

// reads alters each reader that the log opens.
func (a *altered) reads(alter func(*alteredReader)) {
	a.read = func(ctx context.Context, from log.Offset) (log.Reader, error) {
		r, err := a.Log.Read(ctx, from)
		if err != nil {
			return nil, err
		}
		altered := &alteredReader{r, r.Next, r.Source, r.Close}
		alter(altered)
		return altered, nil
	}
}

type alteredReader struct {
	log.Reader
	next   func(context.Context) (log.Record, error)
	source func(context.Context) (string, error)
	close  func() error
}

func (r *alteredReader) Next(ctx context.Context) (log.Record, error) { return r.next(ctx) }
func (r *alteredReader) Source(ctx context.Context) (string, error)   { return r.source(ctx) }
func (r *alteredReader) Close() error                                 { return r.close() }

// harness opens altered logs.
type harness struct {
	broker *memlog.Broker
	alter  func(*altered)
}

func (h harness) Open(_ *testing.T, topic string, s log.Settings) log.Log {
	a := newAltered(h.broker, topic, s)
	h.alter(a)
	return a
}

func (h harness) Stop(*testing.T)                                   { h.broker.Stop() }
func (h harness) Resume(*testing.T)                                 { h.broker.Resume() }
func (h harness) Trim(_ *testing.T, topic string, start log.Offset) { h.broker.Trim(topic, start) }
func (h harness) Recreate(_ *testing.T, topic string)               { h.broker.Recreate(topic) }
func (h harness) Elect(_ *testing.T, topic string)                  { h.broker.Elect(topic) }
