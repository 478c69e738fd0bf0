package conn

import (
	"encoding/binary"
	"sync"
	"time"
)

// unanswered is the requests on a connection that have not been answered. A broker works on them one at a time, so
// the oldest is watched, from when it is the oldest.
type unanswered struct {
	mu      sync.Mutex
	open    []request // oldest first
	watched *wait     // for the first of them; nil: none, or it is not watched

	// Where in an answer the next byte to be received is. Used by Read only.
	size  [4]byte
	sized int // bytes of size that were received
	left  int // bytes after those
}

// request is what is watched of a request.
type request struct {
	operation
	polls time.Duration // for which the broker may delay its answer
}

// add adds a request.
func (c *conn) add(r request) {
	u := &c.unanswered
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.open = append(u.open, r); len(u.open) == 1 {
		c.watch(r)
	}
}

// watch watches a request from now on. Called with mu held.
func (c *conn) watch(r request) {
	c.unanswered.watched = c.gate.beginPoll(c.address, r.operation, r.polls, c.leave)
}

// alone reports whether no request but the last is unanswered.
func (u *unanswered) alone() bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	return len(u.open) < 2
}

// follow finds where answers begin in what is received.
func (c *conn) follow(b []byte) {
	u := &c.unanswered
	for len(b) > 0 {
		if u.left == 0 && u.sized == 0 {
			c.begun()
		}
		n := min(u.left, len(b))
		if u.left -= n; n == 0 {
			n = copy(u.size[u.sized:], b)
			u.sized += n
		}
		if u.sized == len(u.size) {
			u.left, u.sized = int(binary.BigEndian.Uint32(u.size[:])), 0
		}
		b = b[n:]
	}
}

// begun removes the oldest request, since its answer begins.
func (c *conn) begun() {
	u := &c.unanswered
	u.mu.Lock()
	defer u.mu.Unlock()
	u.watched.done()
	u.watched = nil
	if u.open = u.open[min(1, len(u.open)):]; len(u.open) > 0 {
		c.watch(u.open[0])
	}
}

// end removes all requests: there will be no answer.
func (u *unanswered) end() {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.watched.end()
	u.watched, u.open = nil, nil
}
