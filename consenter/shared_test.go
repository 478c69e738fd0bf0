package consenter

import (
	"errors"
	"strings"
	"testing"

	"github.com/hyperledger/fabric-protos-go/orderer/etcdraft"
	"github.com/hyperledger/fabric/common/metrics/disabled"
	"github.com/hyperledger/fabric/orderer/consensus"
	"github.com/hyperledger/fabric/protoutil"

	"github.com/fabric-kafka/orderer/chain"
	"github.com/fabric-kafka/orderer/chain/checktest"
	"github.com/fabric-kafka/orderer/chain/fabric"
)

// stock is Fabric's own consenter of type etcdraft.
type stock struct {
	chain   consensus.Chain
	asked   []string
	removed int
}

var errStock = errors.New("empty consenter set")

func (s *stock) HandleChain(consensus.ConsenterSupport, *fabric.Metadata) (consensus.Chain, error) {
	s.asked = append(s.asked, "HandleChain")
	return s.chain, nil
}

func (s *stock) IsChannelMember(*fabric.Block) (bool, error) {
	s.asked = append(s.asked, "IsChannelMember")
	return false, errStock
}

func (s *stock) RemoveInactiveChainRegistry() { s.removed++ }

// raftOnly is a consenter without the methods of a cluster consenter.
type raftOnly struct{ consensus.Consenter }

func withoutConsenters() []byte {
	return protoutil.MarshalOrPanic(&etcdraft.ConfigMetadata{Options: &etcdraft.Options{TickInterval: "500ms"}})
}

func TestEachChannelGetsItsConsenter(t *testing.T) {
	own := struct{ consensus.Chain }{}
	fabrics := &stock{chain: own}
	shared := plainConsenter(t).Share(fabrics).(*Shared)
	member, err := shared.IsChannelMember(channelSpec{kind: "etcdraft", brokers: []string{"kafka:9092"}, metadata: withoutConsenters()}.block())
	checktest.Must(t, err)
	if !member || len(fabrics.asked) > 0 {
		t.Errorf("a channel with brokers and no consenters: member %t, Fabric's consenter was asked: %v", member, fabrics.asked)
	}
	for name, block := range map[string]*fabric.Block{
		"without brokers":  channelSpec{kind: "etcdraft", metadata: withoutConsenters()}.block(),
		"without metadata": channelSpec{kind: "etcdraft", brokers: []string{"kafka:9092"}}.block(),
		"unreadable":       blockOf(fabric.TypeConfig, []byte{1, 2, 3}),
		"none":             nil,
	} {
		fabrics.asked = nil
		if member, err := shared.IsChannelMember(block); member || !errors.Is(err, errStock) || len(fabrics.asked) != 1 {
			t.Errorf("a channel %s: member %t, %v; Fabric's consenter was asked: %v", name, member, err, fabrics.asked)
		}
	}
	fabrics.asked = nil
	raft, err := shared.HandleChain(struct{ consensus.ConsenterSupport }{}, nil)
	checktest.Must(t, err)
	if raft != consensus.Chain(own) || len(fabrics.asked) != 1 {
		t.Errorf("a channel of Raft has chain %T; Fabric's consenter was asked: %v", raft, fabrics.asked)
	}
	fabrics.asked = nil
	ours, err := shared.HandleChain(newSupport(t, channelSpec{kind: "etcdraft", brokers: []string{"kafka:9092"}, metadata: withoutConsenters()}.config()), &fabric.Metadata{})
	checktest.Must(t, err)
	if _, ok := ours.(*chain.Chain); !ok || len(fabrics.asked) > 0 {
		t.Errorf("a channel with brokers and no consenters has chain %T; Fabric's consenter was asked: %v", ours, fabrics.asked)
	}
	shared.RemoveInactiveChainRegistry()
	if fabrics.removed != 1 {
		t.Error("the registry of inactive chains is not removed")
	}
}

func TestSharedTypeOfASingleConsenter(t *testing.T) {
	shared := plainConsenter(t).Share(raftOnly{}).(*Shared)
	member, err := shared.IsChannelMember(channelSpec{kind: "etcdraft"}.block())
	checktest.Must(t, err)
	if member {
		t.Error("member of a channel of Raft")
	}
	shared.RemoveInactiveChainRegistry()
}

func TestSharedTypeWithoutRaft(t *testing.T) {
	c := plainConsenter(t)
	shared := c.Share(nil).(*Shared)
	spec := channelSpec{kind: "etcdraft", brokers: []string{"kafka:9092"}, metadata: withoutConsenters()}
	ours, err := shared.HandleChain(newSupport(t, spec.config()), &fabric.Metadata{})
	checktest.Must(t, err)
	if _, ok := ours.(*chain.Chain); !ok {
		t.Errorf("a channel with brokers and no consenters has chain %T", ours)
	}
	if _, err := shared.HandleChain(struct{ consensus.ConsenterSupport }{}, nil); !errors.Is(err, errNoRaft) {
		t.Errorf("a channel of Raft: %v", err)
	}
	if member, err := shared.IsChannelMember(channelSpec{kind: "etcdraft"}.block()); member || !errors.Is(err, errNoRaft) {
		t.Errorf("a channel of Raft: member %t, %v", member, err)
	}
	if c.checkRaft() != nil {
		t.Error("a check by Raft, though there is no Raft")
	}
	shared.RemoveInactiveChainRegistry()
}

// Where the settings exclude it, no such channel is joined, and one that the orderer has stops: other channels
// must start, whatever Fabric's consenter would do with it.
func TestSharedTypeIsOff(t *testing.T) {
	c := newConsenter(t, map[string]any{"SharedType": false}, &disabled.Provider{})
	fabrics := &stock{}
	shared := c.Share(fabrics)
	spec := channelSpec{kind: "etcdraft", brokers: []string{"kafka:9092"}, metadata: withoutConsenters()}
	own, err := shared.HandleChain(newSupport(t, spec.config()), &fabric.Metadata{})
	checktest.Must(t, err)
	if err := own.WaitReady(); err == nil || !strings.Contains(err.Error(), "this orderer's settings exclude") {
		t.Errorf("WaitReady: %v", err)
	}
	select {
	case <-own.Errored():
	default:
		t.Error("the chain has not stopped")
	}
	c.admission.start()
	member, err := shared.(*Shared).IsChannelMember(spec.block())
	if member || err == nil || !strings.Contains(err.Error(), "SharedType") {
		t.Errorf("a join: member %t, %v", member, err)
	}
	if len(fabrics.asked) > 0 {
		t.Errorf("Fabric's consenter was asked: %v", fabrics.asked)
	}
}
