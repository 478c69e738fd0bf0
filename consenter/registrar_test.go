package consenter

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/hyperledger/fabric-protos-go/common"
	"github.com/hyperledger/fabric/common/channelconfig"
	"github.com/hyperledger/fabric/common/genesis"
	"github.com/hyperledger/fabric/common/ledger/blockledger/fileledger"
	"github.com/hyperledger/fabric/common/metrics/disabled"
	"github.com/hyperledger/fabric/common/policydsl"
	"github.com/hyperledger/fabric/orderer/common/localconfig"
	"github.com/hyperledger/fabric/orderer/common/multichannel"
	"github.com/hyperledger/fabric/orderer/common/types"
	"github.com/hyperledger/fabric/orderer/consensus"
	"github.com/hyperledger/fabric/protoutil"
	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/fabric-kafka/orderer/chain/checktest"
	"github.com/fabric-kafka/orderer/chain/fabric"
	"github.com/fabric-kafka/orderer/chain/fabrictest"
)

// genesisBlock returns the first block of a channel.
func genesisBlock(id string, s channelSpec) *fabric.Block {
	group := s.config().ChannelGroup
	orderer := group.Groups[channelconfig.OrdererGroupKey]
	orderer.Policies["BlockValidation"] = &common.ConfigPolicy{Policy: &common.Policy{
		Type: int32(common.Policy_SIGNATURE), Value: protoutil.MarshalOrPanic(policydsl.AcceptAllPolicy)}}
	group.Groups[channelconfig.ApplicationGroupKey] = protoutil.NewConfigGroup()
	return genesis.NewFactoryImpl(group).Block(id)
}

// noSigner signs nothing.
type noSigner struct{}

func (noSigner) Sign([]byte) ([]byte, error) { return nil, nil }
func (noSigner) Serialize() ([]byte, error)  { return nil, nil }

// process is an orderer's registrar on a folder of ledgers.
type process struct {
	*multichannel.Registrar
	consenter *Consenter
}

// startProcess starts an orderer on ledgers that hold a genesis block, and halts its channels
// when the test ends. Fabric panics if a consenter refuses a channel here.
func startProcess(t *testing.T, dir string, c *Consenter, blocks map[string]*fabric.Block) process {
	ledgers, err := fileledger.New(dir, &disabled.Provider{})
	checktest.Must(t, err)
	for id, block := range blocks {
		l, err := ledgers.GetOrCreate(id)
		checktest.Must(t, err)
		if block != nil && l.Height() == 0 {
			checktest.Must(t, l.Append(block))
		}
	}
	var config localconfig.TopLevel
	config.FileLedger.Location = dir
	config.ChannelParticipation.Enabled = true
	r := multichannel.NewRegistrar(config, ledgers, noSigner{}, &disabled.Provider{}, crypto(t), nil)
	r.Initialize(map[string]consensus.Consenter{fabric.ConsensusTypeKafka: c}) // it must not panic
	c.Started()
	t.Cleanup(func() {
		for _, c := range r.ChannelList().Channels {
			if chain := r.GetConsensusChain(c.Name); chain != nil {
				chain.Halt()
			}
		}
		ledgers.Close()
	})
	return process{r, c}
}

func (p process) status(t *testing.T, id string) types.Status {
	info, err := p.ChannelInfo(id)
	checktest.Must(t, err)
	return info.Status
}

