package client_test

import (
	"reflect"
	"testing"
	"time"

	"github.com/golang/protobuf/proto"
	cb "github.com/hyperledger/fabric-protos-go/common"
	ab "github.com/hyperledger/fabric-protos-go/orderer"
	"github.com/hyperledger/fabric/common/channelconfig"
	"github.com/hyperledger/fabric/common/configtx"
	"github.com/hyperledger/fabric/common/policies"
	"github.com/hyperledger/fabric/msp"
	"github.com/hyperledger/fabric/protoutil"

	"github.com/fabric-kafka/orderer/chain/checktest"
	"github.com/fabric-kafka/orderer/network/client"
	"github.com/fabric-kafka/orderer/network/client/orderertest"
)

// anybody is a policy that everybody satisfies, at every path.
type anybody struct{}

func (anybody) GetPolicy(string) (policies.Policy, bool)             { return anybody{}, true }
func (anybody) Manager([]string) (policies.Manager, bool)            { return anybody{}, true }
func (anybody) EvaluateSignedData(set []*protoutil.SignedData) error { return nil }
func (anybody) EvaluateIdentities([]msp.Identity) error              { return nil }

func channelConfig() *cb.Config {
	value := func(m proto.Message, version uint64) *cb.ConfigValue {
		return &cb.ConfigValue{Version: version, Value: protoutil.MarshalOrPanic(m), ModPolicy: "Admins"}
	}
	return &cb.Config{Sequence: 4, ChannelGroup: &cb.ConfigGroup{
		Version: 1, ModPolicy: "Admins",
		Groups: map[string]*cb.ConfigGroup{channelconfig.OrdererGroupKey: {
			Version: 2, ModPolicy: "Admins",
			Values: map[string]*cb.ConfigValue{
				channelconfig.BatchSizeKey:    value(&ab.BatchSize{MaxMessageCount: 10, AbsoluteMaxBytes: 1000, PreferredMaxBytes: 500}, 3),
				channelconfig.BatchTimeoutKey: value(&ab.BatchTimeout{Timeout: "2s"}, 0),
				"KafkaBrokers":                value(&ab.KafkaBrokers{Brokers: []string{"old:9092"}}, 0),
			},
		}},
	}}
}

// Fabric's own validator must accept the update and arrive at the intended config.
func TestUpdateConfigIsValid(t *testing.T) {
	who := orderertest.Identity(t)
	genesis, err := protoutil.CreateSignedEnvelope(cb.HeaderType_CONFIG, "mychannel", nil, &cb.ConfigEnvelope{Config: channelConfig()}, 0, 0)
	checktest.Must(t, err)
	for name, change := range map[string]func(*cb.Config) (map[string]proto.Message, error){
		channelconfig.BatchSizeKey:    func(c *cb.Config) (map[string]proto.Message, error) { return client.BatchSizeUpdate(c, 77) },
		channelconfig.BatchTimeoutKey: func(*cb.Config) (map[string]proto.Message, error) { return client.BatchTimeoutUpdate(time.Second), nil },
		"KafkaBrokers":                func(*cb.Config) (map[string]proto.Message, error) { return client.BrokersUpdate("new:9092"), nil },
	} {
		t.Run(name, func(t *testing.T) {
			ledger := orderertest.NewLedger(protoutil.MarshalOrPanic(genesis))
			ledger.Change(0, withLastConfig)
			c := dial(t, orderertest.Start(t, "mychannel", ledger, nil))
			checktest.Must(t, c.UpdateConfig(t.Context(), who, "mychannel", change))
			submitted, err := c.Block(t.Context(), who, "mychannel", 1)
			checktest.Must(t, err)
			envelope, err := protoutil.ExtractEnvelope(submitted, 0)
			checktest.Must(t, err)

			validator, err := configtx.NewValidatorImpl("mychannel", channelConfig(), "Channel", anybody{})
			checktest.Must(t, err)
			proposed, err := validator.ProposeConfigUpdate(envelope)
			checktest.Must(t, err)
			if proposed.Config.Sequence != 5 {
				t.Fatalf("proposed.Config.Sequence is %v, want 5", proposed.Config.Sequence)
			}
			want, err := change(channelConfig())
			checktest.Must(t, err)
			group := proposed.Config.ChannelGroup.Groups[channelconfig.OrdererGroupKey]
			if want := protoutil.MarshalOrPanic(want[name]); !reflect.DeepEqual(group.Values[name].Value, want) {
				t.Fatalf("group.Values[name].Value is %v, want %v", group.Values[name].Value, want)
			}
			if len(group.Values) != 3 {
				t.Fatalf("got %v, want 3 of them", group.Values)
			}
		})
	}
}

func TestBatchSizeUpdateKeepsTheOtherLimits(t *testing.T) {
	values, err := client.BatchSizeUpdate(channelConfig(), 77)
	checktest.Must(t, err)
	if !proto.Equal(&ab.BatchSize{MaxMessageCount: 77, AbsoluteMaxBytes: 1000, PreferredMaxBytes: 500}, values[channelconfig.BatchSizeKey]) {
		t.Fatal("other limits were changed")
	}
}

func TestOrdererUpdateNeedsTheValue(t *testing.T) {
	config := channelConfig()
	delete(config.ChannelGroup.Groups[channelconfig.OrdererGroupKey].Values, "KafkaBrokers")
	_, err := client.OrdererUpdate(orderertest.Identity(t), "mychannel", config, client.BrokersUpdate("new:9092"))
	checktest.Fails(t, err, `no value "KafkaBrokers"`)
	_, err = client.OrdererUpdate(orderertest.Identity(t), "mychannel", &cb.Config{}, nil)
	checktest.Fails(t, err, "no orderer group")
}

func withLastConfig(b *cb.Block) {
	b.Metadata.Metadata[cb.BlockMetadataIndex_SIGNATURES] = protoutil.MarshalOrPanic(&cb.Metadata{
		Value: protoutil.MarshalOrPanic(&cb.OrdererBlockMetadata{LastConfig: &cb.LastConfig{}}),
	})
}
