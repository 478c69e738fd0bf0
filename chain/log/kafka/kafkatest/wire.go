package kafkatest

import (
	"net"
	"sync"
	"time"
)

// wire is all connections of a cluster, on the side of the cluster.
type wire struct {
	mu         sync.Mutex
	conns      map[*tapped]struct{}
	swallowing bool
}

func newWire() *wire { return &wire{conns: map[*tapped]struct{}{}} }

func (w *wire) listen(network, address string) (net.Listener, error) {
	l, err := net.Listen(network, address)
	if err != nil {
		return nil, err
	}
	return &tap{l, w}, nil
}

// swallow drops all answers: requests take effect, but no answer reaches a client, as on a
// half-open connection.
func (w *wire) swallow() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.swallowing = true
}

// flow ends swallow for new connections. Those that swallowed stay dead.
func (w *wire) flow() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.swallowing = false
}

// cut closes every connection.
func (w *wire) cut() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for c := range w.conns {
		_ = c.Conn.Close() // its users get the error
	}
}

// sever drops all answers on the connections that exist, and closes them after a while.
func (w *wire) sever(after time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for c := range w.conns {
		c.dead = true
		time.AfterFunc(after, func() { _ = c.Conn.Close() }) // its users get the error
	}
}

// tap adds the connections of a listener to a wire.
type tap struct {
	net.Listener
	wire *wire
}

func (t *tap) Accept() (net.Conn, error) {
	raw, err := t.Listener.Accept()
	if err != nil {
		return nil, err
	}
	c := &tapped{Conn: raw, wire: t.wire}
	t.wire.mu.Lock()
	defer t.wire.mu.Unlock()
	t.wire.conns[c] = struct{}{}
	return c, nil
}

type tapped struct {
	net.Conn
	wire *wire
	dead bool // an answer was swallowed; guarded by the wire's mu
}

func (c *tapped) Write(b []byte) (int, error) {
	c.wire.mu.Lock()
	c.dead = c.dead || c.wire.swallowing
	dead := c.dead
	c.wire.mu.Unlock()
	if dead {
		return len(b), nil
	}
	return c.Conn.Write(b)
}

func (c *tapped) Close() error {
	c.wire.mu.Lock()
	delete(c.wire.conns, c)
	c.wire.mu.Unlock()
	return c.Conn.Close()
}
