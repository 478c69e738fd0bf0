package conn

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// street is a row of brokers that answer after a while, or never, or fail at once.
type street struct {
	after map[string]time.Duration // negative: never
	began time.Time

	mu    sync.Mutex
	asked []string // in order, with the time
}

func (s *street) dial(ctx context.Context, _, address string) (net.Conn, error) {
	s.mu.Lock()
	s.asked = append(s.asked, fmt.Sprintf("%s at %s", address, time.Since(s.began)))
	s.mu.Unlock()
	while, ok := s.after[address]
	if !ok {
		return nil, errors.New(address + " refuses")
	}
	near, far := net.Pipe()
	go s.serve(far, while)
	return near, nil
}

// serve answers any request with an empty answer.
func (s *street) serve(c net.Conn, while time.Duration) {
	defer c.Close()
	for {
		size := make([]byte, 4)
		if _, err := io.ReadFull(c, size); err != nil {
			return
		}
		if _, err := io.CopyN(io.Discard, c, int64(binary.BigEndian.Uint32(size))); err != nil {
			return
		}
		if while < 0 {
			continue
		}
		time.Sleep(while)
		if _, err := c.Write([]byte("\x00\x00\x00\x06\x00\x00\x00\x00\x00\x00")); err != nil {
			return
		}
	}
}

// run returns the first broker that answers, or the error.
func (s *street) run(t *testing.T, c *Cluster) string {
	t.Helper()
	g := c.Gate()
	defer g.Close()
	s.began, s.asked = time.Now(), nil
	address, err := g.first()
	if err != nil {
		return err.Error()
	}
	return address
}

func (s *street) cluster(brokers ...string) *Cluster {
	c := Open(Config{Brokers: brokers, DialTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second, WriteTimeout: 10 * time.Second, Dial: s.dial}, "topic")
	c.brokers.all = brokers                                                   // not shuffled
	c.brokers.leader = func(string) (string, error) { return "", errNoOther } // sarama holds locks, which stop the clock of a bubble
	return c
}

// The brokers are asked in order, and no faster than necessary.
func TestFirstBrokerThatAnswers(t *testing.T) {
	const never = -1
	for name, test := range map[string]struct {
		after  map[string]time.Duration
		first  string
		asked  string
		second string // asked in the next race
	}{
		"all are healthy":   {map[string]time.Duration{"a:1": 0, "b:1": 0, "c:1": 0}, "a:1", "a:1 at 0s", "a:1 at 0s"},
		"the first hangs":   {map[string]time.Duration{"a:1": never, "b:1": 0, "c:1": 0}, "b:1", "a:1 at 0s, b:1 at 300ms", "b:1 at 0s"},
		"the first fails":   {map[string]time.Duration{"b:1": 0, "c:1": 0}, "b:1", "a:1 at 0s, b:1 at 0s", "b:1 at 0s"},
		"two hang":          {map[string]time.Duration{"a:1": never, "b:1": never, "c:1": 0}, "c:1", "a:1 at 0s, b:1 at 300ms, c:1 at 600ms", "c:1 at 0s"},
		"the first is late": {map[string]time.Duration{"a:1": 400 * time.Millisecond, "b:1": time.Second, "c:1": time.Second}, "a:1", "a:1 at 0s, b:1 at 300ms", "a:1 at 0s, b:1 at 300ms"},
		"all are late":      {map[string]time.Duration{"a:1": 6 * time.Second, "b:1": 5 * time.Second, "c:1": 9 * time.Second}, "b:1", "a:1 at 0s, b:1 at 300ms, c:1 at 600ms", "b:1 at 0s, a:1 at 300ms, c:1 at 600ms"},
		"none is healthy":   {map[string]time.Duration{}, "a:1 refuses\nb:1 refuses\nc:1 refuses", "a:1 at 0s, b:1 at 0s, c:1 at 0s", "a:1 at 0s, b:1 at 0s, c:1 at 0s"},
		"one refuses, two hang": {map[string]time.Duration{"b:1": never, "c:1": never}, "a:1 refuses\nApiVersions to broker b:1: no answer for 10s\nApiVersions to broker c:1: no answer for 10s",
			"a:1 at 0s, b:1 at 0s, c:1 at 300ms", "a:1 at 0s, b:1 at 0s, c:1 at 300ms"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &street{after: test.after}
				c := s.cluster("a:1", "b:1", "c:1")
				defer time.Sleep(time.Minute) // the brokers return
				defer c.Close()
				if got := s.run(t, c); got != test.first {
					t.Errorf("got %q, want %q", got, test.first)
				}
				if asked := strings.Join(s.asked, ", "); asked != test.asked {
					t.Errorf("asked %s, want %s", asked, test.asked)
				}
				s.run(t, c)
				if asked := strings.Join(s.asked, ", "); asked != test.second {
					t.Errorf("then asked %s, want %s", asked, test.second)
				}
			})
		})
	}
}

