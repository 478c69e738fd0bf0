package verdict

import (
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	cb "github.com/hyperledger/fabric-protos-go/common"
	mb "github.com/hyperledger/fabric-protos-go/msp"
	ab "github.com/hyperledger/fabric-protos-go/orderer"
	"github.com/hyperledger/fabric-protos-go/orderer/etcdraft"
	"github.com/hyperledger/fabric/protoutil"

	"github.com/fabric-kafka/orderer/chain/fabric"
	"github.com/fabric-kafka/orderer/chain/fabrictest"
	"github.com/fabric-kafka/orderer/chain/machine"
)

// set puts a value in a group.
func set(g *fabric.ConfigGroup, key string, m fabric.Message) {
	g.Values[key] = &fabric.ConfigValue{Value: protoutil.MarshalOrPanic(m), ModPolicy: "Admins"}
}

func enable(g *fabric.ConfigGroup, names ...string) {
	c := &fabric.Capabilities{Capabilities: map[string]*fabric.Capability{}}
	for _, n := range names {
		c.Capabilities[n] = &fabric.Capability{}
	}
	set(g, "Capabilities", c)
}

func brokerList(list ...string) func(*fabric.ConfigGroup) {
	return func(root *fabric.ConfigGroup) {
		set(root.Groups["Orderer"], "KafkaBrokers", &fabric.KafkaBrokers{Brokers: list})
	}
}

func ordered(kind string, state ab.ConsensusType_State, metadata string) func(*fabric.ConfigGroup) {
	return func(root *fabric.ConfigGroup) {
		set(root.Groups["Orderer"], "ConsensusType", &fabric.ConsensusType{Type: kind, State: state, Metadata: []byte(metadata)})
	}
}

// aCertificate has the form of one.
var aCertificate = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: []byte("DER")})

func raftMetadata(consenters ...*etcdraft.Consenter) string {
	return string(protoutil.MarshalOrPanic(&etcdraft.ConfigMetadata{Consenters: consenters, Options: &etcdraft.Options{
		TickInterval: "500ms", ElectionTick: 10, HeartbeatTick: 1, MaxInflightBlocks: 5,
	}}))
}

// members changes the MSP of the organization of orderers, and of that of peers.
func members(change func(*fabric.MSPConfig, *fabric.FabricMSPConfig)) func(*fabric.ConfigGroup) {
	return func(root *fabric.ConfigGroup) {
		for _, kind := range []string{"Orderer", "Application"} {
			org := root.Groups[kind].Groups["Org"]
			config, inner := &fabric.MSPConfig{}, &fabric.FabricMSPConfig{}
			_ = fabric.Unmarshal(org.Values["MSP"].Value, config)
			_ = fabric.Unmarshal(config.Config, inner)
			change(config, inner)
			config.Config = protoutil.MarshalOrPanic(inner)
			set(org, "MSP", config)
		}
	}
}

func administrator(cert []byte) func(*fabric.ConfigGroup) {
	return members(func(_ *fabric.MSPConfig, m *fabric.FabricMSPConfig) { m.Admins = append(m.Admins, cert) })
}

func authority(cert []byte) func(*fabric.ConfigGroup) {
	return members(func(_ *fabric.MSPConfig, m *fabric.FabricMSPConfig) { m.RootCerts = append(m.RootCerts, cert) })
}

// policed puts a policy in the channel's group.
func policed(kind cb.Policy_PolicyType, m fabric.Message) func(*fabric.ConfigGroup) {
	return func(g *fabric.ConfigGroup) {
		g.Policies["P"] = &fabric.ConfigPolicy{ModPolicy: "Admins", Policy: &cb.Policy{Type: int32(kind), Value: protoutil.MarshalOrPanic(m)}}
	}
}

func signedBy(kind mb.MSPPrincipal_Classification, principal fabric.Message) *cb.SignaturePolicyEnvelope {
	return &cb.SignaturePolicyEnvelope{
		Rule:       &cb.SignaturePolicy{Type: &cb.SignaturePolicy_SignedBy{}},
		Identities: []*mb.MSPPrincipal{{PrincipalClassification: kind, Principal: protoutil.MarshalOrPanic(principal)}},
	}
}

func strangeField(g *fabric.ConfigGroup, key string) {
	v := g.Values[key]
	g.Values[key] = &fabric.ConfigValue{Value: append(slices.Clone(v.Value), 0xa2, 0x06, 1, 'x'), ModPolicy: v.ModPolicy}
}

