package conn

import (
	"context"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// anyBroker is the address that sarama is given instead of the configured brokers. A
// [Gate] connects it to the first broker that answers; see [Gate.first]. So whenever a
// client has no broker left, the next one is chosen here and not by sarama, which picks
// one at random and waits for it.
const anyBroker = "any-broker:9092"

const (
	// stagger is how long a broker has to answer before another is asked concurrently.
	stagger = 300 * time.Millisecond
	// slowAfter is how long a broker has to answer before it is reported, and abandoned
	// if it is not the leader.
	slowAfter = 2 * time.Second
	// LongestPoll is how long a broker may be asked to hold a fetch. Only countedPoll of that counts as waiting for the
	// broker. One that hangs is found out later than if the answer had been due at once, unless another request finds it out.
	LongestPoll = 3 * time.Second
	// countedPoll is how much of a poll counts as waiting for the broker.
	countedPoll = slowAfter * 3 / 4
	// recheckEvery is how often the leader is looked up while it is slow.
	recheckEvery = time.Second
)

// brokers is what the clients of a log share about its brokers: which of them answer,
// and which keep requests waiting. It is safe for concurrent use.
type brokers struct {
	report func(Wait)                                      // called with mu held
	over   func(broker, operation string)                  // ends what was reported; called with mu held
	leader func(except string) (address string, err error) // according to a broker other than except
	probe  func(except string)                             // probes all other brokers without waiting

	mu       sync.Mutex
	all      []string             // the configured ones, and those that they have reported
	answered map[string]time.Time // when each answered last
	hung     map[string]bool      // abandoned, and no answer since
	waits    map[*wait]struct{}
	episodes map[target]*episode
	stalled  time.Time // when a request that only the leader answers was last seen waiting for long
}

func newBrokers(c Config) *brokers {
	all := slices.Clone(c.Brokers)
	rand.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	return &brokers{report: c.waiting(), over: c.answered(), probe: func(string) {}, all: all, answered: map[string]time.Time{}, hung: map[string]bool{},
		waits: map[*wait]struct{}{}, episodes: map[target]*episode{}}
}

// order returns the brokers in the order to ask them: most recent answer first, those that
// hang last.
func (b *brokers) order(except string) []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	all := slices.DeleteFunc(slices.Clone(b.all), func(address string) bool { return address == except })
	slices.SortStableFunc(all, func(x, y string) int {
		switch {
		case b.hung[x] == b.hung[y]:
			return b.answered[y].Compare(b.answered[x])
		case b.hung[x]:
			return 1
		}
		return -1
	})
	return all
}

// recent returns the brokers that have answered and do not hang, most recent answer first.
func (b *brokers) recent() []string {
	all := b.order("")
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.DeleteFunc(all, func(address string) bool { return b.hung[address] || b.answered[address].IsZero() })
}

// add adds a broker that another one has reported.
func (b *brokers) add(address string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !slices.Contains(b.all, address) {
		b.all = append(b.all, address)
	}
}

func (b *brokers) hangs(address string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.abandon(address)
}

// abandon marks a broker as hanging. A fetch that it may hold for longer is rechecked at once, instead of once it counts as
// slow itself. Called with mu held.
func (b *brokers) abandon(address string) {
	if b.hung[address] {
		return
	}
	b.hung[address] = true
	for w := range b.waits {
		if w.address == address && w.polls > 0 && w.waited() < slowAfter {
			w.timer.Reset(0)
		}
	}
}

// waiting returns the waits that are slow, longest first.
func (b *brokers) waiting() (slow []*wait) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for w := range b.waits {
		if time.Since(w.since) >= slowAfter {
			slow = append(slow, w)
		}
	}
	slices.SortFunc(slow, func(x, y *wait) int { return x.since.Compare(y.since) })
	return slow
}

