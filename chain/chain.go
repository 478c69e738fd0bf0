// Package chain implements Fabric's consensus.Chain on a Kafka topic. Order and Configure
// append envelopes to the topic and return when they are acknowledged. One goroutine, the
// loop, drives the channel's sessions, which read the topic in offset order, step the
// machine and perform its effects. Nothing else touches the machine, CreateNextBlock or the
// block writer. Package session decides what is done, package chain when.
//
// Other goroutines are at most one poster of a time-to-cut record, the closer of a log that
// was replaced, one that takes records ahead of the loop, one that asks the brokers for a check
// of the topic, and those that monitor the channel. The chain starts them, and Halt waits for them
// and for every call in flight.
//
// Whatever Kafka does, the process keeps running: failures that may pass are retried
// without limit, with visible status; what needs an operator stops this channel with a reason.
package chain

import (
	"bytes"
	"context"
	"fmt"
	"sync"

	"github.com/hyperledger/fabric/common/channelconfig"
	"github.com/hyperledger/fabric/orderer/common/types"
	"github.com/hyperledger/fabric/orderer/consensus"
	"github.com/hyperledger/fabric/protoutil"

	"github.com/fabric-kafka/orderer/chain/block"
	"github.com/fabric-kafka/orderer/chain/fabric"
	"github.com/fabric-kafka/orderer/chain/form"
	"github.com/fabric-kafka/orderer/chain/guard"
	"github.com/fabric-kafka/orderer/chain/handover"
	"github.com/fabric-kafka/orderer/chain/ingress"
	"github.com/fabric-kafka/orderer/chain/log"
	"github.com/fabric-kafka/orderer/chain/machine"
	"github.com/fabric-kafka/orderer/chain/session"
	"github.com/fabric-kafka/orderer/chain/stall"
	"github.com/fabric-kafka/orderer/chain/status"
	"github.com/fabric-kafka/orderer/chain/verdict"
)

var (
	_ consensus.Chain             = (*Chain)(nil)
	_ consensus.StatusReporter    = (*Chain)(nil)
	_ consensus.MetadataValidator = (*Chain)(nil)
)

// Chain orders the envelopes of one channel. It is safe for concurrent use.
type Chain struct {
	support   Support
	opts      Options
	validator validator
	hashes    hashes

	incomplete bool // the last comparison could not read what all others published; used only by the goroutine that compares

	progress   log.Progress   // as published last; used only by the goroutine that publishes
	progressAt *fabric.Config // in force then

	start    machine.Start
	status   *channelStatus
	life     context.Context // ends with Halt
	end      context.CancelFunc
	slots    chan struct{}      // one for each append of a client
	limit    *ingress.TimeLimit // of appends of clients
	backlog  ingress.Backlog    // of normal envelopes
	measured stall.Last         // the end of the topic

	connection *connection
	ledger     *ledgerWriter // used only by the loop until work is done
	peers      *peers        // used only by the loop

	mu      sync.Mutex
	started bool
	closing bool

	calls sync.WaitGroup // of clients, in flight; added to under mu while not closing
	work  sync.WaitGroup // the loop, the posters of cuts, and what runs alongside the loop

	halt sync.Once
}

// New returns the chain of a channel, not yet started. metadata is the value of
// the consenter metadata of the ledger's last block. It never fails, since the
// registrar panics when it does: a chain that cannot continue its ledger has stopped,
// and reports why.
func New(support Support, metadata []byte, opts Options) *Chain {
	opts = opts.withDefaults()
	life, end := context.WithCancel(context.Background())
	c := &Chain{
		support:   support,
		opts:      opts,
		validator: verdict.New(support, opts.Crypto),
		hashes:    hashes{support: support, now: map[uint64]log.BlockHash{}},
		life:      life,
		end:       end,
		slots:     make(chan struct{}, opts.Inflight),
		limit:     ingress.NewTimeLimit(life, opts.AppendTimeout),
	}
	measured := c.opts.Events.Measured
	c.opts.Events.Measured = func(end log.Offset) { c.measured.Now(); measured(end) }
	c.status = newStatus(&c.opts)
	c.connection = &connection{support: support, opts: &c.opts}
	c.peers = &peers{support: support, opts: &c.opts}
	c.ledger = &ledgerWriter{support: support, opts: &c.opts, peers: c.peers, height: support.Height()}
	err := guard.Call(func() (err error) {
		c.opts.Events.Configured(support.SharedConfig().ConsensusType())
		if form.Of(support.ConfigtxValidator().ConfigProto()) == form.Shared {
			c.opts.AllowUndescribed = false // no in-tree orderer can order it
		}
		if err = c.opts.Handover.Check(support.ConfigtxValidator().ConfigProto()); err == nil {
			c.start, err = startOf(support, metadata)
		}
		return err
	})
	if err != nil {
		c.fail(err)
	}
	return c
}

