package session

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/fabric-kafka/orderer/chain/log"
	"github.com/fabric-kafka/orderer/chain/machine"
	"github.com/fabric-kafka/orderer/chain/status"
)

// missingLimit is how many sessions in a row must find no topic before it counts as deleted,
// in addition to the timeout: a process that was suspended may have asked only once.
const missingLimit = 5

// Connect begins a session: it makes sure that the topic is the one that the
// ledger was made from, and opens a reader at the next offset. A client of Kafka
// follows a topic by name: it reads a topic that was recreated or truncated without an
// error once that topic is long enough, so nothing is read before Connect.
func (d *Driver) Connect(ctx context.Context) error {
	d.Close()
	_, pending := written(d.effects)
	if err := d.host.Room(pending); err != nil {
		return err
	}
	topic, err := d.host.Open()
	if err != nil {
		return stop(err)
	}
	bounds, err := d.identify(ctx, topic)
	if err != nil {
		return err
	}
	if err := d.host.Survey(ctx, topic); err != nil {
		return err
	}
	if bounds, err = d.open(ctx, topic, bounds); err != nil {
		return err
	}
	d.noBlock, d.lost = false, false
	d.unread.Measure()
	d.extend(bounds)
	if d.ruleSet() != machine.Undescribed {
		d.host.RulesKnown()
	}
	d.host.Moved(status.Reading, nil)
	return nil
}

// extend records the end of the log as it is now: what was appended earlier is below it,
// or lost.
func (d *Driver) extend(b log.Bounds) {
	d.end, d.session.arrived = machine.Offset(b.End), false
	d.events.Measured(b.End)
	d.unread.Measured()
	if d.firstEnd < 0 || d.firstEnd > d.end { // a log that has lost its end has a nearer one
		d.firstEnd = d.end
	}
}

// identify makes sure that the topic is the channel's, and returns its bounds. The cost
// does not grow with the log.
func (d *Driver) identify(ctx context.Context, topic log.Log) (log.Bounds, error) {
	id, err := d.findTopic(ctx, topic)
	if err != nil {
		return log.Bounds{}, err
	}
	if err := d.sameTopic(id); err != nil {
		return log.Bounds{}, stop(err)
	}
	bounds, err := topic.Bounds(ctx)
	if err != nil {
		return log.Bounds{}, err
	}
	if err := d.within(bounds, d.NextOffset()); err != nil {
		return log.Bounds{}, err
	}
	d.asked = false
	if bounds.End == 0 {
		if err := d.mayCreate(ctx); err != nil {
			return log.Bounds{}, err
		}
		d.asked = true
	}
	d.found(id)
	return bounds, nil
}

// found records the topic's identity. Brokers of an older release give no ids.
func (d *Driver) found(id log.Identity) {
	d.topicID, d.clusterID = cmp.Or(id.TopicID, d.topicID), cmp.Or(id.ClusterID, d.clusterID)
}

// findTopic returns the topic's identity, and creates the topic if the channel never had
// one. A topic that disappeared is not recreated: an empty one would hide what happened.
func (d *Driver) findTopic(ctx context.Context, topic log.Log) (log.Identity, error) {
	id, err := topic.Identity(ctx)
	if err = d.missed(err); !errors.Is(err, log.ErrNoTopic) || d.hadTopic() {
		return id, err
	}
	if err := d.mayCreate(ctx); err != nil {
		return id, err
	}
	if err := topic.Create(ctx); err != nil {
		return id, err
	}
	return topic.Identity(ctx)
}

// hadTopic reports whether the channel's topic is known to have existed.
func (d *Driver) hadTopic() bool { return d.NextOffset() > 0 || d.topicID != "" }

// missed counts the answers in a row that the topic does not exist, and returns the error for this one; any other error
// is returned as it is.
func (d *Driver) missed(err error) error {
	if !errors.Is(err, log.ErrNoTopic) {
		d.missing = 0
		return err
	}
	if d.hadTopic() {
		return d.gone(err)
	}
	return err
}

// gone returns the error for a topic that used to exist. It counts as deleted only once every answer for a while has
// been that it does not exist: brokers that have just started may not know it yet, and none may know it while a controller restarts.
func (d *Driver) gone(err error) error {
	now, timeout := d.host.Uptime(), d.host.Config().MissingTimeout
	if d.missing == 0 {
		d.missingSince = now
	}
	d.missing++
	if d.missing < missingLimit || now-d.missingSince < timeout {
		return fmt.Errorf("%w; the channel stops if that lasts for %s", err, timeout)
	}
	return stop(because(status.CauseTopicDeleted, fmt.Errorf("topic %q was deleted: this orderer continues at its offset %d, and does not recreate it, since that would hide what was lost",
		d.start.Channel, d.NextOffset())))
}

