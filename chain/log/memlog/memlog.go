// Package memlog is the log contract in memory, for tests: one Broker holds
// topics, every Open gives one client of a topic. A test can make any operation
// fail, before or after it took effect, and play outages, trimming, recreation,
// elections with and without loss, and foreign writers.
//
// No goroutine is left behind, and waiting is on channels and, at a Pace, on timers,
// so that it runs inside a testing/synctest bubble.
package memlog

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/fabric-kafka/orderer/chain/log"
)

// ErrOutage is what every operation meets while the broker is away.
var ErrOutage = errors.New("broker is away")

// Fault decides about one operation: nil lets it pass. Op is "create", "append",
// "read", "next", "source", "bounds" or "identity"; topic and n, the count of operations
// on the broker so far, tell them apart.
type Fault func(op, topic string, n int) *Failure

// Failure is how an operation fails.
type Failure struct {
	Err    error
	After  bool // an append is in the log all the same, and the client does not know
	Unsure bool // an append may be in the log, by what the client knows
	Again  bool // the client makes another attempt to append the same record, up to 50
}

// Broker holds topics. It is safe for concurrent use.
type Broker struct {
	cluster string // its id
	mu      sync.Mutex
	topics  map[string]*topic // by name
	made    int               // topics ever made, for their ids
	ops     int
	fault   Fault
	away    bool
	found   []log.Finding // by every survey
	pace    Pace
	read    Volume
	changed chan struct{} // closed and replaced whenever anything changes
}

// Pace is how long the way to a reader is. The record after the one that was
// returned last is on its way while nobody calls Next; what is on its way is lost
// with the reader, or with an error of it.
type Pace struct {
	Record time.Duration // of each record
	Byte   time.Duration // of each byte of its value, beside
}

// Volume is what was sent to readers.
type Volume struct {
	Records, Bytes int
}

type topic struct {
	id         string
	partitions int
	published  map[string]log.Progress // by member
	epoch      int                     // of the leader; 0 in every new topic, as in Kafka
	start      log.Offset
	values     [][]byte // from offset 0; those before start are nil
}

func (t *topic) end() log.Offset { return log.Offset(len(t.values)) }

// NewBroker returns a broker without topics.
func NewBroker() *Broker {
	return NewCluster("cluster")
}

// NewCluster returns the broker of a cluster of that id; empty for one without.
func NewCluster(id string) *Broker {
	return &Broker{cluster: id, topics: map[string]*topic{}, changed: make(chan struct{})}
}

// SetFindings has every survey come to that.
func (b *Broker) SetFindings(found ...log.Finding) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.found = found
}

// SetPace makes records take their time from now on.
func (b *Broker) SetPace(p Pace) {
	b.change(func() { b.pace = p })
}

// Read returns what was sent to all readers so far, whether they waited for it or not.
func (b *Broker) Read() Volume {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.read
}

// Findings are those of every survey.
func (b *Broker) Findings() []log.Finding {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.found
}

// Open returns a client of a topic.
func (b *Broker) Open(name string, s log.Settings) *Log {
	return &Log{broker: b, topic: name, settings: s, closed: make(chan struct{})}
}

// SetFault makes operations fail from now on; nil ends it.
func (b *Broker) SetFault(f Fault) {
	b.change(func() { b.fault = f })
}

// Stop takes the broker away: every operation, waiting ones too, fails Retryable.
func (b *Broker) Stop() { b.change(func() { b.away = true }) }

// Resume brings it back.
func (b *Broker) Resume() { b.change(func() { b.away = false }) }

// Make creates a topic of any shape, as an operator would.
func (b *Broker) Make(name string, partitions int) {
	b.change(func() { b.make(name, partitions) })
}

// Recreate deletes a topic and makes an empty one of the same name.
func (b *Broker) Recreate(name string) { b.Make(name, 1) }

// Delete removes a topic.
func (b *Broker) Delete(name string) {
	b.change(func() { delete(b.topics, name) })
}

// Write puts values into a topic, as a stranger would; it makes the topic if need be.
func (b *Broker) Write(name string, values ...[]byte) {
	b.change(func() {
		t := b.topics[name]
		if t == nil {
			t = b.make(name, 1)
		}
		t.values = append(t.values, values...)
	})
}

// Trim removes the records before start.
func (b *Broker) Trim(name string, start log.Offset) {
	b.change(func() {
		t := b.topics[name]
		t.start = max(t.start, min(start, t.end()))
		clear(t.values[:t.start])
	})
}

// Elect gives a topic a new leader that has every record.
func (b *Broker) Elect(name string) {
	b.change(func() { b.topics[name].epoch++ })
}

// CutTail gives a topic a new leader that lacks the records from end on, as an
// unclean election does. Their offsets are given out again.
func (b *Broker) CutTail(name string, end log.Offset) {
	b.change(func() {
		t := b.topics[name]
		t.values = t.values[:max(t.start, min(end, t.end()))]
		t.epoch++
	})
}

// Repartition raises a topic's number of partitions to n.
func (b *Broker) Repartition(name string, n int) {
	b.change(func() {
		t := b.topics[name]
		t.partitions = max(t.partitions, n)
	})
}

// Values returns the values in a topic, by offset.
func (b *Broker) Values(name string) [][]byte {
	b.mu.Lock()
	defer b.mu.Unlock()
	if t := b.topics[name]; t != nil {
		return append([][]byte(nil), t.values...)
	}
	return nil
}

// Len is how many records a topic has ever had, those that were cut off not counted.
func (b *Broker) Len(name string) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	if t := b.topics[name]; t != nil {
		return len(t.values)
	}
	return 0
}

// Ops returns how many operations were tried.
func (b *Broker) Ops() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.ops
}

func (b *Broker) make(name string, partitions int) *topic {
	b.made++
	t := &topic{id: fmt.Sprintf("topic-%017d", b.made), partitions: partitions}
	b.topics[name] = t
	return t
}

func (b *Broker) change(f func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	f()
	b.wake()
}

// wake lets every waiting reader look again. Called with mu held.
func (b *Broker) wake() {
	close(b.changed)
	b.changed = make(chan struct{})
}

// begin counts an operation and returns the failure that meets it. Called with mu held.
func (b *Broker) begin(op, name string) *Failure {
	b.ops++
	if b.away {
		return &Failure{Err: ErrOutage}
	}
	if b.fault != nil {
		return b.fault(op, name, b.ops)
	}
	return nil
}

func failed(op, topic string, err error) error {
	var typed *log.Error
	if errors.As(err, &typed) {
		return err
	}
	return &log.Error{Class: log.Retryable, Op: op, Topic: topic, Await: "the broker", Err: err}
}
