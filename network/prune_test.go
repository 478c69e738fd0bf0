package main

import (
	"context"
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
	"github.com/hyperledger/fabric/protoutil"

	"github.com/fabric-kafka/orderer/chain/log"
	"github.com/fabric-kafka/orderer/network/prune"
)

// configBlock writes the config block of a channel whose orderers, of one organization,
// are at these hosts, and returns the file.
func configBlock(t *testing.T, channel string, brokers []string, hosts ...string) string {
	t.Helper()
	value := func(m proto.Message) *cb.ConfigValue { return &cb.ConfigValue{Value: protoutil.MarshalOrPanic(m)} }
	var addresses []string
	for _, host := range hosts {
		addresses = append(addresses, host+":7050")
	}
	id := protoutil.MarshalOrPanic(&msp.FabricMSPConfig{Name: "Org"})
	envelope, err := protoutil.CreateSignedEnvelope(cb.HeaderType_CONFIG, channel, nil, &cb.ConfigEnvelope{Config: &cb.Config{
		Sequence: 2, ChannelGroup: &cb.ConfigGroup{Groups: map[string]*cb.ConfigGroup{"Orderer": {
			Values: map[string]*cb.ConfigValue{"ConsensusType": value(&ab.ConsensusType{Type: "kafka"}), "KafkaBrokers": value(&ab.KafkaBrokers{Brokers: brokers})},
			Groups: map[string]*cb.ConfigGroup{"Org": {Values: map[string]*cb.ConfigValue{
				"MSP": value(&msp.MSPConfig{Config: id}), "Endpoints": value(&cb.OrdererAddresses{Addresses: addresses}),
			}}},
		}}},
	}}, 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	b := protoutil.NewBlock(3, nil)
	b.Data.Data = [][]byte{protoutil.MarshalOrPanic(envelope)}
	b.Header.DataHash = protoutil.BlockDataHash(b.Data)
	file := filepath.Join(t.TempDir(), channel+".block")
	if err := os.WriteFile(file, protoutil.MarshalOrPanic(b), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// topicOf makes a topic of twenty records.
func topicOf(t *testing.T, config, name string) log.Log {
	t.Helper()
	topic, err := openAs(config, nil, name, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { topic.Close() })
	if err := topic.Create(t.Context()); err != nil {
		t.Fatal(err)
	}
	for i := range 20 {
		if err := topic.Append(t.Context(), fmt.Append(nil, i)); err != nil {
			t.Fatal(err)
		}
	}
	return topic
}

// publishes is what an orderer does that has this config block.
func publishes(t *testing.T, topic log.Log, block, name string, next log.Offset, rules string) {
	t.Helper()
	channel, err := prune.ReadChannel(read(t, block))
	if err != nil {
		t.Fatal(err)
	}
	p := log.Progress{Member: "orderers." + name, Next: next, Block: 3, At: time.Now(), Rules: rules, ConfigSeq: channel.ConfigSeq, Config: channel.Config}
	if err := topic.Publish(t.Context(), p); err != nil {
		t.Fatal(err)
	}
}

func starts(t *testing.T, topic log.Log, at log.Offset) {
	t.Helper()
	if b, err := topic.Bounds(t.Context()); err != nil || b != (log.Bounds{Start: at, End: 20}) {
		t.Errorf("the topic has %v, %v, want it to start at %d", b, err, at)
	}
}

func pruner(config, block string, orderers ...string) *pruning {
	return &pruning{config: config, configBlock: block, orderers: orderers,
		Options: prune.Options{Prefix: "orderers", Keep: 5, MaxAge: time.Hour, Now: time.Now()}}
}

// A topic on brokers that want a password is pruned by who has it, and by nobody else.
func TestPruneAsAnOrderer(t *testing.T) {
	config, write := guarded(t, 3)
	topic := topicOf(t, config, "mine")
	block := configBlock(t, "mine", []string{"none:9092"}, "a", "b")
	publishes(t, topic, block, "Org.a", 18, "strict")
	publishes(t, topic, block, "Org.b", 15, "strict")
	pruned := func(dry bool) error {
		p := pruner(config, block, "Org.a", "Org.b")
		p.dryRun = dry
		return p.start(t.Context(), "", []string{"mine"})
	}
	if err := pruned(true); err != nil {
		t.Fatal(err)
	}
	starts(t, topic, 0)
	if err := pruned(false); err != nil {
		t.Fatal(err)
	}
	starts(t, topic, 10) // b needs 15 next, and 5 are kept below

	write("password", "another\n")
	if err := pruned(false); err == nil {
		t.Error("pruned with another password")
	}
}

// What is missing for one channel is not taken from another, and what was pruned before
// shows nothing about the rules.
func TestPruneWithoutProof(t *testing.T) {
	config, _ := guarded(t, 3)
	one, two := topicOf(t, config, "one"), topicOf(t, config, "two")
	blockOne, blockTwo := configBlock(t, "one", nowhere, "a", "b"), configBlock(t, "two", nowhere, "a", "b")
	publishes(t, one, blockOne, "Org.a", 18, "strict")
	publishes(t, one, blockOne, "Org.b", 15, "strict")
	publishes(t, two, blockTwo, "Org.a", 18, "strict")
	refuses := func(says string, p *pruning, args ...string) {
		t.Helper()
		if err := p.start(t.Context(), filepath.Join(t.TempDir(), "none"), args); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("got %v, want it to say %q", err, says)
		}
	}
	refuses("orderer Org.b has published nothing for this channel", pruner(config, blockTwo, "Org.a", "Org.b"))
	refuses(`the config block is of channel "one", not "two"`, pruner(config, blockOne, "Org.a", "Org.b"), "two")
	refuses("orderer Org.b has published for this channel and is not named", pruner(config, blockOne, "Org.a"))
	replaced := configBlock(t, "one", nowhere, "a", "b", "d") // c was replaced by d, which has not published
	p := pruner(config, replaced, "Org.a", "Org.b")
	p.Without = []string{"Org.c"}
	refuses("--without Org.c: no member of exactly this name", p)
	refuses("Org.a has another config of sequence 2", pruner(config, configBlock(t, "one", nowhere, "a"), "Org.a"))
	refuses("address d:7050 of organization Org", pruner(config, replaced, "Org.a", "Org.b"))

	p = pruner(config, "", "Org.a", "Org.b")
	p.brokers = []string{"127.0.0.1:9"}
	refuses("--brokers alone does not show which orderers", p, "one")
	refuses("--config-block FILE", pruner(config, "", "Org.a", "Org.b"), "one")
	refuses(`orderer "a": want MSPID.NAME`, pruner(config, blockOne, "a"))

	publishes(t, two, blockTwo, "Org.b", 15, "compatible")
	refuses("orderer Org.b reads by the compatible rules", pruner(config, blockTwo, "Org.a", "Org.b"))
	starts(t, one, 0)
	starts(t, two, 0)
}

// moving is a topic that gets a record, which an orderer then publishes, while it is looked at.
type moving struct {
	log.Log
	t     *testing.T
	block string
}

func (m moving) Published(ctx context.Context, prefix string) ([]log.Progress, error) {
	if err := m.Append(ctx, []byte("next")); err != nil {
		return nil, err
	}
	publishes(m.t, m.Log, m.block, "Org.a", 21, "strict")
	return m.Log.Published(ctx, prefix)
}

// An orderer that publishes beyond what was the end a moment ago does not read another topic.
func TestPruneWhileRecordsCome(t *testing.T) {
	config, _ := guarded(t, 3)
	topic := topicOf(t, config, "mine")
	block := configBlock(t, "mine", nowhere, "a")
	channel, err := prune.ReadChannel(read(t, block))
	if err != nil {
		t.Fatal(err)
	}
	p := pruner(config, "")
	p.Orderers = []prune.Orderer{{Name: "Org.a"}}
	if plan, err := p.plan(t.Context(), moving{topic, t, block}, channel); err != nil || plan.Below != 16 {
		t.Errorf("%+v, %v", plan, err)
	}
}

func read(t *testing.T, file string) []byte {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// nowhere are a channel's brokers: those of the orderer.yaml are used instead.
var nowhere = []string{"none:9092"}