// oldChannels are channels that in-tree orderers, or our older releases, accepted. Releases of 2.5 do not start a
// channel whose broker list they do not accept.
func oldChannels() map[string]*fabric.Block {
	blocks := map[string]*fabric.Block{}
	for id, s := range map[string]channelSpec{
		"nohost":     {kind: fabric.ConsensusTypeKafka, brokers: []string{":9092"}},
		"port0":      {kind: fabric.ConsensusTypeKafka, brokers: []string{"kafka:0"}},
		"noport":     {kind: fabric.ConsensusTypeKafka, brokers: []string{"kafka"}},
		"blank":      {kind: fabric.ConsensusTypeKafka, brokers: []string{" "}},
		"nobroker":   {kind: fabric.ConsensusTypeKafka, brokers: []string{}},
		"nokey":      {kind: fabric.ConsensusTypeKafka},
		"underscore": {kind: fabric.ConsensusTypeKafka, brokers: []string{"kafka_1:9092"}},
		"metadata":   {kind: fabric.ConsensusTypeKafka, brokers: []string{"127.0.0.1:1"}, metadata: []byte{1}},
	} {
		blocks[id] = genesisBlock(id, s)
	}
	if fabrictest.ThisLine().ChecksBrokers {
		maps.DeleteFunc(blocks, func(id string, _ *fabric.Block) bool { return slices.Contains(never25, id) })
	}
	return blocks
}

// never25 are those of oldChannels that no orderer of 2.5 has.
var never25 = []string{"noport", "blank", "underscore"}

// The content of a ledger can no longer be changed: the process starts, these channels report their
// faults, and the others work.
func TestNoLedgerEndsTheProcessAtItsStart(t *testing.T) {
	broker, err := kfake.NewCluster(kfake.NumBrokers(1))
	checktest.Must(t, err)
	defer broker.Close()
	blocks := oldChannels()
	blocks["good"] = genesisBlock("good", channelSpec{kind: fabric.ConsensusTypeKafka, brokers: broker.ListenAddrs()})
	blocks["partly"] = genesisBlock("partly", channelSpec{kind: fabric.ConsensusTypeKafka, brokers: append([]string{":9092"}, broker.ListenAddrs()...)})
	c := newConsenter(t, map[string]any{"Topic": map[string]any{"ReplicationFactor": 1}, "Timeouts": map[string]any{"Ready": "1m"}}, newMeter(t))
	p := startProcess(t, t.TempDir(), c, blocks)
	for _, id := range []string{"good", "partly"} {
		if err := p.GetConsensusChain(id).WaitReady(); err != nil {
			t.Fatalf("%v: %v", id, err)
		}
	}
	for _, id := range []string{"nohost", "port0", "noport", "blank", "nobroker", "nokey"} {
		if blocks[id] == nil {
			continue
		}
		err := p.GetConsensusChain(id).WaitReady()
		checktest.Fails(t, err, "the channel config names no broker that can be connected to") // id
		if want := "(no-broker); set Consensus.Kafka.Brokers of every orderer to host:port"; err == nil || !strings.Contains(err.Error(), want) {
			t.Fatalf("%v: got the error %v, want one with %q", id, err, want)
		}
		if got := p.status(t, id); !reflect.DeepEqual(got, types.StatusFailed) {
			t.Fatalf("%v: got %v, want %v", id, got, types.StatusFailed)
		}
	}
	for _, id := range []string{"underscore", "metadata"} {
		if blocks[id] != nil && p.status(t, id) == types.StatusFailed {
			t.Errorf("%s: it has failed", id)
		}
	}
}

// With brokers of its own in orderer.yaml, the orderer starts every one of them.
func TestOwnBrokersBringOldLedgersUp(t *testing.T) {
	broker, err := kfake.NewCluster(kfake.NumBrokers(1))
	checktest.Must(t, err)
	defer broker.Close()
	c := newConsenter(t, map[string]any{"Brokers": strings.Join(broker.ListenAddrs(), ","), "Topic": map[string]any{"ReplicationFactor": 1},
		"Timeouts": map[string]any{"Ready": "1m"}}, newMeter(t))
	blocks := oldChannels()
	p := startProcess(t, t.TempDir(), c, blocks)
	for id := range blocks {
		if err := p.GetConsensusChain(id).WaitReady(); err != nil {
			t.Fatalf("%v: %v", id, err)
		}
	}
}