// changes are config updates on which lines of Fabric differ, or could.
func changes(c *realChannel) map[string]func(*fabric.ConfigGroup) {
	all := map[string]func(*fabric.ConfigGroup){
		"size": func(g *fabric.ConfigGroup) {
			set(g.Groups["Orderer"], "BatchSize", &fabric.BatchSize{MaxMessageCount: 7, AbsoluteMaxBytes: 9, PreferredMaxBytes: 5})
		},
		"brokers":               brokerList("kafka1:9092", "kafka-2.example.com:9093"),
		"underscore":            brokerList("kafka:9092", "kafka_1:9092"),
		"IPv6":                  brokerList("[::1]:9092"),
		"blank":                 brokerList("kafka:9092", " kafka:9093"),
		"no brokers":            brokerList(),
		"brokers gone":          func(g *fabric.ConfigGroup) { delete(g.Groups["Orderer"].Values, "KafkaBrokers") },
		"channel V3_0":          func(g *fabric.ConfigGroup) { enable(g, "V2_0", "V3_0") },
		"only V3_0":             func(g *fabric.ConfigGroup) { enable(g, "V3_0") },
		"channel V9_9":          func(g *fabric.ConfigGroup) { enable(g, "V2_0", "V9_9") },
		"orderer V9_9":          func(g *fabric.ConfigGroup) { enable(g.Groups["Orderer"], "V2_0", "V9_9") },
		"application V9_9":      func(g *fabric.ConfigGroup) { enable(g.Groups["Application"], "V2_0", "V9_9") },
		"only application V9_9": func(g *fabric.ConfigGroup) { enable(g.Groups["Application"], "V9_9") },
		"ACLs":                  func(g *fabric.ConfigGroup) { set(g.Groups["Application"], "ACLs", &fabric.ACLs{}) },
		"addresses": func(g *fabric.ConfigGroup) {
			set(g, "OrdererAddresses", &fabric.OrdererAddresses{Addresses: []string{"a:1"}})
		},
		"no endpoints": func(g *fabric.ConfigGroup) {
			set(g.Groups["Orderer"].Groups["Org"], "Endpoints", &fabric.OrdererAddresses{})
		},
		"consortiums":         func(g *fabric.ConfigGroup) { g.Groups["Consortiums"] = &fabric.ConfigGroup{ModPolicy: "Admins"} },
		"a group":             func(g *fabric.ConfigGroup) { g.Groups["Novelty"] = &fabric.ConfigGroup{ModPolicy: "Admins"} },
		"no application":      func(g *fabric.ConfigGroup) { delete(g.Groups, "Application") },
		"a value":             func(g *fabric.ConfigGroup) { set(g, "Novelty", &fabric.Capabilities{}) },
		"a value of orderers": func(g *fabric.ConfigGroup) { set(g.Groups["Orderer"], "Novelty", &fabric.Capabilities{}) },
		"a value of an org": func(g *fabric.ConfigGroup) {
			set(g.Groups["Application"].Groups["Org"], "Novelty", &fabric.Capabilities{})
		},
		"a group of an org": func(g *fabric.ConfigGroup) {
			g.Groups["Orderer"].Groups["Org"].Groups = map[string]*fabric.ConfigGroup{"Sub": {ModPolicy: "Admins"}}
		},
		"a field": func(g *fabric.ConfigGroup) { strangeField(g.Groups["Orderer"], "BatchSize") },
		"a field of the MSP": members(func(_ *fabric.MSPConfig, m *fabric.FabricMSPConfig) {
			fabric.Reflect(m).SetUnknown([]byte{0xa2, 0x06, 1, 'x'})
		}),
		"a field of a group": func(g *fabric.ConfigGroup) {
			g.ModPolicy = "Writers"
			fabric.Reflect(g).SetUnknown([]byte{0xa2, 0x06, 1, 'x'})
		},
		"a hash":                 func(g *fabric.ConfigGroup) { set(g, "HashingAlgorithm", &cb.HashingAlgorithm{Name: "SHA9"}) },
		"a hash of the MSP":      members(func(_ *fabric.MSPConfig, m *fabric.FabricMSPConfig) { m.CryptoConfig.SignatureHashFamily = "SHA9" }),
		"an MSP":                 members(func(c *fabric.MSPConfig, _ *fabric.FabricMSPConfig) { c.Type = 9 }),
		"idemix":                 members(func(c *fabric.MSPConfig, _ *fabric.FabricMSPConfig) { c.Type = 1 }),
		"Ed25519 administrator":  administrator(c.administrator(x509.Ed25519)),
		"RSA administrator":      administrator(c.administrator(x509.RSA)),
		"RSA authority":          authority(c.authority(x509.RSA)),
		"Ed25519 authority":      authority(c.authority(x509.Ed25519)),
		"garbage for a value":    func(g *fabric.ConfigGroup) { g.Groups["Orderer"].Values["BatchSize"].Value = []byte{0xff} },
		"garbage for brokers":    func(g *fabric.ConfigGroup) { g.Groups["Orderer"].Values["KafkaBrokers"].Value = []byte{0xff} },
		"garbage for capability": func(g *fabric.ConfigGroup) { g.Values["Capabilities"].Value = []byte{0xff} },
	}
	maps.Copy(all, consensusChanges())
	maps.Copy(all, policyChanges())
	return all
}

