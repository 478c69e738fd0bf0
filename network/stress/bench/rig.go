package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/fabric-kafka/orderer/network/fabricnet"
	"github.com/fabric-kafka/orderer/network/links"
)

// batchTimeout is that of every channel.
const batchTimeout = 500 * time.Millisecond

// measurement is one step that is being carried out.
type measurement struct {
	config  Config
	bin     string
	step    Step
	network *fabricnet.Network
	values  map[string]float64
	notes   []string
}

// run starts the network, measures, and ends the network whatever happens.
func (m *measurement) run(ctx context.Context) (err error) {
	dir := filepath.Join(m.config.Out, "network")
	defer func() {
		if _, absent := os.Stat(dir); absent != nil {
			return
		}
		if err != nil && ctx.Err() == nil {
			m.keepLogs(dir)
		}
		err = errors.Join(err, fabricnet.Down(dir, io.Discard))
	}()
	if m.step.Side.Kind == Ledger {
		return m.pinned(ctx, m.appendAlone)
	}
	if m.network, err = fabricnet.Up(ctx, m.options(dir)); err != nil {
		return err
	}
	if err := m.delay(ctx); err != nil {
		return err
	}
	return m.pinned(ctx, m.measure)
}

// keepLogs copies the logs of a step that failed, since the network's folder is removed.
func (m *measurement) keepLogs(dir string) {
	to := filepath.Join(m.config.Out, "failed", m.step.fileName())
	if err := errors.Join(os.RemoveAll(to), os.CopyFS(to, os.DirFS(filepath.Join(dir, "logs")))); err != nil {
		m.note("the logs are not kept: %v", err)
		return
	}
	m.note("the logs are in %s", to)
}

// measure does what the case asks for.
func (m *measurement) measure(ctx context.Context) error {
	if m.step.Side.Kind == Raw {
		return m.raw(ctx)
	}
	switch m.step.Case.Kind {
	case Replay:
		return m.replay(ctx)
	case StartUp:
		return m.startUp(ctx)
	case Idle:
		return m.idle(ctx)
	}
	return m.load(ctx)
}

// options returns the network of the step.
func (m *measurement) options(dir string) fabricnet.Options {
	c, side := m.step.Case, m.step.Side
	o := fabricnet.Options{
		Dir: dir, Bin: m.bin, Peers: -1, Orderers: c.Orderers, MaxMessages: c.Block, BatchTimeout: batchTimeout,
		BasePort: m.config.BasePort, Profiled: true, Proxied: c.Delay > 0, Orgs: c.Orgs, AnyWriters: c.Kind == Policies,
		Environment: []string{fmt.Sprintf("GOGC=%d", m.config.GOGC), "FABRIC_LOGGING_SPEC=warn"},
	}
	if c.Apache {
		o.Apache, o.BrokerCount = m.config.Kafka, c.Orderers
	}
	switch side.Kind {
	case Raft:
		o.Raft = m.channels()
	case InTree:
		o.Channels, o.InTree = m.channels(), side.Bin
		return o
	default:
		o.Channels = m.channels()
	}
	if side.Bin != "" {
		o.OrdererBins = map[int]string{}
		for i := range c.Orderers {
			o.OrdererBins[i+1] = side.Bin
		}
	}
	return o
}

// channels returns the names of the step's channels.
func (m *measurement) channels() (names []string) {
	for i := range max(1, m.step.Case.Channels) {
		names = append(names, fmt.Sprintf("bench%d", i+1))
	}
	return names
}

func (m *measurement) channel() string { return m.channels()[0] }

// delay slows down the links between orderers and brokers.
func (m *measurement) delay(ctx context.Context) error {
	if m.step.Case.Delay == 0 {
		return nil
	}
	const unlimited = 1 << 20 // KB a second
	proxy := links.Proxy(m.network.Descriptor().Proxy)
	for _, o := range m.network.Descriptor().Orderers {
		names, err := proxy.Links(ctx, o.Name)
		if err != nil {
			return err
		}
		for _, link := range names {
			if err := proxy.Slow(ctx, link, m.step.Case.Delay, 0, unlimited); err != nil {
				return err
			}
		}
	}
	return nil
}

// pinned runs f with every process on its cores, if the case asks for that.
func (m *measurement) pinned(ctx context.Context, f func(context.Context) error) (err error) {
	if !m.step.Case.Pinned {
		return f(ctx)
	}
	own := m.config.Others
	if m.step.Side.Kind == Ledger { // this process does the work of an orderer
		own = m.config.Orderers
	}
	restore, err := pinSelf(own)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, restore()) }()
	if err := m.pinNetwork(); err != nil {
		return err
	}
	return f(ctx)
}

// pinNetwork pins the processes of the network; again after each start of one.
func (m *measurement) pinNetwork() error {
	if !m.step.Case.Pinned || m.network == nil {
		return nil
	}
	var faults []error
	for _, pid := range m.ordererPIDs() {
		faults = append(faults, pin(pid, m.config.Orderers))
	}
	for _, pid := range m.brokerPIDs() {
		faults = append(faults, pin(pid, m.config.Others))
	}
	return errors.Join(faults...)
}

func (m *measurement) ordererPIDs() (pids []int) {
	for _, o := range m.network.Descriptor().Orderers {
		if o.PID != 0 {
			pids = append(pids, o.PID)
		}
	}
	return pids
}

func (m *measurement) brokerPIDs() (pids []int) {
	for _, name := range m.network.BrokerNames() {
		if pid := m.network.PID(name); pid != 0 {
			pids = append(pids, pid)
		}
	}
	return pids
}

// orderer returns the one that replays, or whose profile is taken.
func (m *measurement) orderer() fabricnet.Orderer { return m.network.Descriptor().Orderers[0] }

// restart ends the orderer, calls between, and starts it again.
func (m *measurement) restart(ctx context.Context, between func() error) error {
	name := m.orderer().Name
	if err := m.network.Stop(name); err != nil {
		return err
	}
	if err := between(); err != nil {
		return err
	}
	if err := m.network.Start(ctx, name); err != nil {
		return err
	}
	return m.pinNetwork()
}

// ledgerBytes returns the size of the blocks of an orderer's channel.
func (m *measurement) ledgerBytes(o fabricnet.Orderer) (sum int64) {
	parts, err := filepath.Glob(filepath.Join(m.network.Dir(), o.Dir, "ledger", "chains", m.channel(), "blockfile_*"))
	if err != nil {
		return 0
	}
	for _, file := range parts {
		if info, err := os.Stat(file); err == nil {
			sum += info.Size()
		}
	}
	return sum
}

// height returns the number of blocks that the orderer has.
func (m *measurement) height(ctx context.Context) (uint64, error) {
	r, err := fabricnet.NewReader(m.network.Dir(), m.network.Descriptor())
	if err != nil {
		return 0, err
	}
	return r.Height(ctx, m.orderer().Name, m.channel())
}

func (m *measurement) note(format string, args ...any) {
	m.notes = append(m.notes, fmt.Sprintf(format, args...))
}
