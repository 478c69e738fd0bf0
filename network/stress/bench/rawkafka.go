package bench

import (
	"context"
	"encoding/binary"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/IBM/sarama"
	"golang.org/x/sync/errgroup"

	"github.com/fabric-kafka/orderer/network/inspect"
	"github.com/fabric-kafka/orderer/network/links"
	"github.com/fabric-kafka/orderer/network/stress/load"
)

// rawTopic is the topic of the raw side. The orderers of its network are not running.
const rawTopic = "raw"

// raw measures what sarama alone does with records of the same size: every stream sends a record once its last one is
// acknowledged by all in-sync replicas, and a consumer reads them.
func (m *measurement) raw(ctx context.Context) (err error) {
	brokers, err := m.rawBrokers(ctx)
	if err != nil {
		return err
	}
	for _, o := range m.network.Descriptor().Orderers {
		if err := m.network.Stop(o.Name); err != nil {
			return err
		}
	}
	c, err := sarama.NewClient(brokers, m.rawConfig())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	if err := m.createRaw(brokers); err != nil {
		return err
	}
	if m.step.Case.Kind == Replay {
		return m.rawReplay(ctx, c)
	}
	return m.rawLoad(ctx, c, brokers)
}

// rawBrokers returns the addresses at which the first orderer reaches the brokers.
func (m *measurement) rawBrokers(ctx context.Context) (addresses []string, err error) {
	d := m.network.Descriptor()
	if d.Proxy == "" {
		return d.Brokers, nil
	}
	proxy := links.Proxy(d.Proxy)
	names, err := proxy.Links(ctx, m.orderer().Name)
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		address, err := proxy.Address(ctx, name)
		if err != nil {
			return nil, err
		}
		addresses = append(addresses, address)
	}
	return addresses, nil
}

// rawConfig returns settings with an orderer's guarantees: acknowledged by all in-sync replicas, and no record twice.
func (m *measurement) rawConfig() *sarama.Config {
	c := sarama.NewConfig()
	c.Version = sarama.V2_8_0_0
	c.Producer.RequiredAcks = sarama.WaitForAll
	c.Producer.Idempotent = true
	c.Net.MaxOpenRequests = 1
	c.Producer.Return.Successes = true
	c.Producer.Partitioner = sarama.NewManualPartitioner
	c.Consumer.Fetch.Default = 4 << 20
	return c
}

func (m *measurement) createRaw(brokers []string) (err error) {
	admin, err := sarama.NewClusterAdmin(brokers, m.rawConfig())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, admin.Close()) }()
	return admin.CreateTopic(rawTopic, &sarama.TopicDetail{NumPartitions: 1, ReplicationFactor: int16(m.network.Options().Replication)}, false)
}

