package reader

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/IBM/sarama"

	"github.com/fabric-kafka/orderer/chain/log"
	"github.com/fabric-kafka/orderer/chain/log/kafka/client"
	"github.com/fabric-kafka/orderer/chain/log/kafka/conn"
)

// pinned is the client of one subscription. It has two connections to the leader, one for fetches and one for source; what
// else it needs to know is asked with the client of a call. It remembers the first leader epoch
// that it saw and closes changed when it sees a different one, which is before
// sarama sends a fetch with that epoch. So no record of a new leader can be in
// a subscription's channel while changed is open (sarama 1.61.1, consumer.go):
//
//   - The epoch that a subscription fetches with is child.leaderEpoch. It is set
//     only in ConsumePartition and dispatch, each time to what LeaderAndEpoch has
//     just returned (a preferred replica, which needs a rack id, keeps the old one).
//     sarama calls the Client that it was given, hence the method below.
//   - Every fetch carries that epoch (version 9 and later; here 12). A broker that
//     leads the partition in another epoch answers FENCED_LEADER_EPOCH or
//     UNKNOWN_LEADER_EPOCH, a broker that does not lead it NOT_LEADER, and none of
//     them returns a record. This also covers a leader that was elected again.
//   - After those answers, and after a lost connection, sarama dispatches again:
//     RefreshMetadata, then LeaderAndEpoch, and only then is the subscription
//     queued for the new broker's fetch loop.
//
// Next only checks a channel. It does not ask a client: one that has no entry for the
// topic (no leader, a broker deregistered) refreshes with retries in LeaderAndEpoch,
// ignoring any context.
//
// It remembers the topic's id as well. sarama does not report that the topic is
// unknown: it dispatches again, and continues with another topic of that name, if
// there is one by then, at the same offset and perhaps with the same epoch. Each
// dispatch begins with RefreshMetadata. If a topic is recreated between two fetches
// and becomes as long as the old one, only source detects it: it asks the broker that
// the records came from, after they arrived.
type pinned struct {
	sarama.Client // makes no request
	topic         *client.Topic
	life          context.Context // ends with the reader
	changed       chan struct{}   // closed when last differs from first, or the topic id changes

	mu          sync.Mutex
	fetches     *sarama.Broker // the leader, for fetches; nil before the first
	side        *sarama.Broker // the leader, for source, which has no fetch to wait for; nil before the first
	epoch       int32          // that was seen last
	bounds      log.Bounds     // when the reader was opened
	known       bool
	first, last int32
	id          sarama.Uuid // of the topic; zero: unknown
	how         string      // what has changed; empty for nothing
}

func pin(life context.Context, c sarama.Client, t *client.Topic) *pinned {
	return &pinned{Client: c, topic: t, life: life, changed: make(chan struct{}), epoch: -1}
}

// RefreshMetadata finds the leader, and checks that the topic is still the same.
func (p *pinned) RefreshMetadata(...string) error {
	return p.topic.Ask(p.life, "read", func(c sarama.Client, _ *conn.Gate) error { return p.find(c) })
}

// find finds the leader, and asks it for the topic's id.
func (p *pinned) find(c sarama.Client) error {
	leader, epoch, err := c.LeaderAndEpoch(p.topic.Name, client.Partition)
	if err != nil {
		return err
	}
	p.follow(leader, epoch)
	err = p.ask(leader)
	var code sarama.KError
	if errors.As(err, &code) {
		return nil // the topic is gone: the next request reports it
	}
	return err
}

// follow has fetches and source go to a leader. It connects to both at once, and beside whatever else the leader is asked: one
// that is late would otherwise delay a new session once for each connection.
func (p *pinned) follow(leader *sarama.Broker, epoch int32) {
	p.mu.Lock()
	p.see(epoch)
	p.epoch = epoch
	if p.fetches != nil && p.fetches.Addr() == leader.Addr() {
		p.mu.Unlock()
		return
	}
	old := []*sarama.Broker{p.fetches, p.side}
	p.fetches, p.side = sarama.NewBroker(leader.Addr()), sarama.NewBroker(leader.Addr())
	for _, b := range []*sarama.Broker{p.fetches, p.side} {
		_ = b.Open(p.Config()) // a request returns the error of connecting
	}
	p.mu.Unlock()
	disconnect(old)
}

// end closes the connections. The gate is closed, so that there is no other.
func (p *pinned) end() {
	p.mu.Lock()
	open := []*sarama.Broker{p.fetches, p.side}
	p.fetches, p.side = nil, nil
	p.mu.Unlock()
	disconnect(open)
	conn.CloseClient(p.Client)
}

