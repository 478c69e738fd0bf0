package chain

import (
	"context"
	"errors"
	"fmt"

	"github.com/fabric-kafka/orderer/chain/log"
	"github.com/fabric-kafka/orderer/chain/machine"
)

// check makes sure that the topic can be the one that the ledger was made from,
// and returns its end. A client of Kafka follows a topic by name: one that was
// recreated or cut short is read on without an error once it is long enough, so
// nothing is read before this.
func (l *loop) check(ctx context.Context, topic log.Log) (machine.Offset, error) {
	id, err := l.identity(ctx, topic)
	if err != nil {
		return 0, err
	}
	if err := l.sameTopic(id); err != nil {
		return 0, stop(err)
	}
	bounds, err := topic.Bounds(ctx)
	if err != nil {
		return 0, err
	}
	if err := l.within(bounds); err != nil {
		return 0, stop(err)
	}
	l.topicID = id.TopicID
	if l.goal < 0 {
		l.goal = machine.Offset(bounds.End)
	}
	return machine.Offset(bounds.End), nil
}

// identity asks which topic this is, and makes one if there is none and the
// channel never had one. A topic that went missing is not replaced: an empty
// one would hide what happened.
func (l *loop) identity(ctx context.Context, topic log.Log) (log.Identity, error) {
	id, err := topic.Identity(ctx)
	if !errors.Is(err, log.ErrNoTopic) || l.machine.NextOffset() > 0 {
		return id, err
	}
	if err := topic.Create(ctx); err != nil {
		return id, err
	}
	return topic.Identity(ctx)
}

func (l *loop) sameTopic(id log.Identity) error {
	name := l.chain.support.ChannelID()
	if id.Partitions != 1 {
		return fmt.Errorf("topic %q has %d partitions, a channel's has one; remove the topic if nothing was ordered through it", name, id.Partitions)
	}
	if l.machine.NextOffset() == 0 || l.topicID == "" || id.TopicID == "" || id.TopicID == l.topicID {
		return nil
	}
	return fmt.Errorf("topic %q is another than before: its id was %s and is %s; it was deleted and created again, or the brokers are of another cluster; "+
		"bring the old topic back and restart the orderer", name, l.topicID, id.TopicID)
}

func (l *loop) within(b log.Bounds) error {
	name, next := l.chain.support.ChannelID(), log.Offset(l.machine.NextOffset())
	switch {
	case next < b.Start:
		return fmt.Errorf("topic %q starts at offset %d, but the ledger continues at %d: the records between were deleted; "+
			"set the topic's retention to unlimited, remove the channel from this orderer and join it again with a config block of an orderer that has them", name, b.Start, next)
	case next > b.End:
		return fmt.Errorf("topic %q ends at offset %d, but the ledger continues at %d: the topic was recreated, cut short, or is on another cluster; "+
			"bring its records back and restart the orderer", name, b.End, next)
	}
	return nil
}

// fitting ends the session when a config block has just asked for another log.
func (l *loop) fitting(k *link) error {
	if !l.configured {
		return nil
	}
	l.configured = false
	brokers, err := l.chain.brokers()
	if err != nil {
		return stop(err)
	}
	if k.fits(brokers, l.chain.support.SharedConfig().BatchSize().AbsoluteMaxBytes) {
		return nil
	}
	return errReopen
}
