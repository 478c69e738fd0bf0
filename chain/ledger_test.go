package chain

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	cb "github.com/hyperledger/fabric-protos-go/common"
	"github.com/hyperledger/fabric/common/channelconfig"
	"github.com/hyperledger/fabric/common/configtx"
	"github.com/hyperledger/fabric/protoutil"

	"github.com/fabric-kafka/orderer/chain/fabric"
	"github.com/fabric-kafka/orderer/chain/machine"
	"github.com/fabric-kafka/orderer/chain/record"
)

const channel = "mychannel"

// ledger stands in for Fabric's support: blocks, and the channel config that
// the blocks lead to. It commits as Fabric's block writer does: WriteBlock in a
// goroutine, one at a time, WriteConfigBlock before it returns.
//
// Its config updates are "KEY=VERSION" with what they set; an update applies
// while VERSION is how often its key was set before, as with Fabric's read sets.
type ledger struct {
	Support // what is not faked panics

	committing chan struct{} // held by the writer of a block

	mu      sync.Mutex
	last    *fabric.Block // of the block writer: may not be committed yet
	blocks  []stored
	config  settings
	set     map[string]int
	stalled chan struct{} // not nil: commits wait until it is closed
}

// stored is a committed block and its consenter metadata.
type stored struct {
	block    *fabric.Block
	metadata []byte
}

// settings are the channel config.
type settings struct {
	seq     uint64
	kind    string
	brokers []string
	count   uint32
	timeout time.Duration
}

// newLedger holds the genesis block only.
func newLedger() *ledger {
	genesis := protoutil.NewBlock(0, nil)
	return &ledger{
		committing: make(chan struct{}, 1),
		last:       genesis,
		blocks:     []stored{{block: genesis}},
		set:        map[string]int{},
		config:     settings{kind: ConsensusType, brokers: []string{"kafka:9092"}, count: 3, timeout: time.Second},
	}
}

// upTo is the ledger as it was when it had that many blocks: after a crash.
func (l *ledger) upTo(height int) *ledger {
	before := newLedger()
	for _, b := range l.stored()[1:height] {
		before.last = b.block
		if update, ok := updateIn(b.block); ok {
			before.apply(update)
		}
		before.blocks = append(before.blocks, b)
	}
	return before
}

func (l *ledger) stored() []stored {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.blocks)
}

// metadata is the consenter metadata of the last block.
func (l *ledger) metadata() []byte {
	b := l.stored()
	return b[len(b)-1].metadata
}

func (l *ledger) ChannelID() string { return channel }

func (l *ledger) Height() uint64 { return uint64(len(l.stored())) }

// Block returns a block with its metadata where Fabric's block writer puts it.
func (l *ledger) Block(number uint64) *fabric.Block {
	all := l.stored()
	if number >= uint64(len(all)) {
		return nil
	}
	b := protoutil.NewBlock(number, nil)
	b.Header, b.Data = all[number].block.Header, all[number].block.Data
	b.Metadata.Metadata[signatures] = protoutil.MarshalOrPanic(&fabric.Metadata{Value: protoutil.MarshalOrPanic(&cb.OrdererBlockMetadata{
		ConsenterMetadata: protoutil.MarshalOrPanic(&fabric.Metadata{Value: all[number].metadata}),
	})})
	return b
}

const signatures = 0 // the slot of a block's metadata

func (l *ledger) Sequence() uint64 { return l.now().seq }

func (l *ledger) now() settings {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.config
}

func (l *ledger) CreateNextBlock(envelopes []*fabric.Envelope) *fabric.Block {
	l.mu.Lock()
	defer l.mu.Unlock()
	b := protoutil.NewBlock(l.last.Header.Number+1, protoutil.BlockHeaderHash(l.last.Header))
	for _, e := range envelopes {
		b.Data.Data = append(b.Data.Data, protoutil.MarshalOrPanic(e))
	}
	b.Header.DataHash = protoutil.BlockDataHash(b.Data)
	return b
}

func (l *ledger) WriteBlock(b *fabric.Block, metadata []byte) {
	l.hold(b)
	go l.commit(b, metadata)
}

func (l *ledger) WriteConfigBlock(b *fabric.Block, metadata []byte) {
	update, ok := updateIn(b)
	if !ok {
		panic("config block without a config")
	}
	l.hold(b)
	l.mu.Lock()
	l.apply(update)
	l.mu.Unlock()
	l.commit(b, metadata)
}

func (l *ledger) hold(b *fabric.Block) {
	l.committing <- struct{}{}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.last = b
}

