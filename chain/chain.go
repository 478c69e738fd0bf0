// Package chain is the shell around the pure core in chain/machine: Fabric's
// consensus.Chain for a channel that is ordered through one Kafka topic.
//
// One goroutine, the loop, reads the topic, steps the machine and performs its
// effects; it alone touches the machine and the block writer. Order and
// Configure append to the topic from the caller's goroutine. The cut poster
// appends time-to-cut records from a goroutine of its own, so that a slow broker
// never holds up reading. All share the status, which clients and operators
// read without waiting for anybody.
//
// Kafka's trouble never ends the process: the loop retries for ever with
// back-off, and what only an operator can mend stops this channel alone.
package chain

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/hyperledger/fabric/common/channelconfig"
	"github.com/hyperledger/fabric/orderer/common/types"
	"github.com/hyperledger/fabric/orderer/consensus"
	"github.com/hyperledger/fabric/protoutil"

	"github.com/fabric-kafka/orderer/chain/fabric"
	"github.com/fabric-kafka/orderer/chain/log"
	"github.com/fabric-kafka/orderer/chain/machine"
	"github.com/fabric-kafka/orderer/chain/record"
)

var (
	_ consensus.Chain             = (*Chain)(nil)
	_ consensus.StatusReporter    = (*Chain)(nil)
	_ consensus.MetadataValidator = (*Chain)(nil)
)

// Chain orders one channel. It is made by New, started once and halted once.
type Chain struct {
	support Support
	options Options
	events  Events
	judge   verdicts
	status  *status
	log     log.Log // nil in a chain that New failed

	genesisHash []byte
	machine     *machine.Machine // loop only
	written     uint64           // loop only: height of the ledger once what was handed to it is on disk
	reproduced  reproduced       // loop only
	cut         cutPoster        // loop only
	inflight    chan struct{}    // one token an append

	life context.Context // ends at Halt
	end  context.CancelFunc

	mu      sync.Mutex
	started bool
	stopped bool // Halt has begun: no goroutine and no append may start
	running sync.WaitGroup
	halting sync.Once
}

// New returns the chain of a channel whose last block carries this consenter
// metadata (nil on a fresh ledger). It never fails and does no network I/O,
// since an error from here would end the orderer process: what is wrong with the
// channel puts this one chain into the status failed.
func New(s Support, metadata []byte, o Options) *Chain {
	o = o.withDefaults()
	c := &Chain{
		support:  s,
		options:  o,
		events:   o.Events,
		judge:    newJudge(s, o.Crypto),
		status:   newStatus(o.DeliverGrace),
		written:  s.Height(),
		inflight: make(chan struct{}, o.Inflight),
	}
	c.life, c.end = context.WithCancel(context.Background())
	c.cut = cutPoster{chain: c}
	if err := c.prepare(metadata); err != nil {
		c.fail(err)
	}
	return c
}

// prepare makes what the loop runs on from the ledger's state.
func (c *Chain) prepare(metadata []byte) error {
	position, err := c.position(metadata)
	if err != nil {
		return err
	}
	genesis := c.support.Block(0)
	if genesis == nil {
		return errors.New("the ledger has no block 0; remove the channel from this orderer and join it again")
	}
	c.genesisHash = protoutil.BlockHeaderHash(genesis.Header)
	brokers, err := Brokers(c.support.ConfigtxValidator().ConfigProto())
	if err != nil {
		return err
	}
	c.log, err = c.options.OpenLog(brokers, c.support.ChannelID(), c.support.SharedConfig().BatchSize().AbsoluteMaxBytes)
	if err != nil {
		return err
	}
	c.machine = machine.New(machine.Start{
		Channel:     c.support.ChannelID(),
		GenesisHash: c.genesisHash,
		Next:        machine.BlockNumber(c.support.Height()),
		Metadata:    position,
		Seq:         machine.ConfigSeq(c.support.Sequence()),
		Limits:      c.limits(),
	})
	if position.RuleSet != machine.Undescribed {
		c.status.setDescribed()
	}
	return nil
}