func disconnect(brokers []*sarama.Broker) {
	for _, b := range brokers {
		if b != nil {
			_ = b.Close() // it may not be open
		}
	}
}

// open is the first find, of a reader that begins at an offset.
func (p *pinned) open(c sarama.Client, from log.Offset) error {
	if err := p.find(c); err != nil {
		return err
	}
	bounds, err := p.topic.Bounds(c)
	if err != nil {
		return err
	}
	if from < bounds.Start || from > bounds.End {
		return fmt.Errorf("%w: offset %d, the topic has %d to %d", sarama.ErrOffsetOutOfRange, from, bounds.Start, bounds.End)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.bounds = bounds
	return nil
}

// GetOffset returns what the bounds were when the reader was opened, for a subscription that begins within them.
func (p *pinned) GetOffset(_ string, _ int32, which int64) (int64, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if which == sarama.OffsetOldest {
		return int64(p.bounds.Start), nil
	}
	return int64(p.bounds.End), nil
}

// source asks the broker that records are fetched from for the topic's id. The connection stays open for the next time: it is
// asked before each block, and whoever cannot connect any more continues over what is open. A topic that is gone is an error.
func (p *pinned) source() error {
	p.mu.Lock()
	side := p.side
	p.mu.Unlock()
	if side == nil {
		return sarama.ErrNotConnected
	}
	_ = side.Open(p.Config()) // unless it is open; the request returns its error
	err := p.ask(side)
	var code sarama.KError
	if err != nil && !errors.As(err, &code) {
		_ = side.Close() // the next request connects
	}
	return err
}

func (p *pinned) ask(leader *sarama.Broker) error {
	answer, err := leader.GetMetadata(conn.MetadataRequest(p.topic.Name))
	if err != nil {
		return err
	}
	for _, t := range answer.Topics {
		if t.Name != p.topic.Name {
			continue
		}
		if t.Err != sarama.ErrNoError {
			return t.Err
		}
		p.seeTopic(t.Uuid)
		return nil
	}
	return sarama.ErrIncompleteResponse
}

// seeTopic records a topic's id, which may be zero.
func (p *pinned) seeTopic(id sarama.Uuid) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case id == sarama.Uuid{}:
	case p.id == sarama.Uuid{}:
		p.id = id
	case p.id != id:
		p.change(fmt.Sprintf("that of topic id %s after %s", id, p.id))
	}
}

// change closes changed, the first time. Called with mu held.
func (p *pinned) change(how string) {
	if p.how == "" {
		p.how = how
		close(p.changed)
	}
}

// LeaderAndEpoch returns the leader that was found last, which sarama then fetches from.
func (p *pinned) LeaderAndEpoch(string, int32) (*sarama.Broker, int32, error) {
	p.mu.Lock()
	leader, epoch := p.fetches, p.epoch
	p.mu.Unlock()
	if leader == nil {
		return nil, -1, sarama.ErrLeaderNotAvailable
	}
	_ = leader.Open(p.Config()) // unless it is open; the request returns its error
	return leader, epoch, nil
}

// see records an epoch; a negative one means that the broker does not report it. Called with mu held.
func (p *pinned) see(epoch int32) {
	switch {
	case epoch < 0:
	case !p.known:
		p.known, p.first, p.last = true, epoch, epoch
	case p.first == p.last && epoch != p.first:
		p.last = epoch
		p.change(fmt.Sprintf("%d after %d", epoch, p.first))
	}
}

// topicID returns the topic's id; empty if the broker does not report one.
func (p *pinned) topicID() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.id == (sarama.Uuid{}) {
		return ""
	}
	return p.id.String()
}

func (p *pinned) hasChanged() bool {
	select {
	case <-p.changed:
		return true
	default:
		return false
	}
}

// whatChanged describes the first change.
func (p *pinned) whatChanged() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.how
}

// Term returns the term that the reader pinned before it subscribed.
func (r *reader) Term() log.Term { return r.client.term() }

// term returns the first leader epoch and topic id that the client saw. The subscription
// only returns records that were fetched with them; see [pinned].
func (p *pinned) term() log.Term {
	p.mu.Lock()
	defer p.mu.Unlock()
	t := log.Term{Epoch: -1}
	if p.known {
		t.Epoch = p.first
	}
	if p.id != (sarama.Uuid{}) {
		t.TopicID = p.id.String()
	}
	return t
}