// join joins a channel as osnadmin does. Releases that have a system channel ask whether this is an application channel.
func join(registrar any, channel string, b *fabric.Block) error {
	var err error
	switch r := registrar.(type) {
	case interface {
		JoinChannel(string, *fabric.Block, bool) (types.ChannelInfo, error)
	}:
		_, err = r.JoinChannel(channel, b, true)
	case interface {
		JoinChannel(string, *fabric.Block) (types.ChannelInfo, error)
	}:
		_, err = r.JoinChannel(channel, b)
	default:
		err = fmt.Errorf("%T joins channels differently", registrar)
	}
	return err
}

// A join with such a list is refused, before and after other channels are accepted.
func TestBadListsAreRefusedAtJoin(t *testing.T) {
	p := startProcess(t, t.TempDir(), plainConsenter(t), map[string]*fabric.Block{"old": genesisBlock("old", channelSpec{kind: fabric.ConsensusTypeKafka, brokers: []string{":1"}})})
	for id, fault := range map[string]string{"nohost": `broker ":9092"`, "port0": `broker "kafka:0"`, "nobroker": "names no broker", "metadata": "ConsensusType.metadata"} {
		err := join(p, id, oldChannels()[id])
		if want := fault; err == nil || !strings.Contains(err.Error(), want) {
			t.Fatalf("%v: got the error %v, want one with %q", id, err, want)
		}
		if got := p.GetChain(id); got != nil {
			t.Fatalf("got %v, want nil", got)
		}
	}
	if got := p.GetChain("old"); got == nil {
		t.Fatal("and those that are here stay: got nil")
	}
}

// A process that ended between a join and its first block finds the join block again.
func TestNoJoinBlockEndsTheProcessAtItsStart(t *testing.T) {
	dir := t.TempDir()
	joins := filepath.Join(dir, "pendingops", "join")
	checktest.Must(t, os.MkdirAll(joins, 0o755))
	blocks := map[string]*fabric.Block{}
	for id, block := range oldChannels() {
		checktest.Must(t, os.WriteFile(filepath.Join(joins, id+".join"), protoutil.MarshalOrPanic(block), 0o600))
		blocks[id] = nil
	}
	p := startProcess(t, dir, plainConsenter(t), blocks)
	for id := range blocks {
		if got := p.GetChain(id); got == nil {
			t.Fatalf("%v: got nil", id)
		}
	}
}

// Nothing remains of a join that is refused: an orderer that restarts does not have the channel, and it can
// be joined with another block. Fabric itself refuses capabilities that it does not list; main of April 2023
// lists V3_0.
func TestRefusedJoinLeavesNothing(t *testing.T) {
	dir, broker := t.TempDir(), []string{"127.0.0.1:1"}
	specs := map[string]channelSpec{
		"V9_9": {kind: fabric.ConsensusTypeKafka, brokers: broker, channel: "V9_9"},
		"V8_8": {kind: fabric.ConsensusTypeKafka, brokers: broker, orderer: "V8_8"},
		"V3_0": {kind: fabric.ConsensusTypeKafka, brokers: broker, channel: "V3_0"},
	}
	if fabrictest.ThisLine().KnowsV3 {
		delete(specs, "V3_0")
	}
	t.Run("join", func(t *testing.T) {
		p := startProcess(t, dir, plainConsenter(t), nil)
		for capability, spec := range specs {
			for _, number := range []uint64{0, 7} {
				block := genesisBlock("joined", spec)
				block.Header.Number = number
				checktest.Fails(t, join(p, "joined", block), capability)
			}
		}
	})
	t.Run("restart", func(t *testing.T) {
		p := startProcess(t, dir, plainConsenter(t), nil)
		if all := p.ChannelList().Channels; len(all) != 0 {
			t.Fatalf("there are the channels %v", all)
		}
		checktest.Must(t, join(p, "joined", genesisBlock("joined", channelSpec{kind: fabric.ConsensusTypeKafka, brokers: broker})))
	})
}