func policyChanges() map[string]func(*fabric.ConfigGroup) {
	return map[string]func(*fabric.ConfigGroup){
		"a policy": func(g *fabric.ConfigGroup) {
			g.Policies["P"] = &fabric.ConfigPolicy{ModPolicy: "Admins", Policy: &cb.Policy{Type: 9}}
		},
		"no policy": func(g *fabric.ConfigGroup) { g.Policies["P"] = &fabric.ConfigPolicy{ModPolicy: "Admins"} },
		"a field of a policy": func(g *fabric.ConfigGroup) {
			g.Policies["P"] = &fabric.ConfigPolicy{ModPolicy: "Admins", Policy: &cb.Policy{Type: 3, Value: []byte{0xa2, 0x06, 1, 'x'}}}
		},
		"a rule of a policy": policed(cb.Policy_IMPLICIT_META, &cb.ImplicitMetaPolicy{SubPolicy: "Admins", Rule: 7}),
		"a role":             policed(cb.Policy_SIGNATURE, signedBy(mb.MSPPrincipal_ROLE, &mb.MSPRole{MspIdentifier: "OrgMSP", Role: 77})),
		"a principal":        policed(cb.Policy_SIGNATURE, signedBy(77, &mb.MSPRole{MspIdentifier: "OrgMSP"})),
		"a known role":       policed(cb.Policy_SIGNATURE, signedBy(mb.MSPPrincipal_ROLE, &mb.MSPRole{MspIdentifier: "OrgMSP", Role: mb.MSPRole_ORDERER})),
	}
}

func consensusChanges() map[string]func(*fabric.ConfigGroup) {
	const normal, maintenance = ab.ConsensusType_STATE_NORMAL, ab.ConsensusType_STATE_MAINTENANCE
	return map[string]func(*fabric.ConfigGroup){
		"maintenance":    ordered("kafka", maintenance, ""),
		"normal":         ordered("kafka", normal, ""),
		"another state":  ordered("kafka", 7, ""),
		"metadata":       ordered("kafka", normal, "m"),
		"etcdraft":       ordered("etcdraft", maintenance, "m"),
		"shared":         ordered("etcdraft", maintenance, raftMetadata()),
		"shared at once": ordered("etcdraft", normal, raftMetadata()),
		"Raft": func(g *fabric.ConfigGroup) {
			ordered("etcdraft", maintenance, raftMetadata(&etcdraft.Consenter{Host: "o", Port: 1, ClientTlsCert: aCertificate, ServerTlsCert: aCertificate}))(g)
			delete(g.Groups["Orderer"].Values, "KafkaBrokers")
		},
		"Raft with brokers":     ordered("etcdraft", maintenance, raftMetadata(&etcdraft.Consenter{Host: "o", Port: 1, ClientTlsCert: aCertificate, ServerTlsCert: aCertificate})),
		"etcdraft at once":      ordered("etcdraft", normal, "m"),
		"BFT":                   ordered("BFT", maintenance, "m"),
		"solo":                  ordered("solo", maintenance, ""),
		"testing-only":          ordered("testing-only", maintenance, ""),
		"no type":               func(g *fabric.ConfigGroup) { delete(g.Groups["Orderer"].Values, "ConsensusType") },
		"BFT consenters":        func(g *fabric.ConfigGroup) { set(g.Groups["Orderer"], "Orderers", &cb.Orderers{}) },
		"BFT consenters on top": func(g *fabric.ConfigGroup) { set(g, "Orderers", &cb.Orderers{}) },
	}
}

// tally counts verdicts.
type tally struct{ passed, refused, stopped int }