// wait is a request that a broker has not answered, or a connection that it has not
// accepted.
type wait struct {
	brokers       *brokers
	address       string
	operation     operation
	oneBrokerOnly bool          // only this broker can answer, and it need not be the leader
	anyBroker     bool          // another broker is asked next: abandoned after the stagger
	known         bool          // the broker was abandoned before
	polls         time.Duration // for which the broker may delay its answer
	since         time.Time     // may be in the future while the broker holds a fetch
	cut           func(error)   // ends the wait
	busy          *atomic.Int32 // counts the waits of a gate; nil: they are not counted

	timer    *time.Timer   // guarded by brokers.mu
	reported time.Duration // how much of it has been reported; guarded by brokers.mu
	probed   bool          // whether the other brokers were probed; used by recheck only
}

// begin watches a request until its end is called. A broker that was abandoned before
// is abandoned sooner.
func (b *brokers) begin(w *wait) *wait {
	w.brokers, w.since = b, time.Now().Add(max(0, w.polls-countedPoll))
	b.mu.Lock()
	defer b.mu.Unlock()
	timeout := slowAfter
	if w.known = b.hung[w.address]; w.known || w.anyBroker {
		timeout = stagger
	}
	b.waits[w] = struct{}{}
	w.count(1)
	w.timer = time.AfterFunc(time.Until(w.since)+timeout, w.recheck)
	return w
}

// end is called when the wait is over. A nil wait is not watched.
func (w *wait) end() {
	if w == nil {
		return
	}
	w.brokers.mu.Lock()
	defer w.brokers.mu.Unlock()
	w.timer.Stop()
	if _, waits := w.brokers.waits[w]; waits {
		w.count(-1)
	}
	delete(w.brokers.waits, w)
	w.brokers.noteStall(w)
	if w.reported > 0 && !w.brokers.reported(w.target()) {
		w.brokers.over(w.address, w.operation.name())
	}
}

// done is called once the broker has answered.
func (w *wait) done() {
	if w == nil {
		return
	}
	w.end()
	w.brokers.mu.Lock()
	defer w.brokers.mu.Unlock()
	w.brokers.answered[w.address] = time.Now()
	delete(w.brokers.hung, w.address)
}

// count counts the wait, or counts it no more.
func (w *wait) count(n int32) {
	if w.busy != nil {
		w.busy.Add(n)
	}
}

// recheck reports a waiting request, and ends it if another broker can answer it. What only
// the leader can answer is ended once another broker reports a different leader. A slow
// leader has until its time limits, since no other broker may serve the records.
func (w *wait) recheck() {
	if w.operation == keyProduce && !w.probed { // the leader may wait for a replica that hangs
		w.probed = true
		w.brokers.probe(w.address)
	}
	w.report()
	if w.oneBrokerOnly && !w.operation.anywhere() {
		w.later()
		return
	}
	leader, err := w.brokers.leader(w.address)
	if err != nil || leader == w.address && !w.elsewhere() {
		w.later()
		return
	}
	if w.abandoned() {
		w.cut(w.err(context.DeadlineExceeded))
	}
}

// elsewhere reports whether a broker other than the leader can answer. Who asks the leader for metadata asks what the leader
// itself says.
func (w *wait) elsewhere() bool { return w.anyBroker || w.oneBrokerOnly && w.operation.anywhere() }

// report reports a slow wait, unless it has ended.
func (w *wait) report() {
	w.brokers.mu.Lock()
	defer w.brokers.mu.Unlock()
	waited := w.waited()
	if _, waits := w.brokers.waits[w]; waits && (waited >= slowAfter || w.known) {
		w.brokers.report(Wait{Broker: w.address, Operation: w.operation.name(), Waited: waited, Longer: waited - w.reported})
		w.reported = waited
	}
}

// abandoned marks the broker as hanging, and reports false if it has just answered.
func (w *wait) abandoned() bool {
	w.brokers.mu.Lock()
	defer w.brokers.mu.Unlock()
	if _, waits := w.brokers.waits[w]; !waits {
		return false
	}
	if w.waited() >= slowAfter || w.known {
		w.brokers.abandon(w.address)
	}
	return true
}

// later schedules the next recheck, unless the wait has ended.
func (w *wait) later() {
	w.brokers.mu.Lock()
	defer w.brokers.mu.Unlock()
	if _, waits := w.brokers.waits[w]; waits {
		w.timer.Reset(recheckEvery)
	}
}

func (w *wait) waited() time.Duration { return time.Since(w.since) }
