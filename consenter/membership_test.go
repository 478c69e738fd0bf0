package consenter

import (
	"reflect"
	"strings"
	"testing"

	"github.com/hyperledger/fabric/protoutil"

	"github.com/fabric-kafka/orderer/chain/checktest"
	"github.com/fabric-kafka/orderer/chain/fabric"
	"github.com/fabric-kafka/orderer/chain/fabrictest"
)

func TestEveryOrdererIsAMember(t *testing.T) {
	block := channelSpec{kind: "kafka", brokers: []string{"kafka1:9092", "kafka2.example.com:9093"}}.block()
	member, err := plainConsenter(t).IsChannelMember(block)
	checktest.Must(t, err)
	if !member {
		t.Fatal("the orderer is not a member")
	}
}

// byLine returns the expected fault of a malformed broker address: Fabric 2.5 reads the list, and refuses it, before
// our code does.
func byLine(ours string) string {
	if fabrictest.ThisLine().ChecksBrokers {
		return "Invalid broker entry: kafka"
	}
	return ours
}

func TestBadJoinBlocksAreRefused(t *testing.T) {
	good := []string{"kafka:9092"}
	noOrderer := channelSpec{kind: "kafka"}.config()
	delete(noOrderer.ChannelGroup.Groups, "Orderer")
	garbage := blockOf(fabric.TypeConfig, nil)
	garbage.Data.Data[0] = []byte{1, 2, 3}
	c := plainConsenter(t)
	c.Started()
	for _, x := range []struct {
		name  string
		block *fabric.Block
		fault string
	}{
		{"no block", nil, "no config block"},
		{"empty block", &fabric.Block{}, "read the config block"},
		{"garbage", garbage, "read the config block"},
		{"transaction", blockOf(3, nil), "the block is not a config block"},
		{"garbage config", blockOf(fabric.TypeConfig, []byte{1, 2, 3}), "the block is not a config block"},
		{"no config", blockOf(fabric.TypeConfig, nil), `read the config of channel "mychannel"`},
		{"no orderer group", blockOf(fabric.TypeConfig, protoutil.MarshalOrPanic(&fabric.ConfigEnvelope{Config: noOrderer})), "has no orderer group"},
		{"other type", channelSpec{kind: "etcdraft", brokers: good}.block(), `a channel of consensus type "etcdraft"; set ConsensusType.type to "kafka"`},
		{"metadata", channelSpec{kind: "kafka", metadata: []byte{1}, brokers: good}.block(), "leave ConsensusType.metadata of the config block empty"},
		{"no broker key", channelSpec{kind: "kafka"}.block(), "put at least one host:port in /Channel/Orderer/KafkaBrokers"},
		{"no brokers", channelSpec{kind: "kafka", brokers: []string{}}.block(), "put at least one host:port"},
		{"broken brokers", channelSpec{kind: "kafka", brokers: []string{"kafka", "kafka:9092", ":1", "kafka:99999"}}.block(), byLine(`broker "kafka" of the channel config: want host:port`)},
	} {
		member, err := c.IsChannelMember(x.block)
		if want := x.fault; err == nil || !strings.Contains(err.Error(), want) {
			t.Fatalf("%v: got the error %v, want one with %q", x.name, err, want)
		}
		if member {
			t.Fatalf("%v: the orderer is a member", x.name)
		}
	}
}

// A later config block belongs to a channel that others order already: its content was
// validated when it was ordered, and an orderer that joins cannot change it.
func TestJoinsAChannelAsItIs(t *testing.T) {
	c := plainConsenter(t)
	c.Started()
	for name, spec := range map[string]channelSpec{
		"a broker twice": {kind: "kafka", brokers: []string{"kafka:9092", "kafka:9092"}},
		"no usable broker, where the orderer may have its own list": {kind: "kafka", brokers: []string{":9092"}},
		"an unusable broker next to a good one":                     {kind: "kafka", brokers: []string{"kafka:9092", ":9092", "kafka:0"}},
		"metadata, which is harmless":                               {kind: "kafka", brokers: []string{"kafka:9092"}, metadata: []byte{1}},
	} {
		block := spec.block()
		_, err := c.IsChannelMember(block)
		if err == nil {
			t.Fatalf("%v: there is no error", name)
		}
		block.Header.Number = 7
		member, err := c.IsChannelMember(block)
		if err != nil {
			t.Fatalf("%v: %v", name, err)
		}
		if !member {
			t.Fatalf("%v: the orderer is not a member", name)
		}
	}
	other := channelSpec{kind: "etcdraft"}.block()
	other.Header.Number = 7
	_, err := c.IsChannelMember(other)
	checktest.Fails(t, err, `of consensus type "etcdraft"`)
}

