package conn

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"
)

// When a client exceeds a quota, the broker's answer contains how long the client should
// wait before its next request. sarama waits that long, without reporting it, while holding
// the lock that Close needs. So a connection removes the time from the answer and waits
// itself, until then or until its gate is closed.

// throttles lists the answers that begin with the throttle time.
var throttles = map[operation]struct {
	from int // version
	tags int // version since which tags precede it
}{
	keyFetch: {1, 12}, keyListOffsets: {2, 6}, keyMetadata: {3, 9}, keyOffsetCommit: {3, 8}, keyOffsetFetch: {3, 6}, keyFindCoordinator: {1, 3},
	keyListGroups: {1, 3}, keyCreateTopics: {2, 5}, keyDeleteRecords: {0, 2}, keyInitProducerID: {0, 2}, keyDescribeConfigs: {0, 4},
}

const (
	sizeThrottle = 4
	sizeAnswer   = 4 + 4 // size, correlation
)

// throttleAt returns the position of the throttle time, in milliseconds, in an answer; false if the answer does not begin with it.
func throttleAt(o operation, version int) (at int, ok bool) {
	t, ok := throttles[o]
	switch {
	case !ok || version < t.from:
		return 0, false
	case version >= t.tags:
		return sizeAnswer + 1, true
	}
	return sizeAnswer, true
}

// receive reads from the connection, and extracts the throttle time from the beginning of an
// answer. It leaves one millisecond: sarama accepts an answer without a topic only if it is
// throttled.
func (c *conn) receive(b []byte) (int, error) {
	if !c.fresh.Swap(false) {
		return c.Conn.Read(b)
	}
	key := operation(c.asked.Load())
	at, ok := throttleAt(key, int(c.askedVersion.Load()))
	if !ok || len(b) < at+sizeThrottle {
		return c.Conn.Read(b)
	}
	n, err := io.ReadAtLeast(c.Conn, b, at+sizeThrottle)
	if errors.Is(err, io.ErrUnexpectedEOF) {
		err = io.EOF
	}
	if err != nil {
		return n, err
	}
	if ms := int32(binary.BigEndian.Uint32(b[at:])); ms > 1 {
		binary.BigEndian.PutUint32(b[at:], 1)
		d := time.Duration(ms) * time.Millisecond
		c.resume.Store(int64(time.Since(began) + d))
		c.gate.throttled(c.address, key, d)
	}
	return n, nil
}

// throttle waits as long as the broker has requested.
func (c *conn) throttle() error {
	at := time.Duration(c.resume.Load())
	d := at - time.Since(began)
	if at == 0 || d <= 0 {
		return nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-c.gate.done.Done():
		return ErrCut
	}
	return c.SetWriteDeadline(time.Now().Add(c.gate.config.WriteTimeout)) // the earlier one has expired
}

func (g *Gate) throttled(address string, o operation, d time.Duration) {
	g.paused.Store(true)
	if b := g.brokers(); b != nil {
		b.throttled(address, o, d)
	}
}

// target is an operation of a broker.
type target struct {
	address   string
	operation operation
}

// episode is a period in which a broker throttles this client, with at most slowAfter between two pauses.
type episode struct {
	sum, reported time.Duration // sum of the pauses
	timer         *time.Timer   // ends it
}

// throttled records a pause that a broker requests.
func (b *brokers) throttled(address string, o operation, d time.Duration) {
	if d <= 0 {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	q := target{address, o}
	e := b.episodes[q]
	if e == nil {
		e = &episode{}
		e.timer = time.AfterFunc(d+slowAfter, func() { b.relieved(q, e) })
		b.episodes[q] = e
	}
	e.timer.Reset(d + slowAfter)
	if e.sum += d; e.sum >= slowAfter {
		b.report(Wait{Broker: address, Operation: o.name(), Waited: e.sum, Longer: e.sum - e.reported, Throttled: true})
		e.reported = e.sum
	}
}

// relieved ends an episode.
func (b *brokers) relieved(q target, e *episode) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.episodes[q] != e {
		return
	}
	delete(b.episodes, q)
	if e.reported > 0 && !b.reported(q) {
		b.over(q.address, q.operation.name())
	}
}

// reported reports whether a wait or an episode that has not ended was reported. Called with mu held.
func (b *brokers) reported(q target) bool {
	for w := range b.waits {
		if w.reported > 0 && w.target() == q {
			return true
		}
	}
	e := b.episodes[q]
	return e != nil && e.reported > 0
}

// throttling describes the brokers that throttle this client, and which requests.
func (b *brokers) throttling() (texts []string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for q, e := range b.episodes {
		if e.reported > 0 {
			texts = append(texts, fmt.Sprintf("broker %s throttles %s by a quota, for %s so far", q.address, q.operation.name(), e.sum.Round(100*time.Millisecond)))
		}
	}
	slices.Sort(texts)
	return texts
}

func (w *wait) target() target { return target{w.address, w.operation} }