// A wait is reported and rechecked. It ends once another broker is the leader; the slow broker is then asked
// last, and abandoned sooner, until it answers.
func TestWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		b := newBrokers(Config{Brokers: []string{"a:1", "b:1"}})
		elected := began.Add(5500 * time.Millisecond)
		b.leader = func(string) (string, error) {
			if time.Now().Before(elected) {
				return "a:1", nil
			}
			return "b:1", nil
		}
		sums := map[string]time.Duration{}
		b.report = func(w Wait) { sums[w.Broker+" "+w.Operation] += w.Longer }
		cut := make(chan error, 1)
		b.begin(&wait{address: "a:1", operation: keyProduce, cut: func(err error) { cut <- err }})
		if err := <-cut; err.Error() != "Produce to broker a:1: no answer for 6s" || sums["a:1 Produce"] != 6*time.Second {
			t.Errorf("%v, reported %v", err, sums)
		}
		if order := b.order(""); !slices.Equal(order, []string{"b:1", "a:1"}) {
			t.Errorf("order %v", order)
		}
		again := time.Now()
		w := b.begin(&wait{address: "a:1", operation: connecting, cut: func(err error) { cut <- err }})
		if err := <-cut; err == nil || time.Since(again) != stagger || sums["a:1 connect"] != stagger {
			t.Errorf("abandoned after %s: %v, reported %v", time.Since(again), err, sums)
		}
		w.done()
		if b.hung["a:1"] {
			t.Error("it has answered")
		}
	})
}

// Requests that only a coordinator or the controller can answer are not abandoned.
func TestRequestOfOneBrokerOnlyIsKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBrokers(Config{})
		b.leader = func(string) (string, error) { return "another:1", nil }
		cut := make(chan error, 1)
		w := b.begin(&wait{address: "a:1", operation: keyOffsetCommit, oneBrokerOnly: true, cut: func(err error) { cut <- err }})
		time.Sleep(time.Minute)
		w.end()
		w = b.begin(&wait{address: "a:1", operation: keyFindCoordinator, oneBrokerOnly: true, cut: func(err error) { cut <- err }})
		time.Sleep(slowAfter + time.Second)
		w.end()
		if len(cut) != 1 {
			t.Errorf("%d were ended, want only the request that every broker can answer", len(cut))
		}
	})
}

// An answer arrives while another leader is looked up: its connection is kept.
func TestAnswerDuringRecheck(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBrokers(Config{})
		b.leader = func(string) (string, error) {
			time.Sleep(time.Second)
			return "another:1", nil
		}
		w := b.begin(&wait{address: "a:1", operation: keyFetch, cut: func(err error) { t.Error(err) }})
		time.Sleep(slowAfter + time.Second/2)
		w.done()
		time.Sleep(time.Minute)
		if b.hung["a:1"] {
			t.Error("it has answered")
		}
	})
}

// A request that is quickly sent to another broker does not mark a slightly late broker as hanging.
func TestRequestOfAnyBrokerIsAbandonedSoon(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBrokers(Config{})
		b.leader = func(string) (string, error) { return "another:1", nil }
		b.report = func(Wait) { t.Error("reported") }
		cut := make(chan error, 1)
		began := time.Now()
		b.begin(&wait{address: "a:1", operation: keyMetadata, anyBroker: true, cut: func(err error) { cut <- err }})
		if err := <-cut; err == nil || time.Since(began) != stagger || b.hung["a:1"] {
			t.Errorf("abandoned after %s, hangs: %v: %v", time.Since(began), b.hung["a:1"], err)
		}
	})
}

