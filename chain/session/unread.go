package session

import (
	"context"
	"slices"

	"github.com/fabric-kafka/orderer/chain/log"
	"github.com/fabric-kafka/orderer/chain/machine"
	"github.com/fabric-kafka/orderer/chain/record"
)

// An append that was acknowledged is not a record that was read: an unclean
// leader election loses the one and not the other. Whatever the channel waits to
// read is therefore appended again when a session comes to the end that the log
// had at its start without having read it. A leader that lacks a record has
// another leader epoch, which ends the session before; at the latest the check
// that is due does.
//
//   - the description, as long as the topic has none
//   - the time-to-cut of what is pending: its timer is armed again
//   - the copies of lagging envelopes, whose clients were answered SUCCESS
//
// A process that ends forgets its copies. The other orderers append theirs.

// renew appends again, or has appended, what the log should have by now.
func (e *Engine) renew(ctx context.Context) error {
	if e.machine.RuleSet() == machine.Undescribed {
		return e.describe(ctx)
	}
	if block := e.machine.Timer(); block != 0 {
		e.host.Arm(block)
	}
	for len(e.unread.lost) > 0 {
		c := e.unread.lost[0]
		if err := e.host.Append(ctx, c.value); err != nil && log.ClassOf(err) != log.Rejected {
			return err
		} else if err == nil {
			e.events.Reproduced(c.at)
			e.unread.appended(c.at, c.value)
		}
		e.unread.lost = e.unread.lost[1:]
	}
	return nil
}

// unread are copies that were appended and not read back, in their order.
type unread struct {
	recent []copied // appended in this session: they are still to come
	lost   []copied // in one before: in the log below its end at this session's start, or lost
}

// copied is a copy of the record at an offset.
type copied struct {
	at     machine.Offset
	value  []byte
	digest machine.Digest
}

// begin starts another session.
func (u *unread) begin() {
	u.lost = append(u.lost, u.recent...)
	u.recent = nil
}

func (u *unread) appended(at machine.Offset, value []byte) {
	u.recent = append(u.recent, copied{at, value, record.DigestOf(value)})
}

// read forgets the copy that a record is. Equal ones are one: either will do.
func (u *unread) read(value []byte) {
	if len(u.recent)+len(u.lost) == 0 {
		return
	}
	digest := record.DigestOf(value)
	u.recent = without(u.recent, digest)
	u.lost = without(u.lost, digest)
}

func without(all []copied, digest machine.Digest) []copied {
	return slices.DeleteFunc(all, func(c copied) bool { return c.digest == digest })
}
