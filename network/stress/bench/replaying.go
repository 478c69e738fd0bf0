package bench

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/fabric-kafka/orderer/network/client"
	"github.com/fabric-kafka/orderer/network/fabricnet"
	"github.com/fabric-kafka/orderer/network/stress/load"
)

// writer returns whose records the side reads in production.
func (s Side) writer() load.Writer {
	if s.Kind == InTree {
		return load.InTree
	}
	return load.Ours
}

// wholeBlocks returns a number of records that leaves none pending.
func (c Case) wholeBlocks() int { return wholeBlocks(c.Records, c.Block) }

// wholeBlocks returns the largest number that fills blocks, which is at most n unless that is not even one block.
func wholeBlocks(n, block int) int { return max(1, n/block) * block }

// caughtUp starts the orderer on a topic that has grown by the records of the case while it was not running, calls
// started, and returns the growth of its ledger once it has all blocks.
func (m *measurement) caughtUp(ctx context.Context, started func()) (growth, error) {
	records, err := load.RecordsOf(ctx, m.network, m.channel(), m.config.Size, m.step.Side.writer())
	if err != nil {
		return growth{}, err
	}
	height, err := m.height(ctx)
	if err != nil {
		return growth{}, err
	}
	n := m.step.Case.wholeBlocks()
	if err := m.restart(ctx, func() error { return records.FillTopic(ctx, m.network.Descriptor().Brokers, m.channel(), n) }); err != nil {
		return growth{}, err
	}
	g := m.watch(ctx, m.orderer(), started)
	now, err := m.height(ctx)
	if want := height + uint64(n/m.step.Case.Block); err == nil && now < want {
		err = fmt.Errorf("the orderer stopped at block %d of %d; see its log", now-1, want-1)
	}
	return g, errors.Join(err, ctx.Err())
}

// growth is how a ledger grew.
type growth struct {
	first, last point
	from        int64 // bytes of the ledger before
}

// point is the state of a ledger and its process at one time.
type point struct {
	at      time.Time
	bytes   int64
	cpu     float64 // seconds
	brokers float64
}

// still is how long a ledger must not grow to count as complete.
const still = 1500 * time.Millisecond

// watch follows a ledger by the size of its files, which costs the orderer nothing, until it has grown and grows no more.
func (m *measurement) watch(ctx context.Context, o fabricnet.Orderer, started func()) (g growth) {
	look := func() point {
		return point{time.Now(), m.ledgerBytes(o), cpuOf(o.PID), cpuOf(m.brokerPIDs()...)}
	}
	g.first = look()
	g.last, g.from = g.first, g.first.bytes
	started()
	const silence = 30 * time.Second // before the first block
	for ctx.Err() == nil {
		now := look()
		if now.bytes > g.last.bytes {
			g.last = now
		}
		quiet := now.at.Sub(g.last.at)
		if quiet > still && g.last.bytes > g.first.bytes || quiet > silence {
			return g
		}
		time.Sleep(10 * time.Millisecond)
	}
	return g
}

// replay measures how fast an orderer reads a long topic into an empty ledger.
func (m *measurement) replay(ctx context.Context) error {
	empty := m.ledgerBytes(m.orderer())
	taken := make(chan profiled, 1)
	var before sample
	g, err := m.caughtUp(ctx, func() {
		before = m.sample()
		go func() { taken <- m.profile(ctx, 2) }()
	})
	if err != nil {
		return err
	}
	n := float64(m.step.Case.wholeBlocks())
	// All blocks have the same size: what was written before the first look is not counted.
	n *= float64(g.last.bytes-g.first.bytes) / float64(g.last.bytes-empty)
	took := g.last.at.Sub(g.first.at).Seconds()
	if took <= 0 || n < 1 {
		return errors.New("the replay ended before it could be measured; measure more records with --replayed")
	}
	m.used(before, m.sample(), n)
	const microsecond = 1e6
	m.values[replayed] = n / took
	m.values[cpuOrderers] = (g.last.cpu - g.first.cpu) * microsecond / n
	m.values[cpuBrokers] = (g.last.brokers - g.first.brokers) * microsecond / n
	delete(m.values, cpuGenerator) // which only looked
	m.stages(<-taken)
	return nil
}

// startUp measures how soon an orderer with a full ledger and a long topic acknowledges.
func (m *measurement) startUp(ctx context.Context) error {
	if _, err := m.caughtUp(ctx, func() {}); err != nil {
		return err
	}
	return m.timeStart(ctx)
}

// timeStart stops and starts the orderer, and stores the time until it has acknowledged an envelope on every channel.
func (m *measurement) timeStart(ctx context.Context) error {
	var began time.Time
	if err := m.restart(ctx, func() error { began = time.Now(); return nil }); err != nil {
		return err
	}
	var c load.Config
	if err := c.Use(m.network, m.orderer().Name); err != nil {
		return err
	}
	o, err := client.Dial(c.Targets[0].Address, client.TLS{CA: c.Targets[0].CA})
	if err != nil {
		return err
	}
	defer o.Close()
	for _, channel := range m.channels() {
		e, err := c.Who.Message(channel, m.config.Size)
		if err != nil {
			return err
		}
		for err = o.Submit(ctx, e); err != nil; err = o.Submit(ctx, e) {
			if ctx.Err() != nil {
				return fmt.Errorf("channel %s acknowledges nothing: %w; see the orderer's log", channel, err)
			}
			time.Sleep(5 * time.Millisecond)
		}
	}
	m.values[startUp] = time.Since(began).Seconds()
	m.held(total(m.ordererPIDs()))
	return nil
}

// idle measures what channels cost without transactions, and then how soon all of them are ready after a start.
func (m *measurement) idle(ctx context.Context) error {
	length := time.Duration(3*m.config.Seconds) * time.Second // by default longer than an orderer's checks are apart
	if !pause(ctx, length/2) {
		return ctx.Err()
	}
	before, began := m.sample(), time.Now()
	if !pause(ctx, length) {
		return ctx.Err()
	}
	after := m.sample()
	m.values[idleCPU] = 100 * (after.orderers.cpu - before.orderers.cpu) / time.Since(began).Seconds()
	m.held(after.orderers)
	held := map[string]float64{}
	for _, key := range []string{memory, memoryPeak, files} {
		held[key] = m.values[key]
	}
	if err := m.timeStart(ctx); err != nil {
		return err
	}
	for key, v := range held {
		m.values[key] = v
	}
	return nil
}

func pause(ctx context.Context, d time.Duration) bool {
	select {
	case <-time.After(d):
		return true
	case <-ctx.Done():
		return false
	}
}
