package genesis

import (
	"crypto/x509"
	"encoding/pem"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/golang/protobuf/proto"
	"github.com/hyperledger/fabric-config/configtx"
	"github.com/hyperledger/fabric-config/configtx/membership"
	"github.com/hyperledger/fabric-config/configtx/orderer"
	cb "github.com/hyperledger/fabric-protos-go/common"
	ab "github.com/hyperledger/fabric-protos-go/orderer"
	"github.com/hyperledger/fabric-protos-go/orderer/etcdraft"
	"github.com/hyperledger/fabric/common/channelconfig"
	"github.com/hyperledger/fabric/common/crypto/tlsgen"
	"github.com/hyperledger/fabric/protoutil"

	"github.com/fabric-kafka/orderer/chain/brokers"
	"github.com/fabric-kafka/orderer/chain/checktest"
	"github.com/fabric-kafka/orderer/chain/form"
)

func TestRewriteMakesKafkaOfAnyType(t *testing.T) {
	for _, kind := range []string{orderer.ConsensusTypeSolo, orderer.ConsensusTypeEtcdRaft, orderer.ConsensusTypeKafka} {
		t.Run(kind, func(t *testing.T) {
			from := blockOf(t, kind)
			out, err := Rewrite(encode(t, from), "kafka", []string{"127.0.0.1:9092", "broker.example.com:9093"})
			checktest.Must(t, err)
			to := decode(t, out)

			if want := protoutil.BlockDataHash(to.Data); !reflect.DeepEqual(to.Header.DataHash, want) {
				t.Fatalf("to.Header.DataHash is %v, want %v", to.Header.DataHash, want)
			}
			if reflect.DeepEqual(to.Header.DataHash, from.Header.DataHash) {
				t.Fatalf("got %v twice", to.Header.DataHash)
			}
			config := configOf(t, to)
			got, err := brokers.New(config)
			checktest.Must(t, err)
			if want := []string{"127.0.0.1:9092", "broker.example.com:9093"}; !reflect.DeepEqual(got, want) {
				t.Fatalf("got %v, want %v", got, want)
			}

			group := config.ChannelGroup.Groups[channelconfig.OrdererGroupKey]
			consensus := &ab.ConsensusType{}
			checktest.Must(t, proto.Unmarshal(group.Values[channelconfig.ConsensusTypeKey].Value, consensus))
			if consensus.Type != "kafka" {
				t.Fatalf("consensus.Type is %v, want %v", consensus.Type, "kafka")
			}
			if len(consensus.Metadata) != 0 {
				t.Fatalf("the raft consenters are gone: got %v, want nothing", consensus.Metadata)
			}
			if group.Values[brokers.Key].ModPolicy != "Admins" {
				t.Fatalf("group.Values[brokers.Key].ModPolicy is %v, want %v", group.Values[brokers.Key].ModPolicy, "Admins")
			}
		})
	}
}

// Of type etcdraft the block has the options that it had, or configtxgen's, and no consenters.
func TestRewriteMakesTheSharedType(t *testing.T) {
	for kind, size := range map[string]uint32{orderer.ConsensusTypeSolo: 16 << 20, orderer.ConsensusTypeEtcdRaft: 1 << 20} {
		t.Run(kind, func(t *testing.T) {
			out, err := Rewrite(encode(t, blockOf(t, kind)), form.SharedType, []string{"127.0.0.1:9092"})
			checktest.Must(t, err)
			config := configOf(t, decode(t, out))
			if got := form.Of(config); got != form.Shared {
				t.Fatalf("the channel is %s, want %s", got, form.Shared)
			}
			consensus, metadata := &ab.ConsensusType{}, &etcdraft.ConfigMetadata{}
			group := config.ChannelGroup.Groups[channelconfig.OrdererGroupKey]
			checktest.Must(t, proto.Unmarshal(group.Values[channelconfig.ConsensusTypeKey].Value, consensus))
			checktest.Must(t, proto.Unmarshal(consensus.Metadata, metadata))
			if consensus.Type != "etcdraft" || len(metadata.Consenters) > 0 || metadata.Options.GetSnapshotIntervalSize() != size {
				t.Errorf("type %q, metadata %v", consensus.Type, metadata)
			}
			tx := configtx.New(config)
			read, err := tx.Orderer().Configuration() // as tools that use Fabric's library do
			checktest.Must(t, err)
			if read.OrdererType != form.SharedType || len(read.EtcdRaft.Consenters) > 0 || read.EtcdRaft.Options.SnapshotIntervalSize != size {
				t.Errorf("fabric-config reads %+v", read)
			}
		})
	}
}

