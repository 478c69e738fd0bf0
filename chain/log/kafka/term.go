package kafka

import (
	"github.com/IBM/sarama"

	"github.com/fabric-kafka/orderer/chain/log"
)

// Term is what the reader pinned before it subscribed.
func (r *reader) Term() log.Term { return r.client.term() }

// term returns the first leader epoch and topic id that the client was told. Only
// what was fetched under them is a record of the subscription; see pinned.
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
