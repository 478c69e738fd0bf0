package memlog

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/fabric-kafka/orderer/chain/log"
)

var (
	_ log.Log    = (*Log)(nil)
	_ log.Placer = (*Log)(nil)
)

// Log is one client of a topic.
type Log struct {
	broker   *Broker
	topic    string
	settings log.Settings
	once     sync.Once
	closed   chan struct{}
}

// locked runs one operation under the broker's lock, unless the log is closed,
// the context is done, or a [Fault] fails it.
func (l *Log) locked(ctx context.Context, op string, f func() error) error {
	l.broker.mu.Lock()
	defer l.broker.mu.Unlock()
	if err := l.usable(ctx); err != nil {
		return err
	}
	if fault := l.broker.begin(op, l.topic); fault != nil {
		return failed(op, l.topic, fault.Err)
	}
	return f()
}

func (l *Log) usable(ctx context.Context) error {
	select {
	case <-l.closed:
		return log.ErrClosed
	default:
		return ctx.Err()
	}
}

// existing runs f on the topic, or fails with ErrNoTopic.
func (l *Log) existing(ctx context.Context, op string, f func(*topic) error) error {
	return l.locked(ctx, op, func() error {
		t := l.broker.topics[l.topic]
		if t == nil {
			return l.noTopic(op)
		}
		return f(t)
	})
}

func (l *Log) noTopic(op string) error {
	return &log.Error{Class: log.Retryable, Op: op, Topic: l.topic, Await: "the topic to be created", Err: log.ErrNoTopic}
}

// Create creates the topic with one partition.
func (l *Log) Create(ctx context.Context) error {
	return l.locked(ctx, "create", func() error {
		if l.broker.topics[l.topic] == nil {
			l.broker.make(l.topic, 1)
			l.broker.wake()
		}
		return nil
	})
}

// Bounds returns the offsets that can be read now.
func (l *Log) Bounds(ctx context.Context) (b log.Bounds, err error) {
	err = l.existing(ctx, "bounds", func(t *topic) error {
		b = log.Bounds{Start: t.start, End: t.end()}
		return nil
	})
	return b, err
}

// Identity returns the identity of the topic.
func (l *Log) Identity(ctx context.Context) (id log.Identity, err error) {
	err = l.existing(ctx, "identity", func(t *topic) error {
		id = log.Identity{TopicID: t.id, ClusterID: l.broker.cluster, Partitions: t.partitions}
		return nil
	})
	return id, err
}

// Survey returns what [Broker.SetFindings] has set: a topic in memory has no settings.
func (l *Log) Survey(ctx context.Context) ([]log.Finding, error) {
	return l.broker.Findings(), l.usable(ctx)
}

// Publish stores the progress of a member.
func (l *Log) Publish(ctx context.Context, p log.Progress) error {
	return l.existing(ctx, "publish", func(t *topic) error {
		if t.published == nil {
			t.published = map[string]log.Progress{}
		}
		t.published[p.Member] = log.ParseProgress(p.Member, p.Next, p.Text()) // what the text does not contain is lost
		return nil
	})
}

// Published returns the progress of members.
func (l *Log) Published(ctx context.Context, prefix string) (all []log.Progress, err error) {
	err = l.existing(ctx, "published", func(t *topic) error {
		for _, member := range slices.Sorted(maps.Keys(t.published)) {
			if strings.HasPrefix(member, prefix) {
				all = append(all, t.published[member])
			}
		}
		return nil
	})
	return all, err
}

