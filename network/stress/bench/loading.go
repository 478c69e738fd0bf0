package bench

import (
	"context"
	"fmt"
	"time"

	"github.com/fabric-kafka/orderer/network/stress/load"
)

// Loads of a case.
const (
	warmUp        = 2 * time.Second
	overloaded    = 1.2
	overloadFlow  = 1024    // streams: with few of them, an overload would be a closed loop
	overloadTotal = 100_000 // envelopes, in runs of full length
	fullSeconds   = 10      // a run of full length lasts at least that
)

// load sends envelopes through Broadcast and takes all measures of a load.
func (m *measurement) load(ctx context.Context) error {
	base := load.Config{Channel: m.channel(), Size: m.config.Size, Streams: m.config.Streams, Persist: true, Settle: 30 * time.Second}
	if err := base.Use(m.network, ""); err != nil {
		return err
	}
	warm := base
	warm.Until = time.Now().Add(warmUp)
	first, err := load.Run(ctx, warm)
	if err != nil {
		return fmt.Errorf("warm up: %w", err)
	}
	if !first.Sound() {
		return unsound("warm up", first)
	}
	c := m.shape(base, first)
	before, profiled := sample{}, make(chan profiled, 1)
	var began time.Time
	c.Began = func() {
		before, began = m.sample(), time.Now()
		go func() { profiled <- m.profile(ctx, m.config.Seconds-1) }()
	}
	result, err := load.Run(ctx, c)
	if began.IsZero() {
		return err
	}
	after, taken := m.sample(), <-profiled
	if err != nil {
		return err
	}
	if !result.Sound() {
		return unsound("load", result)
	}
	m.loaded(result, before, after)
	m.stages(taken)
	return nil
}

func unsound(what string, r load.Result) error {
	reasons := r.MostOften()
	first := ""
	if len(reasons) > 0 {
		first = "; most often " + reasons[0]
	}
	return fmt.Errorf("%s: of %d envelopes %d were acknowledged, %d refused, %d acknowledged ones are missing and %d duplicated%s; see its log",
		what, r.Sent, r.Acknowledged, r.Refused, r.Missing, r.Duplicated, first)
}

// shape returns the load of the case, given what the side did in the warm-up. All envelopes of a closed loop are signed
// before the clock starts, as far as load holds them.
func (m *measurement) shape(c load.Config, first load.Result) load.Config {
	seconds := m.config.Seconds
	switch m.step.Case.Kind {
	case Rate:
		c.Rate, c.Due = m.step.Case.Rate, true
		c.Tx = c.Rate * seconds
	case Overload:
		c.Rate, c.Due, c.Streams = int(overloaded*first.CommittedTx), true, overloadFlow
		c.Tx = c.Rate * seconds
		if seconds >= fullSeconds {
			c.Tx = max(c.Tx, overloadTotal)
		}
		m.values[offered] = float64(c.Rate)
	default:
		c.Tx = wholeBlocks(int(first.CommittedTx)*seconds, m.step.Case.Block) // no block waits for the batch timeout
	}
	return c
}

// sample is the usage of all processes at one time.
type sample struct {
	orderers, brokers usage
	generator         float64 // seconds of processor time
	blocks            int64   // bytes, of all orderers
}

func (m *measurement) sample() sample {
	s := sample{orderers: total(m.ordererPIDs()), brokers: total(m.brokerPIDs()), generator: selfCPU()}
	for _, o := range m.network.Descriptor().Orderers {
		s.blocks += m.ledgerBytes(o)
	}
	return s
}

// loaded stores the measures of a load.
func (m *measurement) loaded(r load.Result, before, after sample) {
	v := m.values
	v[committed], v[acknowledged] = r.CommittedTx, r.AcknowledgedTx
	if r.CommittedTx > 0 {
		v[ackRatio] = r.AcknowledgedTx / r.CommittedTx
	}
	if r.Refused > 0 {
		v[refused] = 100 * float64(r.Refused) / float64(r.Sent)
	}
	v[ackP50], v[ackP99] = inMilliseconds(r.AckP50), inMilliseconds(r.AckP99)
	v[commitP50], v[commitP99] = inMilliseconds(r.CommitP50), inMilliseconds(r.CommitP99)
	m.used(before, after, float64(r.Acknowledged))
	v[memoryGrowth] = (after.orderers.memory - before.orderers.memory) / megabyte
}

const megabyte = 1e6

func inMilliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// used stores what processes used between two samples, in which tx transactions were ordered.
func (m *measurement) used(before, after sample, tx float64) {
	const microsecond = 1e6
	v := m.values
	if used := after.orderers.cpu - before.orderers.cpu; used > 0 {
		v[cpuOrderers] = used * microsecond / tx
	}
	if used := after.brokers.cpu - before.brokers.cpu; used > 0 {
		v[cpuBrokers] = used * microsecond / tx
	}
	if used := after.generator - before.generator; used > 0 {
		v[cpuGenerator] = used * microsecond / tx
	}
	m.held(after.orderers)
	v[written] = (after.orderers.written - before.orderers.written) / megabyte
	if blocks := float64(after.blocks - before.blocks); blocks > 0 && v[written] > 0 {
		v[writtenRatio] = v[written] * megabyte / blocks
	}
}

// held stores the memory and the open files of an orderer.
func (m *measurement) held(u usage) {
	m.values[memory], m.values[memoryPeak], m.values[files] = u.memory/megabyte, u.memoryPeak/megabyte, u.files
}
