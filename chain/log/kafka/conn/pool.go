package conn

import (
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/fabric-kafka/orderer/chain/log/kafka/pool"
)

// Pools keeps the clients that the calls of many logs take turns to use, by the brokers of the logs. Logs that have the
// same Pools also have the same TLS and dial function. The zero value is not ready for use; see [NewPools].
type Pools struct {
	age time.Duration

	mu    sync.Mutex
	pools map[poolKey]*clients
}

// DefaultPoolAge is how long a client is used for calls, unless NewPools is given another time.
const DefaultPoolAge = 3 * time.Second

// NewPools returns pools whose clients, with their connections, are used for at most the given time: for that long,
// a certificate or password that the brokers no longer accept may still be in use. Zero means the default.
func NewPools(age time.Duration) *Pools {
	if age == 0 {
		age = DefaultPoolAge
	}
	return &Pools{age: age, pools: map[poolKey]*clients{}}
}

// poolKey is what the logs of a pool have in common.
type poolKey struct {
	brokers, client           string
	dial, read, write, pauses time.Duration
	sasl                      *SASL
}

// clients is the pool of the logs with the same brokers.
type clients struct {
	*pool.Pool[*Client]
	pools *Pools
	key   poolKey
	logs  int // guarded by the mu of pools
}

// enter returns the pool of a log; nil, which keeps no client, for a log without pools.
func (p *Pools) enter(c Config) *clients {
	if p == nil {
		return nil
	}
	key := poolKey{strings.Join(slices.Sorted(slices.Values(c.Brokers)), ","), c.ClientID, c.DialTimeout, c.ReadTimeout, c.WriteTimeout, c.RetryBackoff, c.SASL}
	p.mu.Lock()
	defer p.mu.Unlock()
	found := p.pools[key]
	if found == nil {
		found = &clients{Pool: pool.New[*Client](p.age), pools: p, key: key}
		p.pools[key] = found
	}
	found.logs++
	return found
}

// leave is called once a log makes no more calls. The last one closes what is kept.
func (c *clients) leave() {
	if c == nil {
		return
	}
	c.pools.mu.Lock()
	c.logs--
	last := c.logs == 0
	if last {
		delete(c.pools.pools, c.key)
	}
	c.pools.mu.Unlock()
	if last {
		c.Close()
	}
}
