package kafka

import (
	"context"
	"math/rand/v2"
	"slices"
	"sync"
	"time"
)

// anyBroker is the address that sarama is given instead of the brokers of the
// configuration. A gate connects it to the first broker that answers; see first. So
// which broker is asked first is decided here each time that a client has no broker
// left, and not by sarama, which takes a random one and waits for it.
const anyBroker = "any-broker:9092"

const (
	// stagger is how long a broker has to answer before another is asked beside it.
	stagger = 300 * time.Millisecond
	// slowAfter is how long a broker has to answer before it is reported, and left if it
	// is not the leader.
	slowAfter = 2 * time.Second
	// lookEvery is how often it is looked for another leader than one that is slow.
	lookEvery = time.Second
)

// brokers is what the clients of a log know of its brokers together: which of them
// answer, and for which a request waits. It is safe for concurrent use.
type brokers struct {
	report func(Wait)                                      // called with mu held
	over   func(broker, operation string)                  // of what was reported; called with mu held
	leader func(except string) (address string, err error) // by the word of a broker that is not except
	probe  func(except string)                             // asks all others whether they answer, and does not wait

	mu       sync.Mutex
	all      []string             // those of the configuration, and those that they have named
	answered map[string]time.Time // when one did last
	hung     map[string]bool      // those that were left, and have not answered since
	waits    map[*wait]struct{}
	episodes map[question]*episode
	held     time.Time // when a request that only the leader answers was last seen to wait for long
}

func newBrokers(c Config) *brokers {
	all := slices.Clone(c.Brokers)
	rand.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	return &brokers{report: c.Waiting, over: c.Answered, probe: func(string) {}, all: all, answered: map[string]time.Time{}, hung: map[string]bool{},
		waits: map[*wait]struct{}{}, episodes: map[question]*episode{}}
}

// order returns the brokers in the order in which they are to be asked: the one that
// answered last first, those that hang last.
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

// met adds a broker that another one has named.
func (b *brokers) met(address string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !slices.Contains(b.all, address) {
		b.all = append(b.all, address)
	}
}

func (b *brokers) hangs(address string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.hung[address] = true
}

// waiting returns what waits for long, the longest first.
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
// taken.
type wait struct {
	brokers   *brokers
	address   string
	operation operation
	patient   bool // only this broker can do it, and it need not be the leader
	hasty     bool // another broker is asked next: it is left after the stagger
	known     bool // the broker was left before
	since     time.Time
	cut       func(error) // ends it

	timer    *time.Timer   // guarded by brokers.mu
	reported time.Duration // of how much has been reported; guarded by brokers.mu
	probed   bool          // the other brokers were; of look alone
}

// begin watches a request until its end is called. A broker that was left before
// is left sooner.
func (b *brokers) begin(w *wait) *wait {
	w.brokers, w.since = b, time.Now()
	b.mu.Lock()
	defer b.mu.Unlock()
	patience := slowAfter
	if w.known = b.hung[w.address]; w.known || w.hasty {
		patience = stagger
	}
	b.waits[w] = struct{}{}
	w.timer = time.AfterFunc(patience, w.look)
	return w
}

// end is called when nobody waits any more. A nil wait is one that is not watched.
func (w *wait) end() {
	if w == nil {
		return
	}
	w.brokers.mu.Lock()
	defer w.brokers.mu.Unlock()
	w.timer.Stop()
	delete(w.brokers.waits, w)
	w.brokers.hold(w)
	if w.reported > 0 && !w.brokers.reported(w.question()) {
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

// look reports a request that waits, and ends it if there is another broker for it: what only
// the leader can do is ended once another broker says that the leader is another. A
// leader that is slow is left to its time limits, since nobody else has the records.
func (w *wait) look() {
	if w.operation == keyProduce && !w.probed { // the leader may wait for a replica that hangs
		w.probed = true
		w.brokers.probe(w.address)
	}
	w.report()
	if w.patient && !w.operation.anywhere() {
		w.again()
		return
	}
	leader, err := w.brokers.leader(w.address)
	if err != nil || leader == w.address {
		w.again()
		return
	}
	if w.abandoned() {
		w.cut(w.err(context.DeadlineExceeded))
	}
}

// report reports a wait that is long, unless it has ended.
func (w *wait) report() {
	w.brokers.mu.Lock()
	defer w.brokers.mu.Unlock()
	waited := w.waited()
	if _, waits := w.brokers.waits[w]; waits && (waited >= slowAfter || w.known) {
		w.brokers.report(Wait{Broker: w.address, Operation: w.operation.name(), Waited: waited, Longer: waited - w.reported})
		w.reported = waited
	}
}

// abandoned takes note that the broker is left, unless it has just answered.
func (w *wait) abandoned() bool {
	w.brokers.mu.Lock()
	defer w.brokers.mu.Unlock()
	if _, waits := w.brokers.waits[w]; !waits {
		return false
	}
	if w.waited() >= slowAfter || w.known {
		w.brokers.hung[w.address] = true
	}
	return true
}

// again looks once more, unless the wait has ended.
func (w *wait) again() {
	w.brokers.mu.Lock()
	defer w.brokers.mu.Unlock()
	if _, waits := w.brokers.waits[w]; waits {
		w.timer.Reset(lookEvery)
	}
}

func (w *wait) waited() time.Duration { return time.Since(w.since) }
