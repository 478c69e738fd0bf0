package kafka

import (
	"context"
	"errors"
	"net"
	"sync"
	"time"
)

// errCut is what a dial meets after its gate was closed.
var errCut = errors.New("client is closed")

// gate dials for one sarama client and can cut all of its connections at once.
// sarama has no way to end a call in flight; without its connections and with
// no pause between attempts, every call of the client ends by itself.
type gate struct {
	dialer net.Dialer
	done   context.Context // ends when the gate is closed
	cut    context.CancelFunc

	mu    sync.Mutex
	conns map[net.Conn]struct{}
}

func newGate(timeout time.Duration) *gate {
	done, cut := context.WithCancel(context.Background())
	return &gate{
		dialer: net.Dialer{Timeout: timeout, KeepAlive: 30 * time.Second},
		done:   done,
		cut:    cut,
		conns:  map[net.Conn]struct{}{},
	}
}

// Dial opens a connection unless the gate is closed.
func (g *gate) Dial(network, address string) (net.Conn, error) {
	c, err := g.dialer.DialContext(g.done, network, address)
	if err != nil {
		return nil, err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.done.Err() != nil {
		_ = c.Close() // never used
		return nil, errCut
	}
	g.conns[c] = struct{}{}
	return &gated{c, g}, nil
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

// gated forgets its connection when it is closed.
type gated struct {
	net.Conn
	gate *gate
}

func (c *gated) Close() error {
	c.gate.mu.Lock()
	delete(c.gate.conns, c.Conn)
	c.gate.mu.Unlock()
	return c.Conn.Close()
}
