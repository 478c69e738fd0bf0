package form_test

import (
	"fmt"
	"testing"

	ab "github.com/hyperledger/fabric-protos-go/orderer"
	"github.com/hyperledger/fabric-protos-go/orderer/etcdraft"
	"github.com/hyperledger/fabric/protoutil"
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/fabric-kafka/orderer/chain/fabric"
	"github.com/fabric-kafka/orderer/chain/form"
)

// metadata returns the consensus metadata that a channel config can have, and whether it is Raft's with options and no consenters.
func metadata() map[string]struct {
	value             []byte
	withoutConsenters bool
} {
	options := &etcdraft.Options{TickInterval: "500ms", ElectionTick: 10}
	consenters := []*etcdraft.Consenter{{Host: "orderer1", Port: 7050}}
	number := protowire.AppendVarint(protowire.AppendTag(nil, 2, protowire.VarintType), 5)
	return map[string]struct {
		value             []byte
		withoutConsenters bool
	}{
		"none":                      {nil, false},
		"garbage":                   {[]byte{0xff}, false},
		"options":                   {protoutil.MarshalOrPanic(&etcdraft.ConfigMetadata{Options: options}), true},
		"empty options":             {protoutil.MarshalOrPanic(&etcdraft.ConfigMetadata{Options: &etcdraft.Options{}}), true},
		"options and consenters":    {protoutil.MarshalOrPanic(&etcdraft.ConfigMetadata{Options: options, Consenters: consenters}), false},
		"consenters":                {protoutil.MarshalOrPanic(&etcdraft.ConfigMetadata{Consenters: consenters}), false},
		"an empty consenter":        {append(protoutil.MarshalOrPanic(&etcdraft.ConfigMetadata{Options: options}), 0x0a, 0), false},
		"a number for options":      {number, false},
		"a field of a later Fabric": {append(protoutil.MarshalOrPanic(&etcdraft.ConfigMetadata{Options: options}), 0x4a, 0), true},
	}
}

// Of all combinations that a config can have, only type kafka, and type etcdraft with brokers, options and no
// consenters, are ordered through Kafka, in each state.
func TestForms(t *testing.T) {
	lists := map[string]*fabric.ConfigValue{
		"absent":  nil,
		"empty":   {Value: protoutil.MarshalOrPanic(&ab.KafkaBrokers{})},
		"some":    {Value: protoutil.MarshalOrPanic(&ab.KafkaBrokers{Brokers: []string{"kafka:9092"}})},
		"garbage": {Value: []byte{0xff}},
	}
	seen := map[form.Form]int{}
	for _, kind := range []string{"kafka", "etcdraft", "BFT", "solo", "", "Kafka"} {
		for brokers, list := range lists {
			for name, m := range metadata() {
				for _, state := range []ab.ConsensusType_State{ab.ConsensusType_STATE_NORMAL, ab.ConsensusType_STATE_MAINTENANCE, 7} {
					want := form.Foreign
					switch {
					case kind == "kafka":
						want = form.Kafka
					case kind == "etcdraft" && brokers == "some" && m.withoutConsenters:
						want = form.Shared
					}
					got := form.Of(config(&ab.ConsensusType{Type: kind, Metadata: m.value, State: state}, list))
					seen[got]++
					if got != want {
						t.Errorf("type %q, brokers %s, metadata %s, state %s: %s, want %s", kind, brokers, name, state, got, want)
					}
				}
			}
		}
	}
	if seen[form.Shared] != 9 || seen[form.Kafka] != 4*9*3 {
		t.Errorf("seen: %v", seen)
	}
}

func config(kind *ab.ConsensusType, brokers *fabric.ConfigValue) *fabric.Config {
	orderer := &fabric.ConfigGroup{Values: map[string]*fabric.ConfigValue{"ConsensusType": {Value: protoutil.MarshalOrPanic(kind)}}}
	if brokers != nil {
		orderer.Values["KafkaBrokers"] = brokers
	}
	return &fabric.Config{ChannelGroup: &fabric.ConfigGroup{Groups: map[string]*fabric.ConfigGroup{"Orderer": orderer}}}
}

func TestNoConfigIsForeign(t *testing.T) {
	broken := config(&ab.ConsensusType{Type: "kafka"}, nil)
	broken.ChannelGroup.Groups["Orderer"].Values["ConsensusType"].Value = []byte{0xff}
	for i, c := range []*fabric.Config{nil, {}, {ChannelGroup: &fabric.ConfigGroup{}}, broken} {
		if got := form.Of(c); got != form.Foreign {
			t.Errorf("%s: %s", fmt.Sprint(i), got)
		}
	}
}
