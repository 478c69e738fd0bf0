package session

import (
	"context"
	"errors"
	"fmt"

	"github.com/fabric-kafka/orderer/chain/log"
	"github.com/fabric-kafka/orderer/chain/machine"
)

// missingLimit is how many sessions in a row must find no topic before it counts
// as deleted: a broker that has just started may not know it yet.
const missingLimit = 5

// Connect begins a session: it makes sure that the topic is the one that the
// ledger was made from, and opens a reader at the next offset. A client of Kafka
// follows a topic by name: one that was recreated or cut short is read on without
// an error once it is long enough, so nothing is read before this.
func (e *Engine) Connect(ctx context.Context) error {
	_, held := written(e.effects)
	if err := e.host.Room(held); err != nil {
		return err
	}
	topic, err := e.host.Log()
	if err != nil {
		return stop(err)
	}
	bounds, err := e.check(ctx, topic)
	if err != nil {
		return err
	}
	if err := e.host.Admit(ctx, topic); err != nil {
		return err
	}
	if bounds, err = e.open(ctx, topic, bounds); err != nil {
		return err
	}
	e.topic = topic
	e.bare, e.lost = false, false
	e.extend(bounds)
	if e.ruleSet() != machine.Undescribed {
		e.host.Described()
	}
	e.host.Moved(Reading, nil)
	return nil
}

// extend takes the end of the log as it is now: what was appended before is below it,
// or lost.
func (e *Engine) extend(b log.Bounds) {
	e.end, e.arrived = machine.Offset(b.End), false
	e.unread.begin()
	if e.goal < 0 || e.goal > e.end { // a log that has lost its end has a nearer one
		e.goal = e.end
	}
}

// Recheck makes sure, within a session, that the topic still is the one that it
// was. No record is read for it: within the reader's term, what was read stays what it
// was, and a reader of another term says so. An error ends the session; see After.
func (e *Engine) Recheck(ctx context.Context) error {
	_, held := written(e.effects)
	if err := e.host.Room(held); err != nil {
		return err
	}
	bounds, err := e.check(ctx, e.topic)
	if err != nil {
		return err
	}
	if err := e.sourced(ctx); err != nil {
		return err
	}
	if tail := e.Next() - 1; tail >= 0 && machine.Offset(bounds.Start) > tail {
		e.events.TailUnchecked(tail)
	}
	e.extend(bounds)
	e.host.Moved(Reading, nil)
	return nil
}

// check asks which topic this is and how far it reaches. The cost does not grow
// with the log.
func (e *Engine) check(ctx context.Context, topic log.Log) (log.Bounds, error) {
	id, err := e.identity(ctx, topic)
	if err != nil {
		return log.Bounds{}, err
	}
	if err := e.sameTopic(id); err != nil {
		return log.Bounds{}, stop(err)
	}
	bounds, err := topic.Bounds(ctx)
	if err != nil {
		return log.Bounds{}, err
	}
	if err := e.within(bounds); err != nil {
		return log.Bounds{}, err
	}
	e.asked = false
	if bounds.End == 0 {
		if err := e.mayBegin(ctx); err != nil {
			return log.Bounds{}, err
		}
		e.asked = true
	}
	e.topicID, e.clusterID = id.TopicID, id.ClusterID
	return bounds, nil
}

// identity asks which topic this is, and makes one if there is none and the
// channel never had one. A topic that went missing is not replaced: an empty
// one would hide what happened.
func (e *Engine) identity(ctx context.Context, topic log.Log) (log.Identity, error) {
	id, err := topic.Identity(ctx)
	if !errors.Is(err, log.ErrNoTopic) {
		e.missing = 0
		return id, err
	}
	if e.Next() > 0 || e.topicID != "" {
		return id, e.gone(err)
	}
	if err := e.mayBegin(ctx); err != nil {
		return id, err
	}
	if err := topic.Create(ctx); err != nil {
		return id, err
	}
	return topic.Identity(ctx)
}

func (e *Engine) gone(err error) error {
	e.missing++
	if e.missing < missingLimit {
		return err
	}
	return stop(because(CauseTopicDeleted, fmt.Errorf("topic %q was deleted: this orderer continues at its offset %d, and does not create it again, since that would hide what was lost",
		e.host.Channel(), e.Next())))
}

// sameTopic holds the topic against the one that was read so far and against the
// one that the description names.
func (e *Engine) sameTopic(id log.Identity) error {
	name := e.host.Channel()
	if id.Partitions != 1 && e.Next() == 0 {
		return because(CausePartitions, fmt.Errorf("topic %q has %d partitions, a channel's has one", name, id.Partitions))
	}
	if id.Partitions != 1 {
		e.events.Partitions(id.Partitions)
	}
	if e.topicID != "" && id.TopicID != "" && id.TopicID != e.topicID && e.Next() > 0 {
		return because(CauseOtherTopic, fmt.Errorf("topic %q is another than before: its id was %s and is %s, this orderer continues at offset %d: "+
			"it was deleted and created again, or the brokers are of another cluster", name, e.topicID, id.TopicID, e.Next()))
	}
	if err := e.stays(id.ClusterID); err != nil {
		return err
	}
	return e.pinned(id.TopicID)
}

// pinned holds a topic's id against the one that the description names, or the
// one that the operator has moved the channel to.
func (e *Engine) pinned(id string) error {
	if id == "" {
		return nil // a broker without ids
	}
	name := e.host.Channel()
	want := e.pin()
	if moved := e.settings.MovedTo; moved != "" {
		if id != moved {
			return because(CauseNotMovedHere, fmt.Errorf("topic %q has id %s, but the orderer's settings say that the channel was moved to %s", name, id, moved))
		}
		return nil
	}
	if want != "" && id != want {
		return because(CauseOtherTopic, fmt.Errorf("topic %q is not the one that the channel was built on: its description names id %s, this one has %s, this orderer continues at offset %d: "+
			"it was deleted and created again, or the brokers are of another cluster", name, want, id, e.Next()))
	}
	return nil
}

// pin is the topic's id by the description that was read last.
func (e *Engine) pin() string {
	if e.machine == nil {
		return e.start.Metadata.Topic
	}
	return e.machine.Topic()
}

func (e *Engine) within(b log.Bounds) error {
	name, next := e.host.Channel(), log.Offset(e.Next())
	read := next
	if e.Next() == e.start.Metadata.Offset+1 && e.start.Metadata.Cut != (machine.Digest{}) {
		read++ // the record that the last block was cut for
	}
	switch {
	case next < b.Start:
		return trimmed{b.Start, e.Next()}
	case read > b.End:
		return stop(because(CauseShortTopic, fmt.Errorf("topic %q ends at offset %d, but the ledger was made from the records below %d: "+
			"the topic was recreated, cut short, or is on another cluster", name, b.End, read)))
	}
	return nil
}
