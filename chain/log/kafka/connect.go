package kafka

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// errCut is returned by a dial after its gate was closed.
var errCut = errors.New("client is closed")

// gate dials for one sarama client and can close all of its connections at once.
// sarama cannot cancel a call in flight; without connections, and with no pause between
// attempts, every call of the client returns by itself.
type gate struct {
	dial    func(ctx context.Context, network, address string) (net.Conn, error)
	timeout time.Duration // of a connection, with its TLS handshake
	read    time.Duration // of a response
	write   time.Duration // of a part of a request
	tls     func() (*tls.Config, error)
	sasl    *SASL
	done    context.Context // ends when the gate is closed
	cut     context.CancelFunc

	brokers *brokers // nil: waits are not watched
	except  string   // a broker that first does not ask; empty for none
	aside   bool     // waits are not watched
	patient bool     // see wait
	hasty   bool     // see wait

	produced atomic.Bool // a byte of a produce request may have been sent since it was last set to false

	mu    sync.Mutex
	conns map[net.Conn]struct{} // as dialed
	slow  string                // the waits when it was closed
}

func (l *Log) newGate() *gate {
	c := l.config
	done, cut := context.WithCancel(context.Background())
	return &gate{dial: c.dial, timeout: c.DialTimeout, read: c.ReadTimeout, write: c.WriteTimeout, tls: c.TLS, sasl: c.SASL, brokers: l.brokers,
		done: done, cut: cut, conns: map[net.Conn]struct{}{}}
}

// Dial opens a connection unless the gate is closed. sarama calls it for a broker that
// another one has reported, or for anyBroker.
func (g *gate) Dial(_, address string) (net.Conn, error) {
	if address == anyBroker {
		var err error
		if address, err = g.first(); err != nil {
			return nil, err
		}
	}
	g.brokers.add(address)
	c, err := g.connect(g.done, address)
	if err != nil {
		return nil, err // and not a nil *conn in an interface
	}
	return c, nil
}

// connect opens a connection to one broker.
func (g *gate) connect(ctx context.Context, address string) (*conn, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	w := g.begin(address, connecting, cancel)
	defer w.end() // accepting a connection does not mean that it answers
	c, err := g.open(ctx, address)
	var s *silence
	switch {
	case err == nil:
		return c, nil
	case errors.As(context.Cause(ctx), &s):
		return nil, silent(s)
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded):
		return nil, silent(g.silence(address, connecting, g.timeout, err))
	}
	return nil, err
}

// begin watches an operation of a broker; cut ends it.
func (g *gate) begin(address string, o operation, cut func(error)) *wait {
	if g.brokers == nil || g.aside {
		return nil
	}
	return g.brokers.begin(&wait{address: address, operation: o, cut: cut, patient: g.patient, hasty: g.hasty})
}

// silence returns the error for a broker that has exceeded a time limit.
func (g *gate) silence(address string, o operation, limit time.Duration, cause error) *silence {
	if g.brokers != nil {
		g.brokers.hangs(address)
	}
	return &silence{broker: address, what: o, waited: limit, cause: cause}
}

func (g *gate) open(ctx context.Context, address string) (*conn, error) {
	ctx, cancel := context.WithTimeout(ctx, g.timeout)
	defer cancel()
	raw, err := g.dial(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	c, err := g.encrypt(ctx, paced(raw), address)
	if err != nil {
		_ = raw.Close() // never used
		return nil, err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.done.Err() != nil {
		_ = raw.Close() // never used
		return nil, errCut
	}
	g.conns[raw] = struct{}{}
	ready := &conn{Conn: &pacer{Conn: c}, raw: raw, gate: g, address: address}
	ready.used.Store(int64(time.Since(began)))
	return ready, nil
}

func (g *gate) forget(raw net.Conn) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.conns, raw)
}

// close closes every connection and refuses new ones. Idempotent.
func (g *gate) close() {
	slow := g.brokers.slow()
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.done.Err() == nil {
		g.slow = slow
	}
	g.cut()
	for c := range g.conns {
		_ = c.Close() // its user gets the error
	}
	clear(g.conns)
}

// waited describes the waits at the time when the gate was closed; empty for none.
func (g *gate) waited() string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.slow
}

// pause returns the back-off between attempts: none once the gate is closed.
func (g *gate) pause(d time.Duration) time.Duration {
	if g.done.Err() != nil {
		return 0
	}
	return d
}
