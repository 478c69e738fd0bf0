package conn

import (
	"context"
	"errors"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// ErrCut is returned by a dial, or a request, after its [Gate] was closed.
var ErrCut = errors.New("client is closed")

// Gate dials for one sarama client and can close all of its connections at once.
// sarama cannot cancel a call in flight; without connections, and with no pause between
// attempts, every call of the client returns by itself.
type Gate struct {
	// Produced is set once a byte of a produce request may have been sent; the sender resets it.
	Produced atomic.Bool

	config Config
	done   context.Context // ends when the gate is closed
	cut    context.CancelFunc
	errand atomic.Pointer[Errand] // nil: waits are not watched
	busy   atomic.Int32           // waits that have not ended
	paused atomic.Bool            // a broker has asked for a pause

	mu    sync.Mutex
	conns map[net.Conn]struct{} // as dialed
	slow  string                // the waits when it was closed
}

// Errand is what the client of a gate is used for.
type Errand struct {
	// OneBrokerOnly: only a certain broker other than the leader can answer: requests are not abandoned.
	OneBrokerOnly bool
	// AnyBroker: another broker is asked when one does not answer: that one is abandoned soon.
	AnyBroker bool

	brokers *brokers // of the log; nil: waits are not watched
	except  string   // a broker that first does not ask; empty for none
	aside   bool     // waits are not watched
}

// Gate returns a gate for one client.
func (c *Cluster) Gate() *Gate {
	done, cut := context.WithCancel(context.Background())
	g := &Gate{config: c.config, done: done, cut: cut, conns: map[net.Conn]struct{}{}}
	g.run(c, Errand{})
	return g
}

// run has the client make its next requests for a log.
func (g *Gate) run(c *Cluster, e Errand) {
	e.brokers = c.brokers
	g.errand.Store(&e)
}

// brokers returns what the log that the client is used for knows of the brokers; nil if there is none.
func (g *Gate) brokers() *brokers {
	if e := g.errand.Load(); e != nil {
		return e.brokers
	}
	return nil
}

// Dial opens a connection unless the gate is closed. sarama calls it for a broker that
// another one has reported, or for anyBroker.
func (g *Gate) Dial(_, address string) (net.Conn, error) {
	if address == anyBroker {
		var err error
		if address, err = g.first(); err != nil {
			return nil, err
		}
	}
	g.brokers().add(address)
	c, err := g.connect(g.done, address)
	if err != nil {
		return nil, err // and not a nil *conn in an interface
	}
	return c, nil
}

// connect opens a connection to one broker.
func (g *Gate) connect(ctx context.Context, address string) (*conn, error) {
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
		return nil, silent(g.silence(address, connecting, g.config.DialTimeout, err))
	}
	return nil, err
}

// begin watches an operation of a broker; cut ends it.
func (g *Gate) begin(address string, o operation, cut func(error)) *wait {
	return g.beginPoll(address, o, 0, cut)
}

// beginPoll is begin for an operation whose answer the broker may delay.
func (g *Gate) beginPoll(address string, o operation, polls time.Duration, cut func(error)) *wait {
	e := g.errand.Load()
	if e == nil || e.brokers == nil || e.aside {
		return nil
	}
	return e.brokers.begin(&wait{address: address, operation: o, polls: polls, cut: cut, oneBrokerOnly: e.OneBrokerOnly, anyBroker: e.AnyBroker, busy: &g.busy})
}

// silence returns the error for a broker that has exceeded a time limit.
func (g *Gate) silence(address string, o operation, limit time.Duration, cause error) *silence {
	if b := g.brokers(); b != nil {
		b.hangs(address)
	}
	return &silence{broker: address, what: o, waited: limit, cause: cause}
}

func (g *Gate) open(ctx context.Context, address string) (*conn, error) {
	ctx, cancel := context.WithTimeout(ctx, g.config.DialTimeout)
	defer cancel()
	raw, err := g.config.Dial(ctx, "tcp", address)
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
		return nil, ErrCut
	}
	g.conns[raw] = struct{}{}
	ready := &conn{Conn: &pacer{Conn: c}, raw: raw, gate: g, address: address}
	ready.used.Store(int64(time.Since(began)))
	return ready, nil
}

func (g *Gate) forget(raw net.Conn) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.conns, raw)
}

// occupied reports whether the next request may have to wait for more than its own answer: for that of an earlier one, or until
// a pause that a broker has asked for is over.
func (g *Gate) occupied() bool { return g.Closed() || g.busy.Load() > 0 || g.paused.Load() }

// Close closes every connection and refuses new ones. Idempotent.
func (g *Gate) Close() {
	slow := g.brokers().slow()
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

// Waited describes the waits at the time when the gate was closed; empty for none.
func (g *Gate) Waited() string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.slow
}

// Done returns a context that ends when the gate is closed.
func (g *Gate) Done() context.Context { return g.done }

// Closed reports whether the gate is closed.
func (g *Gate) Closed() bool { return g.done.Err() != nil }

// Pause returns the pause between attempts: none once the gate is closed.
func (g *Gate) Pause(d time.Duration) time.Duration {
	if g.done.Err() != nil {
		return 0
	}
	return d
}