// commit takes a moment, as a disk does.
func (l *ledger) commit(b *fabric.Block, metadata []byte) {
	l.mu.Lock()
	stalled := l.stalled
	l.mu.Unlock()
	if stalled != nil {
		<-stalled
	}
	time.Sleep(time.Millisecond)
	l.mu.Lock()
	l.blocks = append(l.blocks, stored{b, metadata})
	l.mu.Unlock()
	<-l.committing
}

// apply puts an update in force. Called with mu held.
func (l *ledger) apply(u update) {
	if u.version != l.set[u.key] || u.seq != l.config.seq+1 {
		panic(fmt.Sprintf("config block at sequence %d does not apply: %+v", l.config.seq, u))
	}
	l.set[u.key]++
	l.config.seq++
	u.change(&l.config)
}

func (l *ledger) applies(u update) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if v := l.set[u.key]; u.version != v {
		return fmt.Errorf("update of %s is for version %d, now %d", u.key, u.version, v)
	}
	return nil
}

// ProcessConfigMsg computes a config anew, as Fabric's processor does.
func (l *ledger) ProcessConfigMsg(e *fabric.Envelope) (*fabric.Envelope, uint64, error) {
	u, ok := updateOfEnvelope(e)
	if !ok {
		return nil, 0, errors.New("no config envelope")
	}
	seq := l.Sequence()
	return configEnvelope(u.key, u.version, seq+1), seq, l.applies(u)
}

func (l *ledger) SharedConfig() channelconfig.Orderer { return ordererConfig{settings: l.now()} }

func (l *ledger) OrdererConfig() (channelconfig.Orderer, bool) { return l.SharedConfig(), true }

func (l *ledger) ConfigtxValidator() configtx.Validator { return validator{settings: l.now()} }

type ordererConfig struct {
	channelconfig.Orderer
	settings settings
}

func (o ordererConfig) ConsensusType() string       { return o.settings.kind }
func (o ordererConfig) BatchTimeout() time.Duration { return o.settings.timeout }
func (o ordererConfig) BatchSize() *fabric.BatchSize {
	return &fabric.BatchSize{MaxMessageCount: o.settings.count, AbsoluteMaxBytes: 1 << 20, PreferredMaxBytes: 1 << 19}
}

func (o ordererConfig) Capabilities() channelconfig.OrdererCapabilities { return capabilities{} }

type capabilities struct {
	channelconfig.OrdererCapabilities
}

func (capabilities) Resubmission() bool { return true }

type validator struct {
	configtx.Validator
	settings settings
}

func (v validator) ConfigProto() *fabric.Config {
	return &fabric.Config{Sequence: v.settings.seq, ChannelGroup: group(v.settings.kind, v.settings.brokers...)}
}

// group is a channel group with nothing but a consensus type and brokers.
func group(kind string, brokers ...string) *fabric.ConfigGroup {
	value := func(b []byte) *fabric.ConfigValue { return &fabric.ConfigValue{Value: b} }
	return &fabric.ConfigGroup{Groups: map[string]*fabric.ConfigGroup{"Orderer": {Values: map[string]*fabric.ConfigValue{
		"ConsensusType": value(protoutil.MarshalOrPanic(&fabric.ConsensusType{Type: kind})),
		"KafkaBrokers":  value(protoutil.MarshalOrPanic(&fabric.KafkaBrokers{Brokers: brokers})),
	}}}}
}

// lenient judges as the ledger applies updates; normal envelopes hold unless
// their text says at which sequence they no longer do.
type lenient struct{ ledger *ledger }

func (j lenient) verdict(e machine.Judge) machine.Verdict {
	envelope := protoutil.UnmarshalEnvelopeOrPanic(e.Envelope.Bytes)
	if e.Class == machine.Normal {
		if text(e.Envelope.Bytes) == fmt.Sprintf("not at %d", j.ledger.Sequence()) {
			return machine.Verdict{Refusal: "signer has no rights"}
		}
		return machine.Verdict{}
	}
	u, ok := updateOfEnvelope(envelope)
	if !ok {
		return machine.Verdict{Refusal: "no config"}
	}
	if err := j.ledger.applies(u); err != nil {
		return machine.Verdict{Refusal: err.Error()}
	}
	if u.seq != j.ledger.Sequence()+1 {
		return machine.Verdict{Refusal: "computed at another sequence"}
	}
	return machine.Verdict{}
}

// position decodes the consenter metadata of a block.
func position(b stored) *record.Metadata {
	m, err := record.DecodeMetadata(b.metadata)
	if err != nil {
		panic(err)
	}
	return m
}

func digest(b stored) [sha256.Size]byte {
	return sha256.Sum256(protoutil.MarshalOrPanic(&fabric.Block{Header: b.block.Header, Data: b.block.Data}))
}
