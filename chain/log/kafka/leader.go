package kafka

import (
	"sync"

	"github.com/IBM/sarama"
)

// pinned is the client of one subscription. It remembers the first leader epoch
// that it was told and closes changed at the first other one, which is before
// sarama sends a fetch under that epoch. So no record of a new leader can be in
// a subscription's channel while changed is open (sarama 1.61.1, consumer.go):
//
//   - The epoch that a subscription fetches under is child.leaderEpoch. It is set
//     in ConsumePartition and in dispatch only, each time to what LeaderAndEpoch
//     just returned (a preferred replica, which needs a rack id, keeps the old one).
//     sarama calls the Client it was given, hence the method below.
//   - Every fetch carries that epoch (version 9 and later, here 12). A broker that
//     leads the partition in another epoch answers FENCED_LEADER_EPOCH or
//     UNKNOWN_LEADER_EPOCH, one that does not lead it NOT_LEADER, and none of them
//     gives a record. This also covers a leader that was elected anew.
//   - After those answers, and after a lost connection, sarama dispatches anew:
//     RefreshMetadata, then LeaderAndEpoch, and only then is the subscription
//     queued for the new broker's fetch loop.
//
// Asking the client's cache in Next instead would be weaker: its entry may be
// missing (no leader, a broker deregistered), and then LeaderAndEpoch refreshes
// with retries, deaf to any context. Here Next looks at a channel.
type pinned struct {
	sarama.Client
	changed chan struct{} // closed when last differs from first

	mu          sync.Mutex
	known       bool
	first, last int32
}

func pin(c sarama.Client) *pinned {
	return &pinned{Client: c, changed: make(chan struct{})}
}

// LeaderAndEpoch answers as the client does, and takes note of the epoch.
func (p *pinned) LeaderAndEpoch(topic string, partition int32) (*sarama.Broker, int32, error) {
	leader, epoch, err := p.Client.LeaderAndEpoch(topic, partition)
	if err == nil {
		p.see(epoch)
	}
	return leader, epoch, err
}

// see takes note of an epoch; a negative one says that the broker has none.
func (p *pinned) see(epoch int32) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case epoch < 0:
	case !p.known:
		p.known, p.first, p.last = true, epoch, epoch
	case p.first == p.last && epoch != p.first:
		p.last = epoch
		close(p.changed)
	}
}

func (p *pinned) hasChanged() bool {
	select {
	case <-p.changed:
		return true
	default:
		return false
	}
}

// epochs returns the first epoch and the first other one.
func (p *pinned) epochs() (first, last int32) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.first, p.last
}