// Read opens a reader at from.
func (l *Log) Read(ctx context.Context, from log.Offset) (log.Reader, error) {
	r := &reader{log: l, next: from, closed: make(chan struct{})}
	err := l.existing(ctx, "read", func(t *topic) error {
		r.epoch, r.topicID = t.epoch, t.id
		if err := l.inRange(t, from); err != nil {
			return err
		}
		r.send(t)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return r, nil
}

func (l *Log) inRange(t *topic, at log.Offset) error {
	if t.start <= at && at <= t.end() {
		return nil
	}
	return &log.Error{Class: log.Fatal, Op: "read", Topic: l.topic,
		Err: fmt.Errorf("%w: offset %d, the topic has %d to %d", log.ErrOutOfRange, at, t.start, t.end())}
}

// Close ends every call on the log and on its readers.
func (l *Log) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

type reader struct {
	log     *Log
	next    log.Offset
	epoch   int       // of the leader when the reader was opened
	topicID string    // of the topic when the reader was opened
	sent    bool      // the next record is in transit
	arrives time.Time // when it arrives, if sent
	spent   error     // ErrNewLeader, once it was returned
	once    sync.Once
	closed  chan struct{}
}

// Next returns the record at the reader's offset, waiting for it if necessary.
func (r *reader) Next(ctx context.Context) (log.Record, error) {
	for {
		record, until, err := r.poll(ctx)
		if err != nil || until == nil {
			return record, err
		}
		r.wait(ctx, until)
	}
}

// wait returns when there may be a record, or when there is no reason to wait.
func (r *reader) wait(ctx context.Context, until *pending) {
	if until.arrival > 0 {
		arrived := time.NewTimer(until.arrival)
		defer arrived.Stop()
		select {
		case <-arrived.C:
		case <-until.changed:
		case <-r.closed:
		case <-r.log.closed:
		case <-ctx.Done():
		}
		return
	}
	select {
	case <-until.changed:
	case <-r.closed:
	case <-r.log.closed:
	case <-ctx.Done():
	}
}

// pending is what a reader waits for that has no record.
type pending struct {
	changed <-chan struct{} // of the broker
	arrival time.Duration   // until the record in transit arrives; 0 if there is none
}

// poll returns the next record, or what to wait for until there may be one.
func (r *reader) poll(ctx context.Context) (record log.Record, until *pending, err error) {
	select {
	case <-r.closed:
		return record, nil, log.ErrClosed
	default:
	}
	err = r.log.existing(ctx, "next", func(t *topic) error {
		if err := r.sameLeader(t); err != nil {
			return err
		}
		if err := r.log.inRange(t, r.next); err != nil {
			return err
		}
		r.send(t)
		left := time.Duration(0)
		if r.sent && !r.arrives.IsZero() {
			left = time.Until(r.arrives)
		}
		if !r.sent || left > 0 {
			until = &pending{r.log.broker.changed, left}
			return nil
		}
		record = log.Record{Offset: r.next, Value: slices.Clone(t.values[r.next])}
		r.next++
		r.sent = false
		r.send(t)
		return nil
	})
	if err != nil && ctx.Err() == nil {
		r.sent = false // what was in transit is lost
	}
	return record, until, err
}

// send starts the transfer of the next record, if there is one. Called with the broker's mu held.
func (r *reader) send(t *topic) {
	if r.sent || r.next >= t.end() {
		return
	}
	b, value := r.log.broker, t.values[r.next]
	r.sent, r.arrives = true, time.Time{}
	if took := b.pace.Record + time.Duration(len(value))*b.pace.Byte; took > 0 {
		r.arrives = time.Now().Add(took)
	}
	b.read.Records++
	b.read.Bytes += len(value)
}

// Term returns the term of the topic when the reader was opened.
func (r *reader) Term() log.Term {
	return log.Term{TopicID: r.topicID, Epoch: int32(r.epoch)}
}

// Taken returns the offset of the record that Next has returned last.
func (r *reader) Taken() log.Offset { return r.next - 1 }

// Lapsed returns an error once the topic has another leader epoch.
func (r *reader) Lapsed() error {
	r.log.broker.mu.Lock()
	defer r.log.broker.mu.Unlock()
	if t := r.log.broker.topics[r.log.topic]; t != nil {
		return r.sameLeader(t)
	}
	return r.spent
}

// Source returns the current id of the topic of that name.
func (r *reader) Source(ctx context.Context) (id string, err error) {
	select {
	case <-r.closed:
		return "", log.ErrClosed
	default:
	}
	err = r.log.existing(ctx, "source", func(t *topic) error {
		id = t.id
		return r.sameLeader(t)
	})
	return id, err
}

// sameLeader fails permanently once the topic has another leader epoch.
func (r *reader) sameLeader(t *topic) error {
	if r.spent == nil && t.epoch != r.epoch {
		r.spent = &log.Error{Class: log.Retryable, Op: "read", Topic: r.log.topic, Await: "the topic to be verified again",
			Err: fmt.Errorf("%w: %d after %d", log.ErrNewLeader, t.epoch, r.epoch)}
	}
	return r.spent
}

// Close ends a Next in flight.
func (r *reader) Close() error {
	r.once.Do(func() { close(r.closed) })
	return nil
}
