package session_test

import (
	"context"
	"errors"
	"testing"
	"time"

	cb "github.com/hyperledger/fabric-protos-go/common"
	"github.com/hyperledger/fabric/bccsp/sw"
	"github.com/hyperledger/fabric/common/channelconfig"
	"github.com/hyperledger/fabric/common/policies"
	"github.com/hyperledger/fabric/orderer/common/msgprocessor"
	"github.com/hyperledger/fabric/protoutil"

	"github.com/fabric-kafka/orderer/chain/chaintest"
	"github.com/fabric-kafka/orderer/chain/fabric"
	"github.com/fabric-kafka/orderer/chain/log"
	"github.com/fabric-kafka/orderer/chain/machine"
	"github.com/fabric-kafka/orderer/chain/record"
	"github.com/fabric-kafka/orderer/chain/session"
	"github.com/fabric-kafka/orderer/chain/status"
)

// channel is a session.Host with a real Fabric channel config: real signatures, policies
// and config updates. Its ledger is in memory.
type channel struct {
	t      *testing.T
	id     string
	log    log.Log
	bundle *channelconfig.Bundle
	blocks []*cb.Block
	values [][]byte // consenter metadata, by block
	ready  bool
	failed error
	memory // may be shared by channels with the same blocks
}

// memory saves doing the same cryptography for every restart.
type memory struct {
	processed map[judged]processed
	bundles   map[string]*channelconfig.Bundle // by the hash of the config block
}

func newMemory() memory {
	return memory{map[judged]processed{}, map[string]*channelconfig.Bundle{}}
}

type judged struct {
	envelope machine.Digest
	seq      uint64
}

type processed struct {
	again []byte
	err   error
}

func newChannel(t *testing.T, id string, genesis *cb.Block, topic log.Log, m memory) *channel {
	c := &channel{t: t, id: id, log: topic, blocks: []*cb.Block{genesis}, values: [][]byte{nil}, memory: m}
	c.configure(genesis)
	return c
}

// configure puts the config of a block in force.
func (c *channel) configure(b *cb.Block) {
	c.t.Helper()
	hash := string(protoutil.BlockHeaderHash(b.Header))
	if c.bundle = c.bundles[hash]; c.bundle != nil {
		return
	}
	defer func() { c.bundles[hash] = c.bundle }()
	crypto, err := sw.NewDefaultSecurityLevelWithKeystore(sw.NewDummyKeyStore())
	c.must(err)
	config := &cb.ConfigEnvelope{}
	_, err = protoutil.UnmarshalEnvelopeOfType(protoutil.UnmarshalEnvelopeOrPanic(b.Data.Data[0]), cb.HeaderType_CONFIG, config)
	c.must(err)
	c.bundle, err = channelconfig.NewBundle(c.id, config.Config, crypto)
	c.must(err)
}

func (c *channel) must(err error) {
	c.t.Helper()
	if err != nil {
		c.t.Fatal(err)
	}
}

func (c *channel) start() machine.Start {
	position, err := session.Position(uint64(len(c.blocks)), c.values[len(c.values)-1])
	c.must(err)
	config := c.Config()
	return machine.Start{
		Channel:      c.id,
		GenesisHash:  protoutil.BlockHeaderHash(c.blocks[0].Header),
		Next:         machine.BlockNumber(len(c.blocks)),
		Metadata:     position,
		Seq:          config.Seq,
		Limits:       config.Limits,
		Resubmission: config.Resubmission,
	}
}

func (c *channel) host() session.Host {
	return session.Host{Ledger: c, Topic: c, Validator: c, Peers: c, Clock: c, Status: c}
}

func (c *channel) Config() session.Config {
	orderer, _ := c.bundle.OrdererConfig()
	size := orderer.BatchSize()
	return session.Config{
		Seq:           machine.ConfigSeq(c.bundle.ConfigtxValidator().Sequence()),
		Limits:        machine.Limits{MaxMessageCount: size.MaxMessageCount, AbsoluteMaxBytes: size.AbsoluteMaxBytes, PreferredMaxBytes: size.PreferredMaxBytes},
		Resubmission:  orderer.Capabilities().Resubmission(),
		ConsensusType: orderer.ConsensusType(),
		ThroughKafka:  orderer.ConsensusType() == fabric.ConsensusTypeKafka,
	}
}

func (c *channel) Open() (log.Log, error) { return c.log, nil }
func (c *channel) Room(int) error         { return nil }
func (c *channel) Uptime() time.Duration  { return 0 }

func (c *channel) Survey(context.Context, log.Log) error { return nil }

func (c *channel) Current() (bool, error) { return true, nil }

func (c *channel) Append(ctx context.Context, value []byte) error { return c.log.Append(ctx, value) }

