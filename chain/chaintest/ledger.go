// Package chaintest is a fake of Fabric's side of a chain: the ledger, the block
// writer and the channel config, in memory. It is for tests only. It does not
// import package chain, whose own tests use it.
package chaintest

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	cb "github.com/hyperledger/fabric-protos-go/common"
	"github.com/hyperledger/fabric/common/channelconfig"
	"github.com/hyperledger/fabric/msp"
	"github.com/hyperledger/fabric/orderer/consensus"
	"github.com/hyperledger/fabric/protoutil"

	"github.com/fabric-kafka/orderer/chain/fabric"
	"github.com/fabric-kafka/orderer/chain/record"
)

// support is the interface that Ledger implements in part.
type support interface {
	consensus.ConsenterSupport
	ValidateNew(next channelconfig.Resources) error
	MSPManager() msp.MSPManager
}

// Ledger is a fake of Fabric's support: blocks, and the channel config after them. It commits as Fabric's block writer does: WriteBlock in a
// goroutine, one at a time, WriteConfigBlock before it returns.
//
// Its config updates have a key and a version; an update applies if the version is
// how often its key was set before, as with Fabric's read sets.
//
// It is safe for concurrent use.
type Ledger struct {
	support // nil: methods that are not faked panic

	channel    string
	began      Settings      // of the genesis block
	genesis    *fabric.Block // distinguishes one network from another
	committing chan struct{} // full while a block is being written

	mu      sync.Mutex
	last    *fabric.Block // written; may not be committed yet
	blocks  []Stored
	config  Settings
	set     map[string]int
	configs uint64          // number of the last config block
	stalled <-chan struct{} // not nil: commits wait until it is closed
	newer   bool            // see Newer
}

// Stored is a committed block and the metadata that the block writer signs.
type Stored struct {
	Block      *fabric.Block
	Metadata   []byte // of the consenter
	LastConfig uint64
}

// isConfig reports whether the block was written as a config block. A block that was
// not can still contain a config envelope.
func (b Stored) isConfig() bool { return b.LastConfig == b.Block.Header.Number }

// NewLedger returns a ledger with the genesis block only.
func NewLedger(channel string, s Settings) *Ledger {
	return newLedger(channel, s, protoutil.NewBlock(0, nil))
}

// NewForeignLedger returns the ledger of a channel of the same name in another network: it has a
// different genesis block.
func NewForeignLedger(channel string, s Settings) *Ledger {
	return newLedger(channel, s, protoutil.NewBlock(0, []byte("another network")))
}

// NewLedgerOn returns a ledger with this genesis block only, which may have envelopes like
// a real one.
func NewLedgerOn(genesis *fabric.Block, channel string, s Settings) *Ledger {
	return newLedger(channel, s, genesis)
}

func newLedger(channel string, s Settings, genesis *fabric.Block) *Ledger {
	s = s.withDefaults()
	return &Ledger{
		channel:    channel,
		began:      s,
		genesis:    genesis,
		committing: make(chan struct{}, 1),
		last:       genesis,
		blocks:     []Stored{{Block: genesis}},
		set:        map[string]int{},
		config:     s,
	}
}

// UpTo returns a copy of the ledger with its first height blocks, as after a crash or
// from an old backup.
func (l *Ledger) UpTo(height int) *Ledger { return l.As(l.channel, height) }

// As returns a ledger of another channel with the first height blocks, as if the folder
// of one channel had been copied to the other.
func (l *Ledger) As(channel string, height int) *Ledger {
	before := newLedger(channel, l.began, l.genesis)
	for _, b := range l.Stored()[1:height] {
		before.last = b.Block
		if update, ok := UpdateIn(b.Block); ok && b.isConfig() {
			before.apply(update)
			before.configs = b.LastConfig
		}
		before.blocks = append(before.blocks, b)
	}
	return before
}

// Stored returns the committed blocks.
func (l *Ledger) Stored() []Stored {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.blocks)
}

// Metadata returns the consenter metadata of the last block.
func (l *Ledger) Metadata() []byte {
	b := l.Stored()
	return b[len(b)-1].Metadata
}

// SetMetadata replaces the consenter metadata of the last block.
func (l *Ledger) SetMetadata(value []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.blocks[len(l.blocks)-1].Metadata = value
}

// Stall makes commits wait until the channel is closed.
func (l *Ledger) Stall(until <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.stalled = until
}

// SetBrokers replaces the brokers of the config in force without a config block.
func (l *Ledger) SetBrokers(addresses ...string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.config.Brokers = addresses
}

// ChannelID returns the channel's name, which is its topic's too.
func (l *Ledger) ChannelID() string { return l.channel }

// Height returns the number of committed blocks.
func (l *Ledger) Height() uint64 { return uint64(len(l.Stored())) }

// Block returns a block with its metadata where Fabric's block writer puts it.
func (l *Ledger) Block(number uint64) *fabric.Block {
	all := l.Stored()
	if number >= uint64(len(all)) {
		return nil
	}
	b := protoutil.NewBlock(number, nil)
	b.Header, b.Data = all[number].Block.Header, all[number].Block.Data
	b.Metadata.Metadata[signatures] = protoutil.MarshalOrPanic(&fabric.Metadata{Value: protoutil.MarshalOrPanic(&cb.OrdererBlockMetadata{
		LastConfig:        &cb.LastConfig{Index: all[number].LastConfig},
		ConsenterMetadata: protoutil.MarshalOrPanic(&fabric.Metadata{Value: all[number].Metadata}),
	})})
	return b
}

const signatures = 0 // the slot of a block's metadata

// Serialize returns the identity that the orderer signs with.
func (l *Ledger) Serialize() ([]byte, error) {
	return fabric.Marshal(&fabric.SerializedIdentity{Mspid: "OrdererMSP", IdBytes: []byte("orderer")})
}