func (n *tally) add(v machine.Verdict) {
	switch {
	case v.Stop != "":
		n.stopped++
	case v.Refusal != "":
		n.refused++
	default:
		n.passed++
	}
}

func (n tally) plus(m tally) tally {
	return tally{n.passed + m.passed, n.refused + m.refused, n.stopped + m.stopped}
}

// agree compares the verdicts of builds on one record: if one accepts it and another
// refuses it, the channel would fork.
func agree(builds []*build, check machine.Check, envelope *fabric.Envelope) (n tally, fork string) {
	var said []string
	for _, b := range builds {
		v := b.verdict(check, envelope)
		n.add(v)
		said = append(said, fmt.Sprintf("%s says %+v", b.name, v))
	}
	if n.passed > 0 && n.refused > 0 {
		return n, strings.Join(said, ", ")
	}
	return n, ""
}

// builds returns the builds of all lines that can read the channel's config: other lines have no orderers on it.
func (c *realChannel) builds() (all []*build) {
	for _, l := range allLines() {
		if l.refuses(c.config) == nil && l.starts(c.config) {
			all = append(all, c.build(l))
		}
	}
	return all
}

// compare judges one update by all builds on lines that can be on the channel.
func (c *realChannel) compare(builds []*build, check machine.Check, signed bool, names ...string) tally {
	next, all := c.clone(), changes(c)
	for _, name := range names {
		if next.ChannelGroup.Groups["Application"] != nil {
			all[name](next.ChannelGroup)
		}
	}
	n, fork := agree(builds, check, c.update(next, signed))
	if fork != "" {
		c.Errorf("%s by check %d: %s", strings.Join(names, " and "), check, fork)
	}
	return n
}

// states are the changes that a channel can have in force.
var states = []string{"size", "maintenance", "shared", "underscore", "only V3_0", "only application V9_9"}

// neverOn25 are the states in which Fabric 2.5 cannot read a channel config, which is then
// on no orderer of that line; nor can the code of 2.5 imitate the other lines there.
var neverOn25 = []string{"underscore", "only V3_0"}

// Builds on all lines reach the same verdict on any record, or those that know less stop: for each change alone, and
// for random ones together, also unsigned.
func TestLinesAgree(t *testing.T) {
	var total tally
	for _, state := range states {
		if fabrictest.ThisLine() == fabrictest.Line25 && slices.Contains(neverOn25, state) {
			continue
		}
		t.Run(state, func(t *testing.T) {
			c := newRealChannel(t)
			all := changes(c)
			all[state](c.config.ChannelGroup)
			builds, names := c.builds(), slices.Sorted(maps.Keys(all))
			for _, name := range names {
				total = total.plus(c.compare(builds, machine.CheckAgreed, true, name))
			}
			random := rand.New(rand.NewPCG(1, 2))
			for i := range 30 {
				check := []machine.Check{machine.CheckAgreed, machine.CheckBroadcast}[i%2]
				pick := func() string { return names[random.IntN(len(names))] }
				total = total.plus(c.compare(builds, check, i%10 > 0, pick(), pick()))
			}
		})
	}
	if total.passed < 100 || total.refused < 300 || total.stopped < 300 {
		t.Errorf("there are too few verdicts of a kind: %+v", total)
	}
}

// So they do at Broadcast, whose checks decide what the compatible rules skip and copy.
func TestLinesAgreeAtBroadcast(t *testing.T) {
	c := newRealChannel(t)
	all := changes(c)
	all["maintenance"](c.config.ChannelGroup)
	builds := c.builds()
	for name := range all {
		c.compare(builds, machine.CheckBroadcast, true, name)
	}
}

// By the compatible rules a config record of the sequence in force is accepted or stops the channel. What in-tree
// orderers of 2.5 would crash on stops it, and they accept whatever gets into a block.
func TestNothingIsWrittenThatInTreeOrderersCrashOn(t *testing.T) {
	c := newRealChannel(t)
	intree, b, taken := c.build(allLines()[0]), c.thisBuild(), 0
	for name, change := range changes(c) {
		next := c.clone()
		change(next.ChannelGroup)
		if v := b.verdict(machine.CheckWriter, c.update(next, true)); v != (machine.Verdict{}) {
			continue
		}
		taken++
		if _, err := intree.read(next); err != nil {
			t.Errorf("%s is written, but in-tree orderers say: %v", name, err)
		}
	}
	if taken < 10 {
		t.Errorf("%d changes are accepted", taken)
	}
}
