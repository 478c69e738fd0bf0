package producer

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/fabric-kafka/orderer/chain/log/kafka/client"
)

// A record is sent at once, unless so many arrive that others would join it within the linger.
func TestOnlyACrowdLingers(t *testing.T) {
	for _, c := range []struct {
		entries int
		over    time.Duration
		waits   bool
	}{
		{0, 0, false}, // the first
		{1, time.Second, false},
		{2, time.Second, true},
		{3, 2 * time.Second, false}, // they shared a batch because it took so long
		{4, 2 * time.Second, true},
		{1, time.Second / 5, true},
		{1000, time.Hour, false}, // after an idle time
	} {
		synctest.Test(t, func(t *testing.T) {
			topic := client.Open(client.Config{}, "topic")
			defer topic.Cluster.Close()
			p := newProducer(NewQueue(topic, time.Second))
			if c.entries > 0 {
				p.pace.taken(1)
				time.Sleep(c.over)
				p.pace.taken(c.entries)
			}
			p.queue.put(&entry{since: time.Now()})
			if got, d := p.due(); (got == others) != c.waits || c.waits && d != time.Second {
				t.Errorf("after %d records in %s, a record waits %s", c.entries, c.over, d)
			}
		})
	}
}

// A second batch leaves once the linger is over, and others only if the answers are late, up to as many as a broker recognizes.
func TestWhenTheNextBatchLeaves(t *testing.T) {
	const linger = time.Millisecond
	for _, c := range []struct {
		inFlight int
		since    time.Duration // the last one left
		want     cause
		after    time.Duration
	}{
		{1, 0, others, linger},
		{1, linger, nothing, 0},
		{2, 0, others, late},
		{2, linger, others, late - linger},
		{2, late, nothing, 0},
		{4, late, nothing, 0},
		{5, late, anAnswer, 0},
		{5, time.Hour, anAnswer, 0},
	} {
		synctest.Test(t, func(t *testing.T) {
			topic := client.Open(client.Config{}, "topic")
			defer topic.Cluster.Close()
			p := newProducer(NewQueue(topic, linger))
			p.session = newSession(topic)
			defer p.session.close()
			p.session.id = 1
			p.flight = make([]*delivery, c.inFlight)
			time.Sleep(time.Hour) // no broker has asked for a pause
			p.pace.taken(1)
			time.Sleep(c.since)
			p.queue.put(&entry{since: time.Now()})
			if got, d := p.due(); got != c.want || d != c.after {
				t.Errorf("with %d in flight, %s after the last: cause %d in %s, want %d in %s", c.inFlight, c.since, got, d, c.want, c.after)
			}
		})
	}
}
