package session

import (
	"context"
	"fmt"

	"github.com/fabric-kafka/orderer/chain/log"
	"github.com/fabric-kafka/orderer/chain/machine"
	"github.com/fabric-kafka/orderer/chain/status"
)

// Check finds out, within a session, whether the topic is still the same. It reads no record: within the
// reader's term records are not replaced, and the reader reports when the term ends.
//
// The brokers may take long to answer, and records are handled meanwhile. So what they answer is how the topic
// was at some time after the check began, and is compared with what had been read by then.
type Check struct {
	session *session
	next    machine.Offset // of the driver, when the check began
	taken   log.Offset     // from the brokers, when the check began

	id     *log.Identity // nil: no answer
	bounds *log.Bounds   // nil: no answer
	source string        // the topic of the records that had been taken
	err    error         // of the request that was not answered; nil if all were
}

// Check begins a check: its Ask is called next, and then Apply.
func (d *Driver) Check() *Check {
	d.unread.Measure()
	return &Check{session: d.session, next: d.NextOffset(), taken: d.session.reader.Taken()}
}

// Ask asks the brokers. It may be called by another goroutine than the driver's.
func (c *Check) Ask(ctx context.Context) {
	id, err := c.session.topic.Identity(ctx)
	if err != nil {
		c.err = err
		return
	}
	c.id = &id
	bounds, err := c.session.topic.Bounds(ctx)
	if err != nil {
		c.err = err
		return
	}
	c.bounds = &bounds
	c.source, c.err = c.session.reader.Source(ctx)
}

// Apply applies the answers to a check; those to a check of an earlier session are ignored. An error ends the
// session; see [Driver.After].
func (d *Driver) Apply(c *Check) error {
	if c.session != d.session {
		return nil
	}
	_, pending := written(d.effects)
	if err := d.host.Room(pending); err != nil {
		return err
	}
	if c.id == nil {
		return d.missed(c.err)
	}
	d.missing = 0
	if err := d.sameTopic(*c.id); err != nil {
		return stop(err)
	}
	if c.bounds == nil {
		return c.err
	}
	if err := d.within(*c.bounds, c.next); err != nil {
		return err
	}
	d.asked = false
	d.found(*c.id)
	if c.err != nil {
		return c.err
	}
	if err := d.sourced(c.source, c.taken); err != nil {
		return err
	}
	if last := d.NextOffset() - 1; last >= 0 && machine.Offset(c.bounds.Start) > last {
		d.events.LastRecordUnchecked(last)
	}
	d.extend(*c.bounds)
	d.host.Moved(status.Reading, nil)
	return nil
}

// askSource asks the broker that the records came from for their topic.
func (d *Driver) askSource(ctx context.Context) error {
	taken := d.session.reader.Taken()
	id, err := d.session.reader.Source(ctx)
	if err != nil {
		return err
	}
	return d.sourced(id, taken)
}

// sourced returns an error if the records up to the one that was taken last are of another topic, and otherwise remembers
// that they are the topic's.
func (d *Driver) sourced(id string, taken log.Offset) error {
	if id != "" && d.topicID != "" && id != d.topicID {
		return fmt.Errorf("%w: its id is %s, not %s", errOtherTopic, id, d.topicID)
	}
	d.session.sourced = max(d.session.sourced, taken+1)
	return nil
}
