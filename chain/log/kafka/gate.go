package kafka

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// errCut is what a dial meets after its gate was closed.
var errCut = errors.New("client is closed")

// gate dials for one sarama client and can cut all of its connections at once.
// sarama has no way to end a call in flight; without its connections and with
// no pause between attempts, every call of the client ends by itself.
type gate struct {
	timeout time.Duration // of a connection, with its TLS handshake
	tls     func() (*tls.Config, error)
	sasl    *SASL
	done    context.Context // ends when the gate is closed
	cut     context.CancelFunc

	produced atomic.Bool // a byte of a produce request may have left, since it was last set to false

	mu    sync.Mutex
	conns map[net.Conn]struct{} // as they were dialled
}

func (c Config) newGate() *gate {
	done, cut := context.WithCancel(context.Background())
	return &gate{timeout: c.DialTimeout, tls: c.TLS, sasl: c.SASL, done: done, cut: cut, conns: map[net.Conn]struct{}{}}
}

// Dial opens a connection unless the gate is closed.
func (g *gate) Dial(network, address string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(g.done, g.timeout)
	defer cancel()
	dialer := net.Dialer{KeepAlive: 30 * time.Second}
	raw, err := dialer.DialContext(ctx, network, address)
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
	ready := &conn{Conn: &pacer{Conn: c}, raw: raw, gate: g}
	ready.used.Store(int64(time.Since(began)))
	return ready, nil
}

func (g *gate) forget(raw net.Conn) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.conns, raw)
}

// close cuts every connection and refuses new ones. Idempotent.
func (g *gate) close() {
	g.cut()
	g.mu.Lock()
	defer g.mu.Unlock()
	for c := range g.conns {
		_ = c.Close() // its user meets the error
	}
	clear(g.conns)
}

// pause returns the back-off between attempts: none once the gate is closed.
func (g *gate) pause(d time.Duration) time.Duration {
	if g.done.Err() != nil {
		return 0
	}
	return d
}
