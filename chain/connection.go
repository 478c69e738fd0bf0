package chain

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/fabric-kafka/orderer/chain/brokers"
	"github.com/fabric-kafka/orderer/chain/log"
	"github.com/fabric-kafka/orderer/chain/status"
)

// connection is a chain's connection to its topic. It holds the open log, and replaces it
// when the channel config names other brokers or another size of envelopes. Only the loop
// opens and closes it; any number of goroutines may use it.
type connection struct {
	support Support
	opts    *Options

	mu      sync.Mutex
	current *openLog // nil before it was first opened and after close

	closers sync.WaitGroup // of logs that were replaced
}

// openLog is a log, what it was opened with, and who uses it.
type openLog struct {
	log.Log
	brokers []string
	limit   uint32 // AbsoluteMaxBytes of the channel

	users sync.WaitGroup // added to under the connection's mu while the log is its current one
}

// use calls f with the current log, which is not closed before f returns, unless the
// whole connection is. It returns log.ErrClosed if there is none.
func (c *connection) use(f func(*openLog) error) error {
	c.mu.Lock()
	o := c.current
	if o != nil {
		o.users.Add(1)
	}
	c.mu.Unlock()
	if o == nil {
		return log.ErrClosed
	}
	defer o.users.Done()
	return f(o)
}

// append appends one record.
func (c *connection) append(ctx context.Context, value []byte) error {
	err := c.use(func(o *openLog) error { return o.Append(ctx, value) })
	if err != nil && log.ClassOf(err) == log.Ambiguous {
		c.opts.Events.Ambiguous(err)
	}
	return err
}

// slow names the brokers that have not answered for long, and what; empty for none.
func (c *connection) slow() (which string) {
	_ = c.use(func(o *openLog) error {
		if topic, ok := o.Log.(interface{ Slow() string }); ok {
			which = topic.Slow()
		}
		return nil
	})
	return which
}

// held reports whether records wait for a broker that does not answer.
func (c *connection) held() (waits bool) {
	_ = c.use(func(o *openLog) error {
		topic, ok := o.Log.(interface{ Stalled() bool })
		waits = ok && topic.Stalled()
		return nil
	})
	return waits
}

// open returns the topic as the channel config in force has it. A log that it replaces is
// closed once nobody uses it.
func (c *connection) open() (log.Log, error) {
	addresses, limit, err := c.wanted()
	if err != nil {
		return nil, err
	}
	if o := c.now(); o.fits(addresses, limit) {
		return o.Log, nil
	}
	opened, err := c.opts.OpenLog(addresses, c.support.ChannelID(), limit)
	if err != nil {
		return nil, fmt.Errorf("open topic %q: %w", c.support.ChannelID(), err)
	}
	if old := c.replace(&openLog{Log: opened, brokers: addresses, limit: limit}); old != nil {
		c.closers.Go(func() {
			old.users.Wait()
			old.close()
		})
	}
	return opened, nil
}

// isCurrent reports whether the log is still the one that the channel config asks for.
func (c *connection) isCurrent() (bool, error) {
	addresses, limit, err := c.wanted()
	if err != nil {
		return false, err
	}
	return c.now().fits(addresses, limit), nil
}

// wanted returns what the channel config in force asks a log to be opened with.
func (c *connection) wanted() (addresses []string, limit uint32, err error) {
	addresses, err = c.brokers()
	return addresses, c.support.SharedConfig().BatchSize().AbsoluteMaxBytes, err
}

// brokers returns this orderer's own, or else the usable ones of the channel config in force.
func (c *connection) brokers() ([]string, error) {
	if len(c.opts.Brokers) > 0 {
		return c.opts.Brokers, nil
	}
	usable, err := brokers.Usable(c.support.ConfigtxValidator().ConfigProto())
	if err != nil {
		return nil, status.Fault{Cause: status.CauseNoBroker, Err: err}
	}
	return usable, nil
}

func (c *connection) now() *openLog {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.current
}

// replace makes a log the current one and returns the previous one.
func (c *connection) replace(next *openLog) *openLog {
	c.mu.Lock()
	defer c.mu.Unlock()
	old := c.current
	c.current = next
	return old
}

// close closes the current log; appends in flight end.
func (c *connection) close() {
	if old := c.replace(nil); old != nil {
		old.close()
	}
}

// fits reports whether a log was opened with these brokers and this limit.
func (o *openLog) fits(addresses []string, limit uint32) bool {
	return o != nil && o.limit == limit && slices.Equal(o.brokers, addresses)
}

func (o *openLog) close() {
	_ = o.Close() // nothing is left to be done about it
}
