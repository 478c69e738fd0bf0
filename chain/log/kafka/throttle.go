package kafka

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"
)

// A broker over whose quota a client is says in an answer how long the client is to wait
// before its next request. sarama waits, however long that is, while it holds the lock
// that Close needs, and nobody knows. So a connection takes the time out of the answer
// and waits itself: until then, or until its gate is closed.

// throttles are the answers that begin with that time.
var throttles = map[operation]struct {
	from int // version
	tags int // version from which there are tags before it
}{
	keyFetch: {1, 12}, keyListOffsets: {2, 6}, keyMetadata: {3, 9}, keyOffsetCommit: {3, 8}, keyOffsetFetch: {3, 6}, keyFindCoordinator: {1, 3},
	keyListGroups: {1, 3}, keyCreateTopics: {2, 5}, keyDeleteRecords: {0, 2}, keyInitProducerID: {0, 2}, keyDescribeConfigs: {0, 4},
}

const (
	sizeThrottle = 4
	sizeAnswer   = 4 + 4 // size, correlation
)

// throttleAt returns where in an answer the time is, in milliseconds; false if it is not at its beginning.
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

// receive reads, and takes from the beginning of an answer how long the broker throttles
// this client. sarama is left a millisecond: an answer without a topic is no fault if
// it is throttled.
func (c *conn) receive(b []byte) (int, error) {
	if !c.fresh.Swap(false) {
		return c.Conn.Read(b)
	}
	key := operation(c.asked.Load())
	at, ok := throttleAt(key, int(c.speaks.Load()))
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

// rest waits as long as the broker has asked for.
func (c *conn) rest() error {
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
		return errCut
	}
	return c.SetWriteDeadline(time.Now().Add(c.gate.write)) // the one that was set is over
}

func (g *gate) throttled(address string, o operation, d time.Duration) {
	if g.brokers != nil {
		g.brokers.throttled(address, o, d)
	}
}

// question is what is asked of a broker.
type question struct {
	address   string
	operation operation
}

// episode is a time in which a broker throttles this client, with no more than slowAfter between two pauses.
type episode struct {
	sum, reported time.Duration // of the pauses
	timer         *time.Timer   // ends it
}

// throttled takes note of a pause that a broker asks for.
func (b *brokers) throttled(address string, o operation, d time.Duration) {
	if d <= 0 {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	q := question{address, o}
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
func (b *brokers) relieved(q question, e *episode) {
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

// reported reports whether a wait for an answer was, that lasts. Called with mu held.
func (b *brokers) reported(q question) bool {
	for w := range b.waits {
		if w.reported > 0 && w.question() == q {
			return true
		}
	}
	e := b.episodes[q]
	return e != nil && e.reported > 0
}

// throttling names the brokers that throttle this client, and what.
func (b *brokers) throttling() (said []string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for q, e := range b.episodes {
		if e.reported > 0 {
			said = append(said, fmt.Sprintf("broker %s throttles %s by a quota, for %s so far", q.address, q.operation.name(), e.sum.Round(100*time.Millisecond)))
		}
	}
	slices.Sort(said)
	return said
}

func (w *wait) question() question { return question{w.address, w.operation} }