// sameTopic compares the topic with the one that was read so far, and with the one that
// the description names.
func (d *Driver) sameTopic(id log.Identity) error {
	name := d.start.Channel
	if id.Partitions != 1 && d.NextOffset() == 0 {
		return because(status.CausePartitions, fmt.Errorf("topic %q has %d partitions, a channel's has one", name, id.Partitions))
	}
	if id.Partitions != 1 {
		d.events.Partitions(id.Partitions)
	}
	if d.topicID != "" && id.TopicID != "" && id.TopicID != d.topicID && d.NextOffset() > 0 {
		return because(status.CauseOtherTopic, fmt.Errorf("topic %q is not the same as before: its id was %s and is %s, this orderer continues at offset %d: "+
			"it was deleted and recreated, or the brokers belong to another cluster", name, d.topicID, id.TopicID, d.NextOffset()))
	}
	if err := d.stays(id.ClusterID); err != nil {
		return err
	}
	return d.pinned(id.TopicID)
}

// pinned compares a topic's id with the one that the description names, or the one that
// the operator has moved the channel to.
func (d *Driver) pinned(id string) error {
	if id == "" {
		return nil // a broker without ids
	}
	name := d.start.Channel
	want := d.pin()
	if moved := d.settings.MovedTo; moved != "" {
		if id != moved {
			return because(status.CauseNotMovedHere, fmt.Errorf("topic %q has id %s, but the orderer's settings say that the channel was moved to %s", name, id, moved))
		}
		return nil
	}
	if want != "" && id != want {
		return because(status.CauseOtherTopic, fmt.Errorf("topic %q is not the one that the channel was built on: its description names id %s, this one has %s, this orderer continues at offset %d: "+
			"it was deleted and recreated, or the brokers belong to another cluster", name, want, id, d.NextOffset()))
	}
	return nil
}

// pin returns the topic's id according to the description that was read last.
func (d *Driver) pin() string {
	if d.machine == nil {
		return d.start.Metadata.Topic
	}
	return d.machine.Topic()
}

// within compares the topic's bounds with what had been read when they were asked for: the records before next.
func (d *Driver) within(b log.Bounds, next machine.Offset) error {
	name, read := d.start.Channel, log.Offset(next)
	if next == d.start.Metadata.Offset+1 && d.start.Metadata.Cut != (machine.Digest{}) {
		read++ // the record that the last block was cut for
	}
	switch {
	case log.Offset(d.NextOffset()) < b.Start:
		return trimmed{b.Start, d.NextOffset()}
	case read > b.End:
		return stop(because(status.CauseShortTopic, fmt.Errorf("topic %q ends at offset %d, but the ledger was made from the records below %d: "+
			"the topic was recreated or truncated, or is in another cluster", name, b.End, read)))
	}
	return nil
}

// moved reports whether the operator has declared that the topic is not the one that its description names.
func (d *Driver) moved() bool { return d.settings.MovedTo != "" }

// sameCluster compares the brokers' cluster with the one that the description names, if
// both are known.
func (d *Driver) sameCluster(described string) error {
	if described == "" || d.clusterID == "" || described == d.clusterID || d.moved() {
		return nil
	}
	return because(status.CauseOtherCluster, fmt.Errorf("topic %q was created in Kafka cluster %s according to its description, but these brokers belong to cluster %s: "+
		"other orderers order this channel there", d.start.Channel, described, d.clusterID))
}

// errOtherCluster is wrapped when the brokers that answer belong to a different cluster than before.
var errOtherCluster = errors.New("the brokers belong to a different Kafka cluster than before")

// stays compares the brokers' cluster with the one that the topic was read from so far.
func (d *Driver) stays(id string) error {
	if d.clusterID == "" || id == "" || id == d.clusterID || d.moved() || d.NextOffset() == 0 {
		return nil
	}
	return because(status.CauseOtherCluster, fmt.Errorf("topic %q: %w: their id was %s and is %s, this orderer continues at offset %d",
		d.start.Channel, errOtherCluster, d.clusterID, id, d.NextOffset()))
}
