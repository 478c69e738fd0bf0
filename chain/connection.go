package chain

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/fabric-kafka/orderer/chain/brokers"
	"github.com/fabric-kafka/orderer/chain/log"
	"github.com/fabric-kafka/orderer/chain/log/ahead"
	"github.com/fabric-kafka/orderer/chain/session"
	"github.com/fabric-kafka/orderer/chain/status"
)

// connection is a chain's connection to its topic. It holds the open log, and replaces it when the
// channel config names other brokers or another maximum size of envelopes. Only the loop opens and
// closes it; any number of goroutines may use it.
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
	_, err := c.appendAt(ctx, value)
	return err
}

// appendAt appends one record and returns its offset; negative if that is not known.
func (c *connection) appendAt(ctx context.Context, value []byte) (at log.Offset, err error) {
	at = -1
	err = c.use(func(o *openLog) (err error) {
		if placer, ok := o.Log.(log.Placer); ok {
			at, err = placer.AppendAt(ctx, value)
			return err
		}
		return o.Append(ctx, value)
	})
	if err != nil && log.ClassOf(err) == log.Ambiguous {
		c.opts.Events.Ambiguous(err)
	}
	return at, err
}

// slow names the brokers that have not answered for long, and the requests; empty for none.
func (c *connection) slow() (which string) {
	_ = c.use(func(o *openLog) error {
		if topic, ok := o.Log.(interface{ Slow() string }); ok {
			which = topic.Slow()
		}
		return nil
	})
	return which
}

// stalled reports whether records wait for a broker that does not answer.
func (c *connection) stalled() (waits bool) {
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

// wanted returns what a log has to be opened with by the channel config in force.
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
	_ = o.Close() // nothing can be done about an error
}

// topic is the connection as sessions use it. Used only by the loop.
type topic struct {
	*connection
	answered func() // is called when something came from the brokers
	late     int    // appends in a row that a time limit has ended
	surveyed bool   // the preflight has found the topic fit
}

// Open returns the topic as the channel config in force has it.
func (t *topic) Open() (log.Log, error) {
	opened, err := t.open()
	if err != nil {
		return nil, err
	}
	return watchedLog{opened, t.answered}, nil
}

// Current reports whether the log that Open returned is still the one to use.
func (t *topic) Current() (bool, error) { return t.isCurrent() }

// Append appends with the time limit of a client's append at first. A session repeats it until
// it is acknowledged, and each attempt that the limit ends may still add a record to the
// topic: the limit doubles with each of them.
func (t *topic) Append(ctx context.Context, value []byte) error {
	timed, cancel := context.WithTimeout(ctx, t.opts.AppendTimeout<<t.late)
	defer cancel()
	err := t.connection.append(timed, value)
	switch {
	case err == nil:
		t.late = 0
	case ctx.Err() == nil && timed.Err() != nil:
		t.late = min(t.late+1, maxDoubled)
	}
	return err
}

// maxDoubled keeps a time limit from overflowing: 10 s become a week.
const maxDoubled = 16

// watchedLog is a topic that reports each answer.
type watchedLog struct {
	log.Log
	answered func()
}

func (w watchedLog) Identity(ctx context.Context) (log.Identity, error) {
	defer w.answered()
	return w.Log.Identity(ctx)
}

func (w watchedLog) Bounds(ctx context.Context) (log.Bounds, error) {
	defer w.answered()
	return w.Log.Bounds(ctx)
}

func (w watchedLog) Create(ctx context.Context) error {
	defer w.answered()
	return w.Log.Create(ctx)
}

func (w watchedLog) Survey(ctx context.Context) ([]log.Finding, error) {
	defer w.answered()
	return w.Log.Survey(ctx)
}

func (w watchedLog) Read(ctx context.Context, from log.Offset) (log.Reader, error) {
	defer w.answered()
	r, err := w.Log.Read(ctx, from)
	if err != nil {
		return nil, err
	}
	return watchedReader{ahead.Start(r, session.DecodeAhead), w.answered}, nil
}

type watchedReader struct {
	log.Reader
	answered func()
}

func (w watchedReader) Next(ctx context.Context) (log.Record, error) {
	defer w.answered()
	return w.Reader.Next(ctx)
}

func (w watchedReader) Source(ctx context.Context) (string, error) {
	defer w.answered()
	return w.Reader.Source(ctx)
}
