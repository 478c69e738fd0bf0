package admintest

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/golang/protobuf/proto"
	cb "github.com/hyperledger/fabric-protos-go/common"
	"github.com/hyperledger/fabric-protos-go/msp"
	ab "github.com/hyperledger/fabric-protos-go/orderer"
	"github.com/hyperledger/fabric/orderer/consensus"
	"github.com/hyperledger/fabric/protoutil"

	blocks "github.com/fabric-kafka/orderer/chain/block"
	"github.com/fabric-kafka/orderer/chain/chaintest"
	"github.com/fabric-kafka/orderer/chain/log"
	"github.com/fabric-kafka/orderer/chain/session"
	"github.com/fabric-kafka/orderer/network/client/orderertest"
	"github.com/fabric-kafka/orderer/network/prune"
)

// ConfigBlock returns the config block of a channel whose orderers, of the organization
// Org, are at these hosts.
func ConfigBlock(channel string, brokers []string, hosts ...string) *cb.Block {
	value := func(m proto.Message) *cb.ConfigValue { return &cb.ConfigValue{Value: protoutil.MarshalOrPanic(m)} }
	var addresses []string
	for _, host := range hosts {
		addresses = append(addresses, host+":7050")
	}
	id := protoutil.MarshalOrPanic(&msp.FabricMSPConfig{Name: "Org"})
	v2 := value(&cb.Capabilities{Capabilities: map[string]*cb.Capability{"V2_0": {}}})
	envelope, err := protoutil.CreateSignedEnvelope(cb.HeaderType_CONFIG, channel, nil, &cb.ConfigEnvelope{Config: &cb.Config{
		Sequence: 2, ChannelGroup: &cb.ConfigGroup{Values: map[string]*cb.ConfigValue{"Capabilities": v2}, Groups: map[string]*cb.ConfigGroup{"Orderer": {
			Values: map[string]*cb.ConfigValue{"Capabilities": v2, "ConsensusType": value(&ab.ConsensusType{Type: "kafka"}), "KafkaBrokers": value(&ab.KafkaBrokers{Brokers: brokers})},
			Groups: map[string]*cb.ConfigGroup{"Org": {Values: map[string]*cb.ConfigValue{
				"MSP": value(&msp.MSPConfig{Config: id}), "Endpoints": value(&cb.OrdererAddresses{Addresses: addresses}),
			}}},
		}}},
	}}, 0, 0)
	if err != nil {
		panic(err) // it is well formed
	}
	b := protoutil.NewBlock(0, nil)
	b.Data.Data = [][]byte{protoutil.MarshalOrPanic(envelope)}
	b.Header.DataHash = protoutil.BlockDataHash(b.Data)
	return b
}

// Channel is a channel that a chain has ordered on a topic.
type Channel struct {
	Name   string
	Config *cb.Block // its genesis block
	Ledger *chaintest.Ledger
}

// NewChannel orders this many envelopes, each in a block of its own, and halts the chain.
func NewChannel(t *testing.T, c consensus.Consenter, name string, brokers []string, envelopes int) *Channel {
	t.Helper()
	config := ConfigBlock(name, brokers, "orderer1", "orderer2")
	ledger := chaintest.NewLedgerOn(config, name, chaintest.Settings{Brokers: brokers, Count: 1, Timeout: time.Second})
	made, err := c.HandleChain(ledger, nil)
	if err != nil {
		t.Fatal(err)
	}
	made.Start()
	defer made.Halt()
	for n := range envelopes {
		Eventually(t, "an envelope is taken", func() error {
			if err := made.WaitReady(); err != nil {
				return err
			}
			return made.Order(chaintest.Envelope(name, fmt.Sprint(n)), ledger.Sequence())
		})
	}
	Eventually(t, "it is in a block", func() error {
		if got := ledger.Height(); got < uint64(envelopes)+1 {
			return fmt.Errorf("%d blocks", got)
		}
		return nil
	})
	return &Channel{name, config, ledger}
}

// Blocks returns a copy of the channel's blocks.
func (c *Channel) Blocks() *orderertest.Ledger {
	blocks := make([]*cb.Block, c.Ledger.Height())
	for n := range blocks {
		blocks[n] = proto.Clone(c.Ledger.Block(uint64(n))).(*cb.Block)
	}
	return orderertest.LedgerOf(blocks...)
}

// Serve delivers each of these ledgers as an orderer of the channel that accepts only one
// client, and returns the flags with which they are read.
func (c *Channel) Serve(t *testing.T, ledgers ...*orderertest.Ledger) (flags []string) {
	t.Helper()
	o := orderertest.StartGuarded(t, c.Name, ledgers[0])
	flags = []string{"--orderer", o.Address, "--cafile", o.CA, "--client-cert", o.ClientCert, "--client-key", o.ClientKey,
		"--mspdir", orderertest.MSPDir(t), "--mspid", "Org1MSP"}
	for _, l := range ledgers[1:] {
		flags = append(flags, "--orderer", o.Another(t, l).Address)
	}
	return flags
}

// Progress returns what an orderer with all blocks of the channel publishes.
func (c *Channel) Progress(t *testing.T, name string) log.Progress {
	t.Helper()
	last := c.Ledger.Height() - 1
	block := c.Ledger.Block(last)
	b, err := blocks.Decode(block)
	if err != nil {
		t.Fatal(err)
	}
	position, err := session.Position(last+1, b.Metadata)
	if err != nil {
		t.Fatal(err)
	}
	config, err := prune.ChannelOf(c.Config)
	if err != nil {
		t.Fatal(err)
	}
	return log.Progress{Member: Groups + name, Next: log.Offset(position.Offset + 1), Block: last, At: time.Now(),
		Rules: position.RuleSet.String(), ConfigSeq: config.ConfigSeq, Config: config.Config,
		Hashes: []log.BlockHash{log.NewBlockHash(last, protoutil.BlockHeaderHash(block.Header))}}
}

// Written writes a temporary file and returns its path.
func Written(t *testing.T, name string, content []byte) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(file, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// Eventually waits until f succeeds.
func Eventually(t *testing.T, what string, f func() error) {
	t.Helper()
	for end := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
		err := f()
		if err == nil {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("not in time: %s; %v", what, strings.TrimSpace(err.Error()))
		}
	}
}