func TestRewriteRefusesOtherTypes(t *testing.T) {
	_, err := Rewrite(encode(t, blockOf(t, orderer.ConsensusTypeSolo)), "BFT", []string{"127.0.0.1:9092"})
	if err == nil || !strings.Contains(err.Error(), "want kafka or etcdraft") {
		t.Errorf("BFT: %v", err)
	}
}

// Nothing but the two values may differ: policies and limits are the operator's.
func TestRewriteKeepsTheRest(t *testing.T) {
	from := blockOf(t, orderer.ConsensusTypeSolo)
	out, err := Rewrite(encode(t, from), "kafka", []string{"127.0.0.1:9092"})
	checktest.Must(t, err)
	before, after := configOf(t, from), configOf(t, decode(t, out))
	for _, c := range []*cb.Config{before, after} {
		values := c.ChannelGroup.Groups[channelconfig.OrdererGroupKey].Values
		delete(values, brokers.Key)
		delete(values, channelconfig.ConsensusTypeKey)
	}
	if !proto.Equal(before, after) {
		t.Fatal("something else was changed")
	}
}

func TestRewriteRefuses(t *testing.T) {
	good := []string{"127.0.0.1:9092"}
	solo := func(change func(*cb.Block)) []byte {
		b := blockOf(t, orderer.ConsensusTypeSolo)
		change(b)
		return encode(t, b)
	}
	same := func(*cb.Block) {}
	for name, c := range map[string]struct {
		block   []byte
		brokers []string
		want    string
	}{
		"garbage":           {[]byte("no block"), good, "not a block"},
		"empty file":        {nil, good, "exactly one envelope"},
		"several envelopes": {solo(func(b *cb.Block) { b.Data.Data = append(b.Data.Data, nil) }), good, "exactly one envelope"},
		"later block":       {solo(func(b *cb.Block) { b.Header.Number = 3 }), good, "only a block 0"},
		"no config":         {solo(func(b *cb.Block) { b.Data.Data[0] = transaction(t) }), good, "not a config block"},
		"unknown type":      {solo(func(b *cb.Block) { setType(t, b, "BFT") }), good, `consensus type "BFT"`},
		"no brokers":        {solo(same), nil, "names no broker"},
		"bad broker":        {solo(same), []string{"127.0.0.1:9092", "nohost"}, `broker "nohost"`},
		"bad port":          {solo(same), []string{"127.0.0.1:0"}, `port "0"`},
		"blank before":      {solo(same), []string{"127.0.0.1:9092", " 127.0.0.1:9093"}, `broker " 127.0.0.1:9093" of the channel config: a channel config accepts letters`},
		"blank after":       {solo(same), []string{"127.0.0.1:9092 "}, `broker "127.0.0.1:9092 "`},
		"underscore":        {solo(same), []string{"kafka_1:9092"}, `broker "kafka_1:9092" of the channel config: a channel config accepts letters`},
		"IPv6":              {solo(same), []string{"[::1]:9092"}, `broker "[::1]:9092"`},
		"twice":             {solo(same), []string{"a:9092", "a:9092"}, "named twice"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Rewrite(c.block, "kafka", c.brokers)
			checktest.Fails(t, err, c.want)
		})
	}
}

// A system channel is for in-tree orderers: [Rewrite] refuses it, System makes it one of type kafka.
func TestSystem(t *testing.T) {
	block, list := blockOf(t, orderer.ConsensusTypeSolo), []string{"127.0.0.1:9092"}
	config := configOf(t, block)
	delete(config.ChannelGroup.Groups, channelconfig.ApplicationGroupKey)
	config.ChannelGroup.Groups[channelconfig.ConsortiumsGroupKey] = &cb.ConfigGroup{ModPolicy: "Admins"}
	setConfig(t, block, config)
	_, err := Rewrite(encode(t, block), "kafka", list)
	checktest.Fails(t, err, "a system channel's")
	out, err := System(encode(t, block), list)
	checktest.Must(t, err)
	config = configOf(t, decode(t, out))
	got, err := brokers.New(config)
	checktest.Must(t, err)
	consensus := &ab.ConsensusType{}
	checktest.Must(t, proto.Unmarshal(config.ChannelGroup.Groups[channelconfig.OrdererGroupKey].Values[channelconfig.ConsensusTypeKey].Value, consensus))
	if consensus.Type != "kafka" || !reflect.DeepEqual(got, list) {
		t.Fatalf("type %q of brokers %v, want kafka of %v", consensus.Type, got, list)
	}
}

