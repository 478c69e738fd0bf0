package conn

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"
)

// Pools keeps the clients that the calls of many logs take turns to use, by the brokers of the logs. Logs that have the
// same Pools also have the same TLS and dial function. The zero value is not ready for use; see [NewPools].
type Pools struct {
	age time.Duration

	mu    sync.Mutex
	pools map[poolKey]*pool
}

// DefaultPoolAge is how long a client is used for calls, unless NewPools is given another time.
const DefaultPoolAge = 3 * time.Second

// NewPools returns pools whose clients, with their connections, are used for at most the given time: for that long,
// a certificate or password that the brokers no longer accept may still be in use. Zero means the default.
func NewPools(age time.Duration) *Pools {
	if age == 0 {
		age = DefaultPoolAge
	}
	return &Pools{age: age, pools: map[poolKey]*pool{}}
}

// poolKey is what the logs of a pool have in common.
type poolKey struct {
	brokers, client           string
	dial, read, write, pauses time.Duration
	sasl                      *SASL
}

// enter returns the pool of a log; nil, which keeps no client, for a log without pools.
func (p *Pools) enter(c Config) *pool {
	if p == nil {
		return nil
	}
	key := poolKey{strings.Join(slices.Sorted(slices.Values(c.Brokers)), ","), c.ClientID, c.DialTimeout, c.ReadTimeout, c.WriteTimeout, c.RetryBackoff, c.SASL}
	p.mu.Lock()
	defer p.mu.Unlock()
	found := p.pools[key]
	if found == nil {
		found = &pool{pools: p, key: key, turns: make(chan struct{}, maxTurns)}
		p.pools[key] = found
	}
	found.logs++
	return found
}

// leave is called once a log makes no more calls. The last one closes what is kept.
func (p *pool) leave() {
	if p == nil {
		return
	}
	p.pools.mu.Lock()
	p.logs--
	last := p.logs == 0
	if last {
		delete(p.pools.pools, p.key)
	}
	p.pools.mu.Unlock()
	if last {
		p.close()
	}
}

// pool keeps clients between the calls of logs with the same brokers. A call has its client for itself, so that no call
// waits for what another one has asked.
type pool struct {
	pools *Pools
	key   poolKey
	logs  int // guarded by the mu of pools

	turns chan struct{} // has a token for each turn

	mu      sync.Mutex
	kept    []*Client // not in use, the one used last at the end
	expires sync.WaitGroup
}

const (
	// maxTurns is how many calls go ahead at once. When a thousand channels start, the clients of those are used by the
	// others, which would otherwise open as many connections to each broker at once.
	maxTurns = 16
	// turnTimeout is how long a turn lasts, and how long a call waits for one: those before it may be waiting for a broker
	// that hangs.
	turnTimeout = time.Second
)

// turn is when a call goes ahead. The zero value is a call that goes ahead without one.
type turn struct {
	pool *pool
	end  *time.Timer
}

// await waits for a turn.
func (p *pool) await(ctx context.Context) turn {
	select {
	case p.turns <- struct{}{}:
		return p.begin()
	default:
	}
	timer := time.NewTimer(turnTimeout)
	defer timer.Stop()
	select {
	case p.turns <- struct{}{}:
		return p.begin()
	case <-timer.C:
	case <-ctx.Done():
	}
	return turn{}
}

// begin begins a turn whose token is in turns.
func (p *pool) begin() turn {
	return turn{p, time.AfterFunc(turnTimeout, func() { <-p.turns })}
}

// over ends a turn.
func (t turn) over() {
	if t.end != nil && t.end.Stop() {
		<-t.pool.turns
	}
}

// take returns the client that was used last; nil if none is kept.
func (p *pool) take() *Client {
	p.mu.Lock()
	defer p.mu.Unlock()
	for n := len(p.kept) - 1; n >= 0; n = len(p.kept) - 1 {
		c := p.kept[n]
		p.kept = p.kept[:n]
		if c.expiry.Stop() {
			p.expires.Done()
			c.Kept = true
			return c
		} // expire closes it
	}
	return nil
}

// keep keeps a client, and returns false if it is too old.
func (p *pool) keep(c *Client) bool {
	left := p.pools.age - time.Since(c.opened)
	if left <= 0 {
		return false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.kept = append(p.kept, c)
	p.expires.Add(1)
	c.expiry = time.AfterFunc(left, func() { p.expire(c) })
	return true
}

// expire closes a client that became too old while it was not in use.
func (p *pool) expire(c *Client) {
	defer p.expires.Done()
	p.mu.Lock()
	p.kept = slices.DeleteFunc(p.kept, func(k *Client) bool { return k == c })
	p.mu.Unlock()
	c.close()
}

// close closes the clients that are kept. No call is in flight, and none begins.
func (p *pool) close() {
	for c := p.take(); c != nil; c = p.take() {
		c.close()
	}
	p.expires.Wait()
}