// rawReplay fills the topic, then reads it from its beginning.
func (m *measurement) rawReplay(ctx context.Context, c sarama.Client) (err error) {
	l, err := inspect.OpenTopic(m.network.Descriptor().Brokers, rawTopic)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, l.Close()) }()
	n, value := m.step.Case.wholeBlocks(), make([]byte, m.config.Size)
	g, appending := errgroup.WithContext(ctx)
	for range 256 {
		g.Go(func() error {
			for i := 0; i < n/256+1; i++ {
				if err := l.Append(appending, value); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	before, began := m.rawSample(), time.Now()
	if err := consume(ctx, c, sarama.OffsetOldest, func(i int, _ *sarama.ConsumerMessage) bool { return i < n }); err != nil {
		return err
	}
	m.values[replayed] = float64(n) / time.Since(began).Seconds()
	m.rawUsed(before, float64(n))
	return nil
}

// consume calls take with the records of the topic, counted from 1, until it returns false.
func consume(ctx context.Context, c sarama.Client, from int64, take func(int, *sarama.ConsumerMessage) bool) (err error) {
	consumer, err := sarama.NewConsumerFromClient(c)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, consumer.Close()) }()
	p, err := consumer.ConsumePartition(rawTopic, 0, from)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.Close()) }()
	for i := 1; ; i++ {
		select {
		case r := <-p.Messages():
			if !take(i, r) {
				return nil
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// firstMeasured is the offset of the record after the one that opens the connections.
const firstMeasured = 1

// rawRun is a load of the raw side.
type rawRun struct {
	m        *measurement
	producer sarama.SyncProducer
	rate     int // a second; 0: unlimited
	began    time.Time
	sent     atomic.Int64
	last     atomic.Int64 // nanoseconds from began to the last record that was read

	mu            sync.Mutex
	acks, commits []time.Duration
}

// rawLoad reads with one client and appends with another: on a connection, a request to append would wait for the answer
// to one for records that do not exist yet.
func (m *measurement) rawLoad(ctx context.Context, c sarama.Client, brokers []string) (err error) {
	producer, err := sarama.NewSyncProducer(brokers, m.rawConfig())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, producer.Close()) }()
	r := &rawRun{m: m, producer: producer, began: time.Now()}
	if err := r.send(r.began); err != nil { // opens the connections
		return err
	}
	r.acks = nil
	if m.step.Case.Kind == Rate {
		r.rate = m.step.Case.Rate
	}
	before := m.rawSample()
	if err := r.run(ctx, c, time.Duration(m.config.Seconds)*time.Second); err != nil {
		return err
	}
	n, read := float64(len(r.acks)), time.Duration(r.last.Load())
	m.values[acknowledged] = n / float64(m.config.Seconds)
	m.values[committed] = n / read.Seconds()
	p50, p99 := load.Percentiles(r.acks)
	m.values[ackP50], m.values[ackP99] = inMilliseconds(p50), inMilliseconds(p99)
	p50, p99 = load.Percentiles(r.commits)
	m.values[commitP50], m.values[commitP99] = inMilliseconds(p50), inMilliseconds(p99)
	m.rawUsed(before, n)
	return nil
}

// run sends on all streams for some time, and returns once all records were read.
func (r *rawRun) run(ctx context.Context, c sarama.Client, length time.Duration) error {
	reading, stop := context.WithCancel(ctx)
	defer stop()
	r.began = time.Now()
	end := make(chan int, 1)
	var readers errgroup.Group
	readers.Go(func() error {
		want := -1
		return consume(reading, c, firstMeasured, func(i int, m *sarama.ConsumerMessage) bool {
			r.read(m)
			select {
			case want = <-end:
			default:
			}
			return want < 0 || i < want
		})
	})
	var streams errgroup.Group
	for range r.m.config.Streams {
		streams.Go(func() error { return r.stream(ctx, r.began.Add(length)) })
	}
	if err := streams.Wait(); err != nil {
		stop()
		return errors.Join(err, readers.Wait())
	}
	end <- len(r.acks) + 1
	if err := r.send(time.Now()); err != nil { // wakes the reader, which may have read all others before
		stop()
		return errors.Join(err, readers.Wait())
	}
	r.acks = r.acks[:len(r.acks)-1]
	return readers.Wait()
}

// stream sends records one after the other, at the run's rate over all streams.
func (r *rawRun) stream(ctx context.Context, until time.Time) error {
	for ctx.Err() == nil {
		due := time.Now()
		if n := r.sent.Add(1) - 1; r.rate > 0 {
			due = r.began.Add(time.Duration(n) * time.Second / time.Duration(r.rate))
		}
		if due.After(until) || !pause(ctx, time.Until(due)) {
			return nil
		}
		if err := r.send(due); err != nil {
			return err
		}
	}
	return nil
}

// send sends one record, which says when it was due.
func (r *rawRun) send(due time.Time) error {
	value := make([]byte, r.m.config.Size)
	binary.BigEndian.PutUint64(value, uint64(due.Sub(r.began)))
	if _, _, err := r.producer.SendMessage(&sarama.ProducerMessage{Topic: rawTopic, Value: sarama.ByteEncoder(value)}); err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.acks = append(r.acks, time.Since(due))
	return nil
}

func (r *rawRun) read(m *sarama.ConsumerMessage) {
	now := time.Since(r.began)
	r.last.Store(int64(now))
	r.mu.Lock()
	defer r.mu.Unlock()
	r.commits = append(r.commits, now-time.Duration(binary.BigEndian.Uint64(m.Value)))
}

func (m *measurement) rawSample() sample {
	return sample{brokers: total(m.brokerPIDs()), generator: selfCPU()}
}

// rawUsed stores the CPU of brokers and of sarama, which here takes the place of the orderer's.
func (m *measurement) rawUsed(before sample, n float64) {
	after := m.rawSample()
	m.used(before, after, n)
	for _, key := range []string{written, memory, memoryPeak, files} {
		delete(m.values, key)
	}
	m.values[cpuOrderers] = m.values[cpuGenerator]
	delete(m.values, cpuGenerator)
}
