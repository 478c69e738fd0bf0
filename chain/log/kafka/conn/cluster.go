package conn

import (
	"context"
	"sync"
	"time"

	"github.com/fabric-kafka/orderer/chain/log"
)

// Cluster is what the clients of a log share: how to connect, which brokers answer, and
// whether the log is still open. It is safe for concurrent use.
type Cluster struct {
	config  Config
	topic   string
	brokers *brokers
	pool    *clients // nil: clients are not kept

	done context.Context // ends when the cluster is closed
	stop context.CancelFunc

	mu     sync.Mutex
	closed bool
	users  sync.WaitGroup
	gone   sync.Once // has left its pool
}

// Open returns the cluster that has a topic. It does no network I/O.
func Open(c Config, topic string) *Cluster {
	done, stop := context.WithCancel(context.Background())
	cluster := &Cluster{config: c.withDefaults(), topic: topic, brokers: newBrokers(c), pool: c.Pools.enter(c), done: done, stop: stop}
	cluster.brokers.leader, cluster.brokers.probe = cluster.leaderFromOthers, cluster.probeOthers
	return cluster
}

// Enter registers a user, or returns log.ErrClosed. The user calls Leave once it has no
// connection left.
func (c *Cluster) Enter() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return log.ErrClosed
	}
	c.users.Add(1)
	return nil
}

// Go runs f as another user. The caller is a user itself, so f is run in any case.
func (c *Cluster) Go(f func()) { c.users.Go(f) }

// Leave ends what Enter began.
func (c *Cluster) Leave() { c.users.Done() }

// MaxIdle is how long a connection may be idle before no batch is sent on it.
func (c *Cluster) MaxIdle() time.Duration { return c.config.MaxIdle }

// Done returns a context that ends when the cluster is closed: its users then leave.
func (c *Cluster) Done() context.Context { return c.done }

// Close ends Done, and returns once every user has left. Idempotent.
func (c *Cluster) Close() {
	c.mu.Lock()
	c.closed = true
	c.mu.Unlock()
	c.stop()
	c.users.Wait()
	c.gone.Do(c.pool.leave)
}

// Slow describes the brokers that have not answered a request for 2 s, and those that
// throttle this client; empty for none. It makes no request.
func (c *Cluster) Slow() string { return c.brokers.slow() }

// Stalled reports whether records are waiting for the leader of the topic: it has not answered a Fetch or
// Produce for 5 s, or was that slow within the last 10 s, so that a slow leader does not make the
// status change back and forth.
func (c *Cluster) Stalled() bool { return c.brokers.isStalled() }

// Throttled records a pause that a broker requested after a batch: a connection does not see
// it, since the answer to Produce ends with it.
func (c *Cluster) Throttled(address string, pause time.Duration) {
	c.brokers.throttled(address, keyProduce, pause)
}