// blockOf makes a genesis block as configtxgen does.
func blockOf(t *testing.T, kind string) *cb.Block {
	ca, err := tlsgen.NewCA()
	checktest.Must(t, err)
	member, err := ca.NewServerCertKeyPair("127.0.0.1")
	checktest.Must(t, err)
	root, cert := certificate(t, ca.CertBytes()), certificate(t, member.Cert)
	policies := map[string]configtx.Policy{}
	for _, name := range []string{"Readers", "Writers", "Admins", "BlockValidation", "Endorsement", "LifecycleEndorsement"} {
		policies[name] = configtx.Policy{Type: configtx.ImplicitMetaPolicyType, Rule: "ANY " + name}
	}
	org := func(name string) configtx.Organization {
		return configtx.Organization{Name: name, Policies: policies, OrdererEndpoints: []string{"127.0.0.1:7050"}, MSP: configtx.MSP{
			Name: name + "MSP", RootCerts: []*x509.Certificate{root}, Admins: []*x509.Certificate{cert},
			CryptoConfig: membership.CryptoConfig{SignatureHashFamily: "SHA2", IdentityIdentifierHashFunction: "SHA256"},
		}}
	}
	block, err := configtx.NewApplicationChannelGenesisBlock(configtx.Channel{
		Capabilities: []string{"V2_0"},
		Policies:     policies,
		Application:  configtx.Application{Capabilities: []string{"V2_0"}, Policies: policies, Organizations: []configtx.Organization{org("Org1")}},
		Orderer: configtx.Orderer{
			OrdererType: kind, Capabilities: []string{"V2_0"}, Policies: policies, State: orderer.ConsensusStateNormal,
			Organizations: []configtx.Organization{org("Orderer")},
			BatchTimeout:  time.Second, BatchSize: orderer.BatchSize{MaxMessageCount: 10, AbsoluteMaxBytes: 1 << 20, PreferredMaxBytes: 1 << 19},
			Kafka: orderer.Kafka{Brokers: []string{"old:9092"}},
			EtcdRaft: orderer.EtcdRaft{
				Consenters: []orderer.Consenter{{Address: orderer.EtcdAddress{Host: "127.0.0.1", Port: 7050}, ClientTLSCert: cert, ServerTLSCert: cert}},
				Options:    orderer.EtcdRaftOptions{TickInterval: "500ms", ElectionTick: 10, HeartbeatTick: 1, MaxInflightBlocks: 5, SnapshotIntervalSize: 1 << 20},
			},
		},
	}, "mychannel")
	checktest.Must(t, err)
	return block
}

func certificate(t *testing.T, text []byte) *x509.Certificate {
	block, _ := pem.Decode(text)
	if block == nil {
		t.Fatal("got nil")
	}
	cert, err := x509.ParseCertificate(block.Bytes)
	checktest.Must(t, err)
	return cert
}

func setType(t *testing.T, b *cb.Block, kind string) {
	config := configOf(t, b)
	raw, err := proto.Marshal(&ab.ConsensusType{Type: kind})
	checktest.Must(t, err)
	config.ChannelGroup.Groups[channelconfig.OrdererGroupKey].Values[channelconfig.ConsensusTypeKey].Value = raw
	setConfig(t, b, config)
}

func setConfig(t *testing.T, b *cb.Block, config *cb.Config) {
	envelope, err := protoutil.CreateSignedEnvelope(cb.HeaderType_CONFIG, "mychannel", nil, &cb.ConfigEnvelope{Config: config}, 0, 0)
	checktest.Must(t, err)
	b.Data.Data[0] = encode(t, envelope)
}

func transaction(t *testing.T) []byte {
	envelope, err := protoutil.CreateSignedEnvelope(cb.HeaderType_ENDORSER_TRANSACTION, "mychannel", nil, &cb.ConfigValue{}, 0, 0)
	checktest.Must(t, err)
	return encode(t, envelope)
}

func configOf(t *testing.T, b *cb.Block) *cb.Config {
	envelope, err := protoutil.ExtractEnvelope(b, 0)
	checktest.Must(t, err)
	config := &cb.ConfigEnvelope{}
	_, err = protoutil.UnmarshalEnvelopeOfType(envelope, cb.HeaderType_CONFIG, config)
	checktest.Must(t, err)
	return config.Config
}

func encode(t *testing.T, m proto.Message) []byte {
	b, err := proto.Marshal(m)
	checktest.Must(t, err)
	return b
}

func decode(t *testing.T, raw []byte) *cb.Block {
	b := &cb.Block{}
	checktest.Must(t, proto.Unmarshal(raw, b))
	return b
}
