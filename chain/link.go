package chain

import (
	"fmt"
	"slices"
	"sync"

	"github.com/fabric-kafka/orderer/chain/log"
	"github.com/fabric-kafka/orderer/chain/session"
)

// link is an open log, what it was opened with, and the appends that use it.
// The loop opens, replaces and closes links.
type link struct {
	log     log.Log
	brokers []string
	limit   uint32 // AbsoluteMaxBytes of the channel

	users sync.WaitGroup // added to under the chain's mu while the link is the chain's
}

// use returns the link of the moment, or nil. The caller calls users.Done.
func (c *Chain) use() *link {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.link != nil {
		c.link.users.Add(1)
	}
	return c.link
}

// setLink puts a link in the place of another and returns the other.
func (c *Chain) setLink(k *link) *link {
	c.mu.Lock()
	defer c.mu.Unlock()
	old := c.link
	c.link = k
	return old
}

// linked returns the link to the topic as the channel config in force has it.
// Appends that still use the link before it end there; then it is closed.
func (c *Chain) linked() (*link, error) {
	brokers, err := c.brokers()
	if err != nil {
		return nil, err
	}
	limit := c.support.SharedConfig().BatchSize().AbsoluteMaxBytes
	c.mu.Lock()
	k := c.link
	c.mu.Unlock()
	if k.fits(brokers, limit) {
		return k, nil
	}
	opened, err := c.opts.OpenLog(brokers, c.support.ChannelID(), limit)
	if err != nil {
		return nil, fmt.Errorf("open topic %q: %w", c.support.ChannelID(), err)
	}
	next := &link{log: opened, brokers: brokers, limit: limit}
	if old := c.setLink(next); old != nil {
		c.work.Go(old.retire)
	}
	return next, nil
}

// fitting says whether the link still is the one that the channel config asks for.
func (c *Chain) fitting() (bool, error) {
	brokers, err := c.brokers()
	if err != nil {
		return false, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.link.fits(brokers, c.support.SharedConfig().BatchSize().AbsoluteMaxBytes), nil
}

// brokers are this orderer's own, or else the usable ones of the channel config in force.
func (c *Chain) brokers() ([]string, error) {
	if len(c.opts.Brokers) > 0 {
		return c.opts.Brokers, nil
	}
	brokers, err := UsableBrokers(c.support.ConfigtxValidator().ConfigProto())
	if err != nil {
		return nil, session.Fault{Cause: session.CauseNoBroker, Err: err}
	}
	return brokers, nil
}

// fits says whether the link is one to these brokers with this limit.
func (k *link) fits(brokers []string, limit uint32) bool {
	return k != nil && k.limit == limit && slices.Equal(k.brokers, brokers)
}

func (k *link) retire() {
	k.users.Wait()
	k.close()
}

func (k *link) close() {
	_ = k.log.Close() // nothing is left to be done about it
}

// unlink closes the link; appends in flight end.
func (c *Chain) unlink() {
	if old := c.setLink(nil); old != nil {
		old.close()
	}
}