func (c *channel) Write(b session.Block) error { return c.write(b) }

func (c *channel) WriteConfig(b session.Block) error { return c.write(b) }

func (c *channel) write(b session.Block) error {
	last := c.blocks[len(c.blocks)-1]
	block := protoutil.NewBlock(uint64(b.Number), protoutil.BlockHeaderHash(last.Header))
	for _, envelope := range b.Envelopes {
		data, err := record.Canonical(envelope)
		if err != nil {
			return err
		}
		block.Data.Data = append(block.Data.Data, data)
	}
	block.Header.DataHash = chaintest.DataHash(block.Data.Data)
	c.blocks, c.values = append(c.blocks, block), append(c.values, b.Metadata)
	if b.Config {
		c.configure(block)
	}
	return nil
}

// Heights, First and Pull find nobody: there is one orderer.
func (c *channel) Heights(context.Context) ([]session.Answer, error) { return nil, nil }

func (c *channel) First(context.Context) (*session.Block, error) { return nil, nil }

func (c *channel) Pull(context.Context, machine.BlockNumber) (session.Block, error) {
	return session.Block{}, session.ErrNoBlock
}

func (c *channel) Block(n machine.BlockNumber) *session.Block {
	if int(n) >= len(c.blocks) {
		return nil
	}
	b := c.blocks[n]
	return &session.Block{Number: n, Envelopes: b.Data.Data, Config: protoutil.IsConfigBlock(b), Metadata: c.values[n]}
}

func (c *channel) Judge(e machine.Judge) machine.Verdict {
	var err error
	switch {
	case e.Check == machine.CheckBroadcast:
		_, _, err = c.Process(e.Class, e.Envelope.Bytes)
	case e.Class == machine.Config:
		config := &cb.ConfigEnvelope{}
		envelope := protoutil.UnmarshalEnvelopeOrPanic(e.Envelope.Bytes)
		if _, err = protoutil.UnmarshalEnvelopeOfType(envelope, cb.HeaderType_CONFIG, config); err == nil {
			err = c.bundle.ConfigtxValidator().Validate(config)
		}
	}
	if err != nil {
		return machine.Verdict{Refusal: err.Error()}
	}
	return machine.Verdict{}
}

// Process is Fabric's, except for the signature on a config that is computed again.
func (c *channel) Process(class machine.Class, envelope []byte) ([]byte, machine.ConfigSeq, error) {
	seq := c.bundle.ConfigtxValidator().Sequence()
	key := judged{record.DigestOf(envelope), seq}
	p, ok := c.processed[key]
	if !ok {
		p.again, p.err = c.process(class, envelope)
		c.processed[key] = p
	}
	return p.again, machine.ConfigSeq(seq), p.err
}

// Reproduce never lacks a key to sign with.
func (c *channel) Reproduce(envelope []byte) ([]byte, machine.ConfigSeq, error) {
	return c.Process(machine.Config, envelope)
}

func (c *channel) process(class machine.Class, b []byte) ([]byte, error) {
	envelope := protoutil.UnmarshalEnvelopeOrPanic(b)
	filters := msgprocessor.NewRuleSet([]msgprocessor.Rule{
		msgprocessor.EmptyRejectRule,
		msgprocessor.NewExpirationRejectRule(c.bundle),
		msgprocessor.NewSizeFilter(c.bundle),
		msgprocessor.NewSigFilter(policies.ChannelWriters, policies.ChannelOrdererWriters, c.bundle),
	})
	if class == machine.Normal {
		return b, filters.Apply(envelope)
	}
	config := &cb.ConfigEnvelope{}
	if _, err := protoutil.UnmarshalEnvelopeOfType(envelope, cb.HeaderType_CONFIG, config); err != nil {
		return nil, err
	}
	if config.LastUpdate == nil {
		return nil, errors.New("no update")
	}
	if err := filters.Apply(config.LastUpdate); err != nil {
		return nil, err
	}
	next, err := c.bundle.ConfigtxValidator().ProposeConfigUpdate(config.LastUpdate)
	if err != nil {
		return nil, err
	}
	again, err := protoutil.CreateSignedEnvelope(cb.HeaderType_CONFIG, c.id, nil, next, 0, 0)
	if err != nil {
		return nil, err
	}
	return protoutil.MarshalOrPanic(again), nil
}

func (c *channel) Arm(machine.BlockNumber) {}
func (c *channel) Disarm()                 {}
func (c *channel) RulesKnown()             { c.ready = true }
func (c *channel) CaughtUp()               {}

func (c *channel) Moved(to status.Phase, cause error) {
	if to == status.Failed || to == status.CutOff {
		c.failed = cause
	}
}
