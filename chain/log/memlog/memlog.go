// Package memlog is the log contract in memory, for tests: one Broker holds
// topics, and every Open returns one client of a topic. A test can make any operation
// fail, before or after it took effect, and simulate outages, trimming, recreation,
// elections with and without loss, and foreign writers.
//
// No goroutine is left behind, and all waiting is on channels and, with a [Pace], on
// timers, so that it runs inside a testing/synctest bubble.
package memlog

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/fabric-kafka/orderer/chain/log"
)

// ErrOutage is returned by every operation while the broker is down.
var ErrOutage = errors.New("broker is down")

// Fault decides whether one operation fails: nil means that it does not. op is "create", "append",
// "read", "next", "source", "bounds", "identity", "publish" or "published"; n is the
// count of operations on the broker so far.
type Fault func(op, topic string, n int) *Failure

// Failure is how an operation fails.
type Failure struct {
	Err    error
	After  bool // an append takes effect nevertheless, and the client does not know
	Unsure bool // an append may have taken effect, as far as the client knows
	Again  bool // the client tries to append the same record again, up to 50 times
}

// Broker holds topics. It is safe for concurrent use.
type Broker struct {
	cluster string // its id
	mu      sync.Mutex
	topics  map[string]*topic // by name
	made    int               // topics ever created, for their ids
	ops     int
	fault   Fault
	down    bool
	found   []log.Finding // returned by every survey
	pace    Pace
	read    Volume
	changed chan struct{} // closed and replaced whenever anything changes
}

// Pace is how long a record takes to reach a reader. The transfer of the record after
// the last returned one starts before Next is called; a record in transit is lost when
// the reader is closed or fails.
type Pace struct {
	Record time.Duration // for each record
	Byte   time.Duration // for each byte of its value, in addition
}

// Volume is how much was sent to readers.
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

// NewCluster returns the broker of a cluster with an id, which may be empty.
func NewCluster(id string) *Broker {
	return &Broker{cluster: id, topics: map[string]*topic{}, changed: make(chan struct{})}
}

// SetFindings sets the findings of every survey.
func (b *Broker) SetFindings(found ...log.Finding) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.found = found
}

// SetPace sets how long records take from now on.
func (b *Broker) SetPace(p Pace) {
	b.change(func() { b.pace = p })
}

// Read returns how much was sent to all readers so far, whether or not they waited for it.
func (b *Broker) Read() Volume {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.read
}

// Findings returns the findings of every survey.
func (b *Broker) Findings() []log.Finding {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.found
}

// Open returns a client of a topic.
func (b *Broker) Open(name string, s log.Settings) *Log {
	return &Log{broker: b, topic: name, settings: s, closed: make(chan struct{})}
}

// SetFault makes operations fail from now on; nil ends that.
func (b *Broker) SetFault(f Fault) {
	b.change(func() { b.fault = f })
}

// Stop stops the broker: every operation, including waiting ones, fails Retryable.
func (b *Broker) Stop() { b.change(func() { b.down = true }) }

// Resume ends the outage that Stop began.
func (b *Broker) Resume() { b.change(func() { b.down = false }) }

// Make creates a topic with any number of partitions, as an operator would.
func (b *Broker) Make(name string, partitions int) {
	b.change(func() { b.make(name, partitions) })
}

// Recreate deletes a topic and creates an empty one of the same name.
func (b *Broker) Recreate(name string) { b.Make(name, 1) }

// Delete removes a topic.
func (b *Broker) Delete(name string) {
	b.change(func() { delete(b.topics, name) })
}

// Write appends values to a topic, as a foreign writer would; it creates the topic if necessary.
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
// unclean election does. Their offsets are assigned again.
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

// Len returns the number of records that a topic has ever had, not counting those that were cut off.
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

// wake makes every waiting reader poll again. Called with mu held.
func (b *Broker) wake() {
	close(b.changed)
	b.changed = make(chan struct{})
}

// begin counts an operation and returns its failure, if any. Called with mu held.
func (b *Broker) begin(op, name string) *Failure {
	b.ops++
	if b.down {
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