// A topic is reported as stalled after its leader was slow for 5 s, and the report does not change back and
// forth while the leader is slow each time.
func TestStalled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := Open(Config{Brokers: []string{"a:1"}}, "topic")
		defer c.Close()
		c.brokers.leader = func(string) (string, error) { return "a:1", nil }
		ask := func(o operation, takes time.Duration) {
			w := c.brokers.begin(&wait{address: "a:1", operation: o, cut: func(err error) { t.Error(err) }})
			time.Sleep(takes)
			w.done()
		}
		ask(keyMetadata, time.Second)
		ask(keyFetch, stalledAfter-time.Second)
		if c.Stalled() {
			t.Error("stalled although the answers were in time")
		}
		for range 3 {
			ask(keyFetch, stalledAfter+time.Second)
			if !c.Stalled() {
				t.Error("not stalled after a fetch that waited")
			}
			ask(keyFetch, stallLasts/2)
		}
		time.Sleep(stallLasts)
		if c.Stalled() {
			t.Error("stalled after stallLasts")
		}
		w := c.brokers.begin(&wait{address: "a:1", operation: keyProduce, cut: func(err error) { t.Error(err) }})
		defer w.end()
		time.Sleep(stalledAfter)
		if !c.Stalled() {
			t.Error("not stalled while an append waits")
		}
	})
}

// A report ends with the last wait for the same operation of a broker.
func TestReportEndsWithLastWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var reports []string
		b := newBrokers(Config{
			Waiting: func(w Wait) {
				reports = append(reports, fmt.Sprint(w.Operation, " ", w.Waited, " ", w.Longer, " ", w.Throttled))
			},
			Answered: func(broker, operation string) { reports = append(reports, operation+" answered") },
		})
		b.leader = func(string) (string, error) { return "a:1", nil }
		cut := func(err error) { t.Error(err) }
		first := b.begin(&wait{address: "a:1", operation: keyFetch, cut: cut})
		second := b.begin(&wait{address: "a:1", operation: keyFetch, cut: cut})
		time.Sleep(slowAfter + time.Second/2)
		first.done()
		second.end()
		b.throttled("a:1", keyFetch, time.Second)
		time.Sleep(time.Second)
		b.throttled("a:1", keyFetch, time.Second)
		time.Sleep(time.Second + slowAfter + time.Millisecond)
		b.throttled("a:1", keyFetch, time.Second)
		want := "Fetch 2s 2s false, Fetch 2s 2s false, Fetch answered, Fetch 2s 2s true, Fetch answered"
		if got := strings.Join(reports, ", "); got != want {
			t.Errorf("reported %s, want %s", got, want)
		}
		time.Sleep(time.Minute)
	})
}

// A broker is not slow while it holds a fetch. One that hangs is reported soon after.
func TestPolls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var reported []Wait
		b := newBrokers(Config{Waiting: func(w Wait) { reported = append(reported, w) }})
		b.leader = func(string) (string, error) { return "a:1", nil }
		cut := func(err error) { t.Error(err) }
		w := b.begin(&wait{address: "a:1", operation: keyFetch, polls: LongestPoll, cut: cut})
		time.Sleep(LongestPoll)
		w.done()
		w = b.begin(&wait{address: "a:1", operation: keyFetch, polls: LongestPoll, cut: cut})
		time.Sleep(LongestPoll + time.Second/4)
		synctest.Wait()
		if len(reported) > 0 || b.slow() != "" {
			t.Errorf("reported %v, %s", reported, b.slow())
		}
		time.Sleep(time.Second / 2)
		synctest.Wait()
		if len(reported) != 1 || reported[0].Waited != slowAfter {
			t.Errorf("reported %v", reported)
		}
		w.end()
	})
}

// A fetch that a broker may hold for longer is ended once another request to that broker is, because another one leads.
func TestPollsEndWithOtherRequests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBrokers(Config{})
		b.leader = func(string) (string, error) { return "b:1", nil }
		began, ended := time.Now(), map[operation]time.Duration{}
		for o, polls := range map[operation]time.Duration{keyFetch: LongestPoll, keyProduce: 0} {
			w := &wait{address: "a:1", operation: o, polls: polls}
			w.cut = func(error) {
				ended[o] = time.Since(began)
				w.end()
			}
			b.begin(w)
		}
		other := b.begin(&wait{address: "c:1", operation: keyFetch, polls: LongestPoll, cut: func(error) { t.Error("of another broker") }})
		time.Sleep(slowAfter)
		synctest.Wait()
		if ended[keyProduce] != slowAfter || ended[keyFetch] != slowAfter {
			t.Errorf("ended after %v", ended)
		}
		other.end()
	})
}