// A build that does not know a capability in force can judge no record by it: its chain would stop at
// the first one. Whoever joins hears of it at once.
func TestUnknownCapabilitiesCannotBeJoined(t *testing.T) {
	c := plainConsenter(t)
	c.Started()
	unknown := map[string]channelSpec{
		`capability "V9_9" of group Channel, which this build does not know: Fabric 9.9 introduced it; join with an orderer`: {channel: "V9_9"},
		`capability "V9_9" of group Orderer, which this build`:                                                               {orderer: "V9_9"},
		`capability "SECRET" of group Orderer, which this build does not know: a newer release of Fabric may; join with`:     {orderer: "SECRET"},
	}
	const v3 = `capability "V3_0" of group Channel, which this build does not know: Fabric 3.0 introduced it; join`
	if !fabrictest.ThisLine().KnowsV3 {
		unknown[v3] = channelSpec{channel: "V3_0"}
	}
	for fault, spec := range unknown {
		spec.kind, spec.brokers = "kafka", []string{"kafka:9092"}
		block := spec.block()
		for _, block.Header.Number = range []uint64{0, 7} {
			member, err := c.IsChannelMember(block)
			if checktest.Fails(t, err, fault); member {
				t.Fatalf("%+v: the orderer is a member", spec)
			}
		}
	}
	block := channelSpec{kind: "kafka", brokers: []string{"kafka:9092"}, channel: "V1_4_3", orderer: "V1_4_2"}.block()
	if member, err := c.IsChannelMember(block); err != nil || !member {
		t.Fatalf("capabilities that every build knows: %v, %v", member, err)
	}
}

// While the registrar starts, an error ends the process, whatever the block contains: it
// comes from a ledger, or from a join that was accepted before.
func TestNothingIsRefusedWhileTheOrdererStarts(t *testing.T) {
	c := plainConsenter(t)
	bad := channelSpec{kind: "kafka", brokers: []string{":9092"}}.block()
	for _, block := range []*fabric.Block{bad, nil, {}, blockOf(fabric.TypeConfig, nil), channelSpec{kind: "etcdraft"}.block()} {
		member, err := c.IsChannelMember(block)
		checktest.Must(t, err)
		if !member {
			t.Fatal("the orderer is not a member")
		}
	}
	c.Started()
	member, err := c.IsChannelMember(bad)
	if err != nil {
		t.Fatalf("a follower of a channel that was here asks again once it has its blocks: %v", err)
	}
	if !member {
		t.Fatal("the orderer is not a member")
	}

	one, err := c.HandleChain(newSupport(t, channelSpec{kind: "kafka", brokers: []string{":9092"}}.config()), nil)
	checktest.Must(t, err)
	one.Halt()
	_, err = c.IsChannelMember(bad)
	checktest.Fails(t, err, "9092") // the channel was removed; it has to be joined again
}

func TestMembershipDoesNotDependOnEarlierCalls(t *testing.T) {
	c := plainConsenter(t)
	c.Started()
	bad := channelSpec{kind: "kafka", brokers: []string{"kafka1:0", "kafka2:0"}}.block()
	_, first := c.IsChannelMember(bad)
	c.RemoveInactiveChainRegistry()
	_, second := c.IsChannelMember(bad)
	checktest.Fails(t, first, `"kafka1:0"`)
	checktest.Fails(t, first, `"kafka2:0"`)
	if got, want := second.Error(), first.Error(); !reflect.DeepEqual(got, want) {
		t.Fatalf("got %v, want %v", got, want)
	}
}
