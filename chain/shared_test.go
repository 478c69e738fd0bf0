package chain

import (
	"strings"
	"testing"

	ab "github.com/hyperledger/fabric-protos-go/orderer"
	"github.com/hyperledger/fabric-protos-go/orderer/etcdraft"
	"github.com/hyperledger/fabric/common/channelconfig"
	"github.com/hyperledger/fabric/protoutil"

	"github.com/fabric-kafka/orderer/chain/fabric"
	"github.com/fabric-kafka/orderer/chain/fabrictest"
	"github.com/fabric-kafka/orderer/chain/form"
	"github.com/fabric-kafka/orderer/chain/handover"
	"github.com/fabric-kafka/orderer/chain/machine"
	"github.com/fabric-kafka/orderer/chain/record"
	"github.com/fabric-kafka/orderer/chain/session"
)

// raftMetadata returns the consensus metadata of a channel of type etcdraft.
func raftMetadata(tick string, consenters ...*etcdraft.Consenter) []byte {
	return protoutil.MarshalOrPanic(&etcdraft.ConfigMetadata{Consenters: consenters, Options: &etcdraft.Options{
		TickInterval: tick, ElectionTick: 10, HeartbeatTick: 1, MaxInflightBlocks: 5, SnapshotIntervalSize: 16 << 20,
	}})
}

// shared returns a network whose channel has type etcdraft, with brokers and no consenters.
func shared() *fabrictest.Network {
	return startingAs(&ab.ConsensusType{Type: form.SharedType, Metadata: raftMetadata("500ms")})
}

func startingAs(is *ab.ConsensusType) *fabrictest.Network {
	return fabrictest.NewNetwork(func(_ *fabrictest.Network, root *fabric.ConfigGroup) { consensusType(is)(root.Groups["Orderer"]) })
}

func consensusType(t *ab.ConsensusType) func(*fabric.ConfigGroup) {
	return func(g *fabric.ConfigGroup) {
		g.Values[channelconfig.ConsensusTypeKey].Value = protoutil.MarshalOrPanic(t)
	}
}

// What an update can make of a channel of the shared type, at Broadcast and for every orderer that reads the record.
func TestUpdatesOfTheSharedType(t *testing.T) {
	consenter := &etcdraft.Consenter{Host: "o", Port: 7050, ClientTlsCert: []byte("c"), ServerTlsCert: []byte("c")}
	is := func(kind string, metadata []byte, state ab.ConsensusType_State) func(*fabric.ConfigGroup) {
		return consensusType(&ab.ConsensusType{Type: kind, Metadata: metadata, State: state})
	}
	list := func(brokers ...string) func(*fabric.ConfigGroup) {
		return func(g *fabric.ConfigGroup) {
			g.Values["KafkaBrokers"].Value = protoutil.MarshalOrPanic(&ab.KafkaBrokers{Brokers: brokers})
		}
	}
	for name, c := range map[string]struct {
		change  func(*fabric.ConfigGroup)
		refused string
	}{
		"a batch size":         {func(g *fabric.ConfigGroup) { fabrictest.Put(g, channelconfig.BatchSizeValue(7, 1<<20, 1<<19)) }, ""},
		"other brokers":        {list("kafka2:9092"), ""},
		"no brokers":           {list(), "needs brokers"},
		"brokers removed":      {func(g *fabric.ConfigGroup) { delete(g.Values, "KafkaBrokers") }, "needs brokers"},
		"consenters":           {is("etcdraft", raftMetadata("500ms", consenter), fabric.StateNormal), "no consenters"},
		"no metadata":          {is("etcdraft", nil, fabric.StateNormal), "no consenters"},
		"another type":         {is("kafka", nil, fabric.StateNormal), "cannot be changed"},
		"another type, BFT":    {is("BFT", nil, fabric.StateMaintenance), "cannot be changed"},
		"a state with no name": {is("etcdraft", raftMetadata("500ms"), 7), "neither STATE_NORMAL nor STATE_MAINTENANCE"},
	} {
		t.Run(name, func(t *testing.T) {
			r := newReal(t, shared())
			update := r.net.Signed(r.update(c.change, "Orderer"))
			e, seq, err := r.chain.support.ProcessConfigUpdateMsg(update)
			if err == nil {
				err = r.chain.validator.CheckNew(e)
			}
			if (err == nil) != (c.refused == "") {
				t.Errorf("the client is answered %v at %d, want %q", err, seq, c.refused)
			}
			proposed, err := r.chain.support.ConfigtxValidator().ProposeConfigUpdate(update)
			if err != nil {
				t.Fatal(err)
			}
			v := r.verdict(machine.Config, machine.CheckAgreed, r.net.Config(proposed))
			if v.Stop != "" || (v.Refusal == "") != (c.refused == "") || !strings.Contains(v.Refusal, c.refused) {
				t.Errorf("verdict %+v, want %q", v, c.refused)
			}
		})
	}
}

// A block that Raft ordered does not say where to continue in a topic, though its metadata decodes.
func TestSharedTypeAfterABlockOfRaft(t *testing.T) {
	own, err := record.EncodeMetadata(&record.Metadata{LastOffsetPersisted: 3, RuleSet: record.RuleSet_RULE_SET_STRICT, TopicId: "t"})
	if err != nil {
		t.Fatal(err)
	}
	config := newReal(t, shared()).config()
	for name, c := range map[string]struct {
		height   uint64
		metadata []byte
		fault    bool
	}{
		"Raft":               {9, protoutil.MarshalOrPanic(&etcdraft.BlockMetadata{ConsenterIds: []uint64{1, 2}, NextConsenterId: 3, RaftIndex: 9}), true},
		"an in-tree orderer": {9, []byte{8, 4}, true},
		"nobody":             {9, nil, true},
		"ours":               {9, own, false},
		"the genesis block":  {1, nil, false},
	} {
		err := handover.CheckLast(config, c.height, c.metadata)
		if (err != nil) != c.fault || err != nil && !strings.Contains(err.Error(), "last block, 8, was not ordered through Kafka") {
			t.Errorf("%s: %v, want a fault: %t", name, err, c.fault)
		}
	}
	if err := handover.CheckLast(newReal(t, fabrictest.NewNetwork(nil)).config(), 9, []byte{8, 4}); err != nil {
		t.Errorf("type kafka: %v", err)
	}
}

// In-tree orderers cannot order a channel of the shared type, so the permission to share its topic with them has no effect.
func TestSharedTypeHasStrictRules(t *testing.T) {
	for name, c := range map[string]struct {
		net     *fabrictest.Network
		allowed bool
	}{"shared": {shared(), false}, "kafka": {fabrictest.NewNetwork(nil), true}} {
		r := newRealWith(t, c.net, session.Settings{AllowUndescribed: true})
		if got := r.chain.opts.AllowUndescribed; got != c.allowed {
			t.Errorf("%s: the compatible rules are allowed: %t", name, got)
		}
	}
}