// Sequence returns the config sequence in force.
func (l *Ledger) Sequence() uint64 { return l.now().Seq }

func (l *Ledger) now() Settings {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.config
}

// CreateNextBlock returns the block after the last, with these envelopes.
func (l *Ledger) CreateNextBlock(envelopes []*fabric.Envelope) *fabric.Block {
	l.mu.Lock()
	defer l.mu.Unlock()
	b := protoutil.NewBlock(l.last.Header.Number+1, protoutil.BlockHeaderHash(l.last.Header))
	for _, e := range envelopes {
		b.Data.Data = append(b.Data.Data, protoutil.MarshalOrPanic(e))
	}
	b.Header.DataHash = DataHash(b.Data.Data)
	return b
}

// DataHash returns the hash of envelopes, as in a block's header. Fabric's own function for it differs
// between releases.
func DataHash(envelopes [][]byte) []byte {
	sum := sha256.Sum256(bytes.Join(envelopes, nil))
	return sum[:]
}

// WriteBlock commits the block in a goroutine.
func (l *Ledger) WriteBlock(b *fabric.Block, metadata []byte) {
	l.begin(b)
	go l.commit(b, metadata)
}

// WriteConfigBlock commits the block before it returns. Like Fabric's, it panics if the
// config cannot be applied.
func (l *Ledger) WriteConfigBlock(b *fabric.Block, metadata []byte) {
	update, ok := UpdateIn(b)
	if !ok {
		panic("config block without a config")
	}
	l.begin(b)
	l.mu.Lock()
	l.apply(update)
	l.configs = b.Header.Number
	l.mu.Unlock()
	l.commit(b, metadata)
}

// Update is for configs that Fabric has read, which this ledger does not have.
func (l *Ledger) Update(*channelconfig.Bundle) { panic("a config of Fabric's") }

// begin waits until no other block is being written.
func (l *Ledger) begin(b *fabric.Block) {
	l.committing <- struct{}{}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.last = b
}

// commit appends the block after a millisecond, as a disk would.
func (l *Ledger) commit(b *fabric.Block, metadata []byte) {
	l.mu.Lock()
	stalled := l.stalled
	l.mu.Unlock()
	if stalled != nil {
		<-stalled
	}
	time.Sleep(time.Millisecond)
	l.mu.Lock()
	l.blocks = append(l.blocks, Stored{b, metadata, l.configs})
	l.mu.Unlock()
	<-l.committing
}

// apply puts an update in force. Called with mu locked.
func (l *Ledger) apply(u Update) {
	if u.Version != l.set[u.Key] || u.Seq != l.config.Seq+1 {
		panic(fmt.Sprintf("config block at sequence %d does not apply: %+v", l.config.Seq, u))
	}
	l.set[u.Key]++
	l.config.Seq++
	u.change(&l.config)
	l.mustSupport()
}

func (l *Ledger) applies(u Update) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if v := l.set[u.Key]; u.Version != v {
		return fmt.Errorf("update of %s is for version %d, now %d", u.Key, u.Version, v)
	}
	return nil
}

// ProcessNormalMsg checks an envelope at the config in force, by the rules of [Ledger.Judge].
func (l *Ledger) ProcessNormalMsg(e *fabric.Envelope) (uint64, error) {
	return l.Sequence(), l.holds(textOf(e.Payload))
}

// ProcessConfigMsg computes a config again, as Fabric's processor does.
func (l *Ledger) ProcessConfigMsg(e *fabric.Envelope) (*fabric.Envelope, uint64, error) {
	u, ok := UpdateOf(e)
	if !ok {
		return nil, 0, errors.New("no config envelope")
	}
	seq := l.Sequence()
	return ConfigEnvelope(l.channel, u.Key, u.Version, seq+1), seq, l.applies(u)
}

// Contents returns the blocks after block 0 as text, separated by semicolons: the texts
// of the envelopes, or the key of an update, and the block's offset.
func (l *Ledger) Contents() string {
	var phrases []string
	for _, b := range l.Stored()[1:] {
		var texts []string
		for _, e := range b.Block.Data.Data {
			if u, ok := UpdateIn(b.Block); ok {
				texts = append(texts, u.Key)
				continue
			}
			texts = append(texts, Text(e))
		}
		phrases = append(phrases, fmt.Sprintf("%s @%d", strings.Join(texts, " "), b.Position().LastOffsetPersisted))
	}
	return strings.Join(phrases, "; ")
}

// Position returns the consenter metadata of the block, decoded.
func (b Stored) Position() *record.Metadata {
	m, err := record.DecodeMetadata(b.Metadata)
	if err != nil {
		panic(err)
	}
	return m
}

// Differ returns how two ledgers differ in headers, data, metadata or which blocks are configs; nil if they do not.
func Differ(a, b *Ledger) error {
	x, y := a.Stored(), b.Stored()
	if len(x) != len(y) {
		return fmt.Errorf("%d and %d blocks:\n%s\n%s", len(x), len(y), a.Contents(), b.Contents())
	}
	for i := range x {
		if x[i].digest() != y[i].digest() || string(x[i].Metadata) != string(y[i].Metadata) || x[i].LastConfig != y[i].LastConfig {
			return fmt.Errorf("block %d differs:\n%s\n%s", i, a.Contents(), b.Contents())
		}
	}
	return nil
}

func (b Stored) digest() [sha256.Size]byte {
	return sha256.Sum256(protoutil.MarshalOrPanic(&fabric.Block{Header: b.Block.Header, Data: b.Block.Data}))
}

// Writing reports whether a block is being committed.
func (l *Ledger) Writing() bool { return len(l.committing) > 0 }
