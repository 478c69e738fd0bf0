package reader

import (
	"errors"
	"fmt"
	"sync"

	"github.com/IBM/sarama"

	"github.com/fabric-kafka/orderer/chain/log"
	"github.com/fabric-kafka/orderer/chain/log/kafka/client"
	"github.com/fabric-kafka/orderer/chain/log/kafka/conn"
)

// pinned is the client of one subscription. It remembers the first leader epoch
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
// Checking the client's cache in Next instead would be weaker: its entry may be
// missing (no leader, a broker deregistered), and then LeaderAndEpoch refreshes
// with retries, ignoring any context. Here Next only checks a channel.
//
// It remembers the topic's id as well. sarama does not report that the topic is
// unknown: it dispatches again, and continues with another topic of that name, if
// there is one by then, at the same offset and perhaps with the same epoch. Each
// dispatch begins with RefreshMetadata. If a topic is recreated between two fetches
// and becomes as long as the old one, only source detects it: it asks the broker that
// the records came from, after they arrived.
type pinned struct {
	sarama.Client
	changed chan struct{} // closed when last differs from first, or the topic id changes

	mu          sync.Mutex
	known       bool
	first, last int32
	topic       sarama.Uuid // zero: unknown
	how         string      // what has changed; empty for nothing
}

func pin(c sarama.Client) *pinned {
	return &pinned{Client: c, changed: make(chan struct{})}
}

// RefreshMetadata refreshes the client's metadata, and checks that each topic is still
// the same.
func (p *pinned) RefreshMetadata(topics ...string) error {
	if err := p.Client.RefreshMetadata(topics...); err != nil {
		return err
	}
	for _, topic := range topics {
		if err := p.identify(topic); err != nil {
			return err
		}
	}
	return nil
}

// identify asks the leader for the topic's id and records it.
func (p *pinned) identify(topic string) error {
	leader, _, err := p.Client.LeaderAndEpoch(topic, client.Partition)
	if err != nil {
		return err
	}
	err = p.ask(leader, topic)
	var code sarama.KError
	if errors.As(err, &code) {
		return nil // the topic is gone: the next request reports it
	}
	return err
}

// source is identify through another client: on this one the request would wait
// behind the fetch in flight. A topic that is gone is an error.
func (p *pinned) source(side sarama.Client, topic string) error {
	leader, epoch, err := side.LeaderAndEpoch(topic, client.Partition)
	if err != nil {
		return err
	}
	p.see(epoch)
	return p.ask(leader, topic)
}

func (p *pinned) ask(leader *sarama.Broker, topic string) error {
	answer, err := leader.GetMetadata(conn.MetadataRequest(topic))
	if err != nil {
		return err
	}
	for _, t := range answer.Topics {
		if t.Name != topic {
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
	case p.topic == sarama.Uuid{}:
		p.topic = id
	case p.topic != id:
		p.change(fmt.Sprintf("that of topic id %s after %s", id, p.topic))
	}
}

// change closes changed, the first time. Called with mu held.
func (p *pinned) change(how string) {
	if p.how == "" {
		p.how = how
		close(p.changed)
	}
}

// LeaderAndEpoch returns what the client returns, and records the epoch.
func (p *pinned) LeaderAndEpoch(topic string, partition int32) (*sarama.Broker, int32, error) {
	leader, epoch, err := p.Client.LeaderAndEpoch(topic, client.Partition)
	if err == nil {
		p.see(epoch)
	}
	return leader, epoch, err
}

// see records an epoch; a negative one means that the broker does not report it.
func (p *pinned) see(epoch int32) {
	p.mu.Lock()
	defer p.mu.Unlock()
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
	if p.topic == (sarama.Uuid{}) {
		return ""
	}
	return p.topic.String()
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
	if p.topic != (sarama.Uuid{}) {
		t.TopicID = p.topic.String()
	}
	return t
}
