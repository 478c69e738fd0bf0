package conn

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/IBM/sarama"

	"github.com/fabric-kafka/orderer/chain/log/kafka/pool"
)

// Client is a sarama client of a call, with the gate through which it connects.
type Client struct {
	sarama.Client // nil until Connect
	Gate          *Gate
	Kept          bool // another call has used it before

	topic  string    // that it has asked for last
	asked  time.Time // then
	pool   *clients  // nil: it is not kept
	turn   pool.Turn
	opened time.Time
}

// Take returns a client that an earlier call has left connected, if there is one, or one that is to be connected. The
// caller returns it.
func (c *Cluster) Take(ctx context.Context, e Errand) *Client {
	if c.pool == nil {
		return c.Fresh(e)
	}
	mine := c.pool.Await(ctx)
	taken, kept := c.pool.Take()
	if !kept {
		taken = c.Fresh(e)
	}
	taken.turn, taken.Kept = mine, kept
	taken.Gate.run(c, e)
	return taken
}

// Fresh returns a client that is to be connected. The caller returns it.
func (c *Cluster) Fresh(e Errand) *Client {
	g := c.Gate()
	g.run(c, e)
	return &Client{Gate: g, pool: c.pool, opened: time.Now()}
}

// Connect connects a client that has not been used before, and learns where the topic is.
func (c *Client) Connect(topic string) (err error) {
	if c.Client, err = NewClient(c.Gate.Config()); err != nil {
		return err
	}
	return c.refresh(topic)
}

// refresh asks for the brokers and the topic. Whatever is wrong with the topic is left to the call, which may be to create
// it: sarama would ask several times.
func (c *Client) refresh(topic string) error {
	retry := &c.Config().Metadata.Retry
	tries := retry.Max
	retry.Max = 0
	defer func() { retry.Max = tries }()
	for n := 0; ; n++ {
		err := c.RefreshMetadata(topic)
		if err == nil {
			c.topic, c.asked = topic, time.Now()
			return nil
		}
		if c.topic = ""; ofTopic(err) {
			return nil
		}
		if n == tries || c.Gate.Closed() {
			return err
		}
		time.Sleep(c.Gate.Pause(c.Gate.config.RetryBackoff))
	}
}

// ofTopic reports whether the brokers have answered, with an error about the topic.
func ofTopic(err error) bool {
	var code sarama.KError
	var access *AccessError
	return errors.As(err, &code) && !errors.As(err, &access) && !slices.Contains([]sarama.KError{
		sarama.ErrSASLAuthenticationFailed, sarama.ErrUnsupportedSASLMechanism, sarama.ErrIllegalSASLState}, code)
}

// Update asks again where a topic is, unless the client has done so within age. A broker that does not answer is soon
// abandoned for another.
func (c *Client) Update(topic string, age time.Duration) error {
	if c.topic == topic && time.Since(c.asked) < age {
		return nil
	}
	e := *c.Gate.errand.Load()
	asking := e
	asking.AnyBroker = true
	c.Gate.errand.Store(&asking)
	defer c.Gate.errand.Store(&e)
	return c.refresh(topic)
}

// moved are the answers of a broker that no longer does what it did when a kept client asked.
var moved = []sarama.KError{sarama.ErrNotLeaderForPartition, sarama.ErrNotCoordinatorForConsumer, sarama.ErrNotController,
	sarama.ErrFencedLeaderEpoch, sarama.ErrUnknownLeaderEpoch, sarama.ErrReplicaNotAvailable}

// Outdated reports whether a call may have failed because of what happened since the client was used before: its
// connections were closed, or the brokers have changed roles. Another client may succeed at once.
func (c *Client) Outdated(err error) bool {
	var code sarama.KError
	var waited *silence
	switch {
	case err == nil || !c.Kept || errors.As(err, &waited):
		return false
	case errors.As(err, &code):
		return slices.Contains(moved, code)
	}
	return true
}

// Return ends the use of a client. It is kept for other calls if this one went well and left nothing for them to wait for.
func (c *Client) Return(well bool) {
	mine := c.turn
	if !well || c.pool == nil || c.Gate.occupied() || !c.pool.Keep(c, c.opened) {
		c.Close()
	}
	mine.Over()
}

// Close closes the client and its connections.
func (c *Client) Close() {
	if c.Client != nil {
		CloseClient(c.Client)
	}
	c.Gate.Close()
}
