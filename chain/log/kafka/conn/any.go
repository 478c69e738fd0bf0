package conn

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/IBM/sarama"
)

// first returns the address of the first broker that answers. The next broker is asked
// concurrently if one does not answer within the stagger, and at once if one fails. So a
// broker that hangs costs one stagger, and a broker that answered recently is asked alone.
func (g *Gate) first() (address string, err error) {
	e := g.errand.Load()
	return g.firstOf(e.brokers.order(e.except))
}

// firstOf is first among the given brokers, in the order to ask them.
func (g *Gate) firstOf(order []string) (address string, err error) {
	ctx, cancel := context.WithCancel(g.done)
	r := &race{gate: g, ctx: ctx, order: order, ends: make(chan attempt)}
	defer r.running.Wait()
	defer cancel()
	if len(r.order) == 0 {
		return "", errNoOther
	}
	return r.run()
}

var errNoOther = errors.New("there is no other broker")

type race struct {
	gate    *Gate
	ctx     context.Context // ends with the race
	order   []string        // brokers not asked yet
	ends    chan attempt
	asked   int // attempts in flight
	running sync.WaitGroup
	errs    []error
}

type attempt struct {
	address string
	err     error
}

func (r *race) run() (string, error) {
	next := time.NewTimer(0)
	defer next.Stop()
	for {
		select {
		case <-next.C:
			if len(r.order) > 0 {
				r.ask()
				next.Reset(stagger)
			}
		case a := <-r.ends:
			if a.err == nil {
				return a.address, nil
			}
			r.asked--
			r.errs = append(r.errs, a.err)
			if len(r.order)+r.asked == 0 {
				return "", errors.Join(r.errs...)
			}
			next.Reset(0)
		case <-r.ctx.Done():
			return "", ErrCut
		}
	}
}

// ask asks the next broker.
func (r *race) ask() {
	address := r.order[0]
	r.order = r.order[1:]
	r.asked++
	r.running.Go(func() {
		err := r.gate.probe(r.ctx, address)
		select {
		case r.ends <- attempt{address, err}:
		case <-r.ctx.Done():
		}
	})
}

// probe returns nil if a broker answers: many accept connections long after they have
// stopped doing anything else. The connection is not reused, since a broker that requires
// a login accepts the request only once per connection, and sarama sends it too.
func (g *Gate) probe(ctx context.Context, address string) error {
	c, err := g.connect(ctx, address)
	if err != nil {
		return err
	}
	defer context.AfterFunc(ctx, func() { _ = c.raw.Close() })()
	defer func() { _ = c.Close() }() // nothing is in flight
	return c.probe(g.config.ReadTimeout)
}

// probe sends the one request that every broker answers before a login, in its oldest version.
func (c *conn) probe(limit time.Duration) error {
	const request = "\x00\x00\x00\x0a\x00\x12\x00\x00\x00\x00\x00\x00\x00\x00"
	if err := c.SetDeadline(time.Now().Add(limit)); err != nil {
		return err
	}
	if _, err := c.Write([]byte(request)); err != nil {
		return err
	}
	size := make([]byte, 4)
	if _, err := io.ReadFull(c, size); err != nil {
		return err
	}
	n := binary.BigEndian.Uint32(size)
	if n > maxVersionsSize {
		return fmt.Errorf("a response of %d bytes is not Kafka's", n)
	}
	_, err := io.CopyN(io.Discard, c, int64(n))
	return err
}

// maxVersionsSize is far above the size of a broker's list of supported versions.
const maxVersionsSize = 1 << 20

// leaderFromOthers asks any broker but one for the address of the partition's leader.
func (c *Cluster) leaderFromOthers(except string) (address string, err error) {
	if err := c.Enter(); err != nil {
		return "", err
	}
	defer c.Leave()
	ctx, cancel := context.WithTimeout(c.done, slowAfter)
	defer cancel()
	g := c.Gate()
	g.run(c, Errand{except: except, aside: true})
	defer g.Close()
	defer context.AfterFunc(ctx, g.Close)()
	answer, err := g.MetadataOfAny(c.topic)
	if err != nil {
		return "", err
	}
	return leaderIn(answer, c.topic)
}

// probeOthers probes all brokers but one: those that do not answer are reported.
func (c *Cluster) probeOthers(except string) {
	for _, address := range c.brokers.order(except) {
		if c.Enter() != nil {
			return
		}
		go func() {
			defer c.Leave()
			g := c.Gate()
			defer g.Close()
			defer context.AfterFunc(c.done, g.Close)()
			_ = g.probe(g.done, address) // a slow answer is reported
		}()
	}
}

// OpenAny connects to the first broker that answers.
func (g *Gate) OpenAny() (*sarama.Broker, error) {
	broker := sarama.NewBroker(anyBroker)
	return broker, broker.Open(g.Config())
}

// Recent returns the broker of a client that has answered most recently, connected; or, if none has
// answered at an address that the brokers report, the first that does.
func (g *Gate) Recent(c sarama.Client) (*sarama.Broker, error) {
	known := map[string]*sarama.Broker{}
	for _, b := range c.Brokers() {
		known[b.Addr()] = b
	}
	recent := g.brokers().recent()
	at := slices.IndexFunc(recent, func(address string) bool { return known[address] != nil })
	if at < 0 {
		first, err := g.firstOf(slices.Sorted(maps.Keys(known)))
		if err != nil {
			return nil, err
		}
		recent, at = []string{first}, 0
	}
	b := known[recent[at]]
	_ = b.Open(c.Config()) // unless it is open; the request returns its error
	return b, nil
}

// MetadataOfAny asks the first broker that answers for the metadata of a topic.
func (g *Gate) MetadataOfAny(topic string) (*sarama.MetadataResponse, error) {
	broker, err := g.OpenAny()
	if err != nil {
		return nil, err
	}
	defer func() { _ = broker.Close() }() // nothing is in flight
	return broker.GetMetadata(MetadataRequest(topic))
}

// leaderIn returns the address of the leader; empty if there is currently none.
func leaderIn(answer *sarama.MetadataResponse, topic string) (string, error) {
	for _, t := range answer.Topics {
		if t.Name != topic || t.Err != sarama.ErrNoError || len(t.Partitions) == 0 {
			continue
		}
		for _, b := range answer.Brokers {
			if b.ID() == t.Partitions[0].Leader {
				return b.Addr(), nil
			}
		}
		return "", nil
	}
	return "", sarama.ErrIncompleteResponse
}
