package prune

import (
	"reflect"
	"strings"
	"testing"

	"github.com/golang/protobuf/proto"
	cb "github.com/hyperledger/fabric-protos-go/common"
	"github.com/hyperledger/fabric-protos-go/msp"
	ab "github.com/hyperledger/fabric-protos-go/orderer"
	"github.com/hyperledger/fabric/protoutil"

	blocks "github.com/fabric-kafka/orderer/chain/block"
)

func value(m proto.Message) *cb.ConfigValue {
	return &cb.ConfigValue{Value: protoutil.MarshalOrPanic(m)}
}

func addresses(all ...string) *cb.ConfigValue { return value(&cb.OrdererAddresses{Addresses: all}) }

func organization(id string, all ...string) *cb.ConfigGroup {
	inner := protoutil.MarshalOrPanic(&msp.FabricMSPConfig{Name: id})
	return &cb.ConfigGroup{Values: map[string]*cb.ConfigValue{"MSP": value(&msp.MSPConfig{Config: inner}), "Endpoints": addresses(all...)}}
}

func config(kind string) *cb.Config {
	return &cb.Config{Sequence: 3, ChannelGroup: &cb.ConfigGroup{
		Values: map[string]*cb.ConfigValue{"OrdererAddresses": addresses("g:1")},
		Groups: map[string]*cb.ConfigGroup{
			"Application": {Groups: map[string]*cb.ConfigGroup{"Peers": organization("PeersMSP")}},
			"Orderer": {
				Values: map[string]*cb.ConfigValue{"ConsensusType": value(&ab.ConsensusType{Type: kind}), "KafkaBrokers": value(&ab.KafkaBrokers{Brokers: []string{"k:9092"}})},
				Groups: map[string]*cb.ConfigGroup{"Two": organization("TwoMSP", "c:1"), "One": organization("OneMSP", "a:1", "b:1")},
			},
		},
	}}
}

func block(t *testing.T, kind cb.HeaderType, c *cb.Config) *cb.Block {
	t.Helper()
	envelope, err := protoutil.CreateSignedEnvelope(kind, "mine", nil, &cb.ConfigEnvelope{Config: c}, 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	b := protoutil.NewBlock(7, nil)
	b.Data.Data = [][]byte{protoutil.MarshalOrPanic(envelope)}
	b.Header.DataHash = protoutil.BlockDataHash(b.Data)
	return b
}

func TestReadsTheOrderersOfAConfig(t *testing.T) {
	got, err := ReadChannel(protoutil.MarshalOrPanic(block(t, cb.HeaderType_CONFIG, config("kafka"))))
	want := Channel{"mine", 3, blocks.ConfigDigest(config("kafka")), []string{"k:9092"}, []Org{{"OneMSP", []string{"a:1", "b:1"}}, {"TwoMSP", []string{"c:1"}}}, []string{"g:1"}}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v, want %+v", got, err, want)
	}
}

func TestRefusesBlocksThatAreNoConfigOfOurs(t *testing.T) {
	good := func() *cb.Block { return block(t, cb.HeaderType_CONFIG, config("kafka")) }
	changed := func(change func(*cb.Block)) *cb.Block {
		b := good()
		change(b)
		return b
	}
	nameless := config("kafka")
	nameless.ChannelGroup.Groups["Orderer"].Groups["One"] = organization("")
	for says, b := range map[string]*cb.Block{
		"exactly one envelope":          {},
		"exactly one envelope:":         changed(func(b *cb.Block) { b.Data.Data = append(b.Data.Data, nil) }),
		"its data hash is not":          changed(func(b *cb.Block) { b.Header.DataHash = nil }),
		"not a config block":            block(t, cb.HeaderType_ENDORSER_TRANSACTION, config("kafka")),
		"it holds no config":            block(t, cb.HeaderType_CONFIG, nil),
		`consensus type "etcdraft"`:     block(t, cb.HeaderType_CONFIG, config("etcdraft")),
		"organization One: its MSP has": block(t, cb.HeaderType_CONFIG, nameless),
	} {
		c, err := ChannelOf(b)
		if err == nil || !strings.Contains(err.Error(), strings.TrimSuffix(says, ":")) || c.Orgs != nil {
			t.Errorf("got %+v, %v, want it to say %q", c, err, says)
		}
	}
	if _, err := ReadChannel([]byte("no block")); err == nil || !strings.Contains(err.Error(), "not a block") {
		t.Errorf("garbage: %v", err)
	}
}

// A config that is already in force may name brokers that a new one may not: orderers
// connect to them, and others can be given.
func TestBrokersThatAreInForce(t *testing.T) {
	for _, c := range []struct{ named, want []string }{
		{[]string{"kafka_1:9092", "k:9092", "k:9092", ":9092"}, []string{"kafka_1:9092", "k:9092"}},
		{[]string{":9092"}, nil},
		{nil, nil},
	} {
		next := config("kafka")
		next.ChannelGroup.Groups["Orderer"].Values["KafkaBrokers"] = value(&ab.KafkaBrokers{Brokers: c.named})
		got, err := ChannelOf(block(t, cb.HeaderType_CONFIG, next))
		if err != nil || !reflect.DeepEqual(got.Brokers, c.want) {
			t.Errorf("%q: %q, %v", c.named, got.Brokers, err)
		}
	}
}