// position is where the last block says that reading goes on.
func (c *Chain) position(metadata []byte) (machine.Metadata, error) {
	height := c.support.Height()
	if len(metadata) == 0 {
		if height > 1 {
			return machine.Metadata{}, fmt.Errorf("block %d carries no position in the topic: it was written by another consensus type, "+
				"so nothing says where in the topic this ledger goes on", height-1)
		}
		return machine.Metadata{Offset: -1, RuleSet: machine.Undescribed}, nil
	}
	m, err := record.DecodeMetadata(metadata)
	if err != nil {
		return machine.Metadata{}, fmt.Errorf("block %d: %w; the ledger is damaged: remove the channel from this orderer and join it again", height-1, err)
	}
	set := machine.RuleSet(m.RuleSet)
	if set == machine.Undescribed || !machine.Known(set) {
		return machine.Metadata{}, fmt.Errorf("block %d was cut by rule set %q, which this build does not know; "+
			"the channel needs an orderer that does", height-1, m.RuleSet)
	}
	return machine.Metadata{Offset: machine.Offset(m.LastOffsetPersisted), RuleSet: set}, nil
}

func (c *Chain) limits() machine.Limits {
	b := c.support.SharedConfig().BatchSize()
	return machine.Limits{
		MaxMessageCount:   b.MaxMessageCount,
		AbsoluteMaxBytes:  b.AbsoluteMaxBytes,
		PreferredMaxBytes: b.PreferredMaxBytes,
	}
}

// Start begins to read; it returns at once. Only the first call on a chain that
// is neither failed nor halted does anything.
func (c *Chain) Start() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.started || c.stopped || c.machine == nil {
		return
	}
	c.started = true
	c.status.begin()
	c.running.Go(c.run)
}

// Halt ends the chain. When it returns, nothing is appended to the topic or the
// ledger any more. It waits for no broker, may be called at any time, any number
// of times.
func (c *Chain) Halt() {
	c.halting.Do(func() {
		c.mu.Lock()
		c.stopped = true
		c.mu.Unlock()
		c.status.to(halted, nil)
		c.end()
		if c.log != nil {
			_ = c.log.Close() // ends what waits for the log
		}
		c.running.Wait()
		c.flush()
		c.events.Halted()
	})
}

// flushPatience bounds the wait for a ledger that does not finish its write.
const flushPatience = 30 * time.Second

// flush waits for the last block: Fabric's block writer commits in a goroutine
// of its own, and the registrar removes the ledger once Halt returns.
func (c *Chain) flush() {
	deadline := time.Now().Add(flushPatience)
	for c.support.Height() < c.written && time.Now().Before(deadline) {
		time.Sleep(time.Millisecond)
	}
}

// enter counts a caller in, unless Halt has begun. It calls c.running.Done when it leaves.
func (c *Chain) enter() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.stopped {
		return false
	}
	c.running.Add(1)
	return true
}

// fail stops this channel for good.
func (c *Chain) fail(err error) {
	if _, changed := c.status.to(failed, err); changed {
		c.events.Failed(err)
	}
}

// Errored returns a channel that is closed while blocks may be missing: once the
// chain has stopped, or was cut off from Kafka for longer than the grace. It is
// replaced when the chain recovers.
func (c *Chain) Errored() <-chan struct{} {
	return c.status.erroredChannel()
}

// StatusReport says how far the channel is on this orderer. Every orderer of a
// Kafka channel is a consenter.
func (c *Chain) StatusReport() (types.ConsensusRelation, types.Status) {
	return types.ConsensusRelationConsenter, c.status.report()
}

// ValidateConsensusMetadata holds a config update to what can follow a Kafka channel.
func (c *Chain) ValidateConsensusMetadata(_, next channelconfig.Orderer, _ bool) error {
	return checkConsensus(next)
}

// description is the head of a topic of ours, serialized.
func (c *Chain) description() ([]byte, error) {
	return record.EncodeDescription(&record.Description{
		FormatVersion: record.DescriptionVersion,
		RuleSet:       record.RuleSet_RULE_SET_STRICT,
		ChannelId:     c.support.ChannelID(),
		GenesisHash:   c.genesisHash,
	})
}

// marshal serializes what an orderer has just decoded.
func marshal(envelope *fabric.Envelope) ([]byte, error) {
	b, err := fabric.Marshal(envelope)
	if err != nil {
		return nil, fmt.Errorf("serialize the envelope: %w", err)
	}
	return b, nil
}