// startOf returns what the machine needs to know of the ledger.
func startOf(s Support, metadata []byte) (machine.Start, error) {
	height := s.Height()
	position, err := session.Position(height, metadata)
	if err != nil {
		return machine.Start{}, err
	}
	if err := checkMetadata(s.Block(height-1), metadata); err != nil {
		return machine.Start{}, err
	}
	if err := handover.CheckLast(s.ConfigtxValidator().ConfigProto(), height, metadata); err != nil {
		return machine.Start{}, err
	}
	genesis := s.Block(0)
	if genesis == nil || genesis.Header == nil {
		return machine.Start{}, ledgerFault("the ledger has no block 0, which identifies the channel's topic")
	}
	if data := genesis.GetData().GetData(); len(data) > 0 && !bytes.Equal(block.DataHash(data), genesis.Header.DataHash) {
		return machine.Start{}, ledgerFault("block 0 does not match the data hash in its header")
	}
	config := configOf(s)
	return machine.Start{
		Channel:     s.ChannelID(),
		GenesisHash: protoutil.BlockHeaderHash(genesis.Header),
		Next:        machine.BlockNumber(height),
		Metadata:    position,
		Seq:         config.Seq,
		Limits:      config.Limits,

		Resubmission: config.Resubmission,
	}, nil
}

// checkMetadata makes sure that the consenter metadata that the registrar read from the
// ledger's last block is what the block's signatures cover. Fabric's own replication, which
// may have written the ledger, does not check that.
func checkMetadata(last *fabric.Block, metadata []byte) error {
	if last.GetHeader() == nil {
		return ledgerFault("the ledger has no last block")
	}
	bound, err := block.ConsenterMetadata(last)
	if err != nil {
		return ledgerFault("the ledger's last block, %d: %w", last.Header.Number, err)
	}
	if last.Header.Number > 0 && !bytes.Equal(bound, metadata) {
		return status.Fault{Cause: status.CauseInternal, Err: fmt.Errorf("the ledger's last block, %d, has consenter metadata other than what the registrar read from it: "+
			"the plugin was built for another Fabric version", last.Header.Number)}
	}
	return nil
}

// ledgerFault returns the error that stops a channel which cannot be continued from its ledger.
func ledgerFault(format string, args ...any) error {
	return status.Fault{Cause: status.CauseLedger, Err: fmt.Errorf(format, args...)}
}

// Start starts the loop and returns. It does nothing on a chain that has stopped or was
// halted.
func (c *Chain) Start() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.started || c.closing || c.stopped() {
		return
	}
	c.started = true
	c.status.begin()
	l := newLoop(c)
	c.work.Go(l.run)
	c.work.Go(c.pulse)
	c.work.Go(c.measure)
}

func (c *Chain) stopped() bool {
	final, _ := c.status.final()
	return final
}

// Halt stops the chain. It returns when no append to the topic or the ledger is in flight or
// can follow. It is idempotent and may be called at any time.
func (c *Chain) Halt() {
	c.halt.Do(func() {
		c.mu.Lock()
		c.closing = true
		c.mu.Unlock()
		c.status.to(status.Halted, nil)
		c.end()
		c.calls.Wait()
		c.work.Wait()
		c.connection.closers.Wait()
		c.awaitCommit()
		c.opts.Events.Halted()
	})
}

// awaitCommit waits until the last block is committed: the registrar removes the ledger next, and an append to a
// closed ledger panics the process.
func (c *Chain) awaitCommit() { handover.AwaitHeight(c.support, c.ledger.height) }

// fail stops the channel permanently; the loop ends, or never starts.
func (c *Chain) fail(err error) {
	err = c.opts.Explain(err)
	if _, changed := c.status.to(status.Failed, err); changed {
		c.opts.Events.Failed(err)
	}
}

// Errored returns a channel that is closed when this orderer does not know whether its blocks are the
// newest: it has stopped, or has been cut off from Kafka for longer than [Options].DeliverGrace. After
// recovery it returns a new channel.
func (c *Chain) Errored() <-chan struct{} { return c.status.erroredChannel() }

// StatusReport returns the status of the channel here, for the channel participation API.
func (c *Chain) StatusReport() (types.ConsensusRelation, types.Status) {
	status := c.status.report()
	if status == types.StatusActive && c.connection.stalled() {
		status = types.StatusInactive
	}
	return types.ConsensusRelationConsenter, status
}

// ValidateConsensusMetadata refuses a consensus type that cannot follow the one in force. Once the channel has stopped it
// accepts any, and WaitReady refuses every envelope: another consenter may order the channel after a restart.
func (c *Chain) ValidateConsensusMetadata(now, next channelconfig.Orderer, _ bool) error {
	if c.stopped() {
		return nil
	}
	return verdict.CheckConsensus(now, next)
}
