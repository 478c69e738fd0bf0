package chain

import (
	"encoding/pem"
	"strings"
	"testing"

	"github.com/golang/protobuf/proto"
	cb "github.com/hyperledger/fabric-protos-go/common"
	mb "github.com/hyperledger/fabric-protos-go/msp"
	"github.com/hyperledger/fabric/bccsp"
	"github.com/hyperledger/fabric/bccsp/sw"
	"github.com/hyperledger/fabric/common/channelconfig"
	"github.com/hyperledger/fabric/protoutil"

	"github.com/fabric-kafka/orderer/chain/fabric"
	"github.com/fabric-kafka/orderer/chain/fabrictest"
	"github.com/fabric-kafka/orderer/chain/machine"
	"github.com/fabric-kafka/orderer/chain/session"
	"github.com/fabric-kafka/orderer/chain/verdict"
)

// write makes a config block through Fabric's block writer.
func (r *real) write(e *fabric.Envelope) {
	r.Helper()
	err := r.chain.ledger.WriteConfig(session.Block{
		Number: machine.BlockNumber(r.chain.support.Height()), Config: true, Envelopes: [][]byte{protoutil.MarshalOrPanic(e)},
	})
	if err != nil {
		r.Fatal(err)
	}
}

// forged returns a config envelope as Fabric would compute it from an update, with the config in force after change.
func (r *real) forged(update []byte, change func(root *fabric.ConfigGroup)) *fabric.Envelope {
	root := proto.Clone(r.config().ChannelGroup).(*fabric.ConfigGroup)
	change(root)
	return r.net.Config(&fabric.ConfigEnvelope{Config: &fabric.Config{Sequence: 1, ChannelGroup: root}, LastUpdate: r.net.Signed(update)})
}

// expects checks the verdicts on an envelope.
func (r *real) expects(e *fabric.Envelope, want map[machine.Check]string) {
	r.Helper()
	for check, what := range want {
		v := r.verdict(machine.Config, check, e)
		got := "accepted"
		switch {
		case v.Stop != "":
			got = "stops"
		case v.Refusal != "":
			got = "refused"
		}
		if got != what {
			r.Errorf("check %d: %s (%+v), want %s", check, got, v, what)
		}
	}
}

// Fabric's processor reads the update in the envelope without checking whether there is one.
func TestConfigWithoutUpdate(t *testing.T) {
	r := newReal(t, fabrictest.NewNetwork(nil))
	bare := inside(t, r.proposed(r.larger()))
	bare.LastUpdate = nil
	e := r.net.Config(bare)
	r.expects(e, map[machine.Check]string{machine.CheckBroadcast: "stops", machine.CheckAgreed: "refused", machine.CheckWriter: "refused"})
	if _, _, err := r.chain.validator.Process(machine.Config, protoutil.MarshalOrPanic(e)); err == nil {
		t.Error("it was processed again")
	}
	empty := inside(t, r.proposed(r.larger()))
	empty.Config = nil
	r.expects(r.net.Config(empty), map[machine.Check]string{machine.CheckBroadcast: "accepted", machine.CheckAgreed: "refused", machine.CheckWriter: "refused"})
}

// Fabric splits the name of a policy without checking its length: the name of a group makes it panic.
func TestPolicyThatNamesAGroup(t *testing.T) {
	r := newReal(t, fabrictest.NewNetwork(nil))
	meta := protoutil.MarshalOrPanic(&fabric.ImplicitMetaPolicy{SubPolicy: "/Channel/Application/PeerMSP"})
	update := r.update(func(g *fabric.ConfigGroup) { g.Policies["Readers"].Policy.Value = meta }, "Application")
	e := r.forged(update, func(root *fabric.ConfigGroup) {
		p := root.Groups["Application"].Policies["Readers"]
		p.Version, p.Policy.Value = 1, meta
	})
	r.expects(e, map[machine.Check]string{machine.CheckBroadcast: "stops", machine.CheckWriter: "stops", machine.CheckAgreed: "refused"})
}

// Fabric accepts the name of a group as the policy of an element, and panics when the element is changed next.
func TestModPolicyThatNamesAGroup(t *testing.T) {
	r := newReal(t, fabrictest.NewNetwork(nil))
	e := r.proposed(r.update(func(g *fabric.ConfigGroup) { g.Values["BatchTimeout"].ModPolicy = "/Channel" }, "Orderer"))
	r.expects(e, map[machine.Check]string{machine.CheckBroadcast: "accepted", machine.CheckWriter: "accepted", machine.CheckAgreed: "refused"})
	if err := r.chain.Configure(e, 0); err == nil || !strings.Contains(err.Error(), "names a group") {
		t.Errorf("configured: %v", err)
	}

	r.write(e) // by the compatible rules
	next := r.update(func(g *fabric.ConfigGroup) { fabrictest.Put(g, channelconfig.BatchTimeoutValue("2s")) }, "Orderer")
	forged := r.forged(next, func(root *fabric.ConfigGroup) {})
	c := inside(t, forged)
	c.Config.Sequence = 2
	r.expects(r.net.Config(c), map[machine.Check]string{machine.CheckBroadcast: "stops", machine.CheckWriter: "stops", machine.CheckAgreed: "stops"})
}

// An MSP with a private half is accepted by the orderer whose key store has the key, and by no other; and by none
// after its certificate has expired.
func TestMSPWithASigningIdentity(t *testing.T) {
	net := fabrictest.NewNetwork(nil)
	r := newReal(t, net)
	definition := &mb.FabricMSPConfig{}
	if err := fabric.Unmarshal(net.Peers.MSP().Config, definition); err != nil {
		t.Fatal(err)
	}
	definition.SigningIdentity = &mb.SigningIdentityInfo{PublicSigner: net.Client.PEM(), PrivateSigner: &mb.KeyInfo{KeyMaterial: net.Client.Key()}}
	value := channelconfig.MSPValue(&mb.MSPConfig{Config: protoutil.MarshalOrPanic(definition)})
	e := r.proposed(r.update(func(g *fabric.ConfigGroup) { fabrictest.Put(g, value) }, "Application", "PeerMSP"))
	r.expects(e, map[machine.Check]string{machine.CheckWriter: "accepted", machine.CheckAgreed: "refused"})

	definition.SigningIdentity.PrivateSigner = nil
	bare := protoutil.MarshalOrPanic(&mb.MSPConfig{Config: protoutil.MarshalOrPanic(definition)})
	update := r.update(func(g *fabric.ConfigGroup) { g.Values["MSP"].Value = bare }, "Application", "PeerMSP")
	e = r.forged(update, func(root *fabric.ConfigGroup) {
		v := root.Groups["Application"].Groups["PeerMSP"].Values["MSP"]
		v.Version, v.Value = 1, bare
	})
	r.expects(e, map[machine.Check]string{machine.CheckWriter: "refused", machine.CheckAgreed: "refused"})
	store, err := sw.NewDefaultSecurityLevel(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	key, _ := pem.Decode(net.Client.Key())
	if _, err := store.KeyImport(key.Bytes, &bccsp.ECDSAPrivateKeyImportOpts{}); err != nil {
		t.Fatal(err)
	}
	r.chain.validator = verdict.New(r.chain.support, store) // the orderer that has the key
	r.expects(e, map[machine.Check]string{machine.CheckWriter: "accepted", machine.CheckAgreed: "refused"})
}

// Fabric looks for the certificate above a root certificate that is not an authority's own.
// Releases before 2.5.4 and 3.0 panic, and nobody knows what an in-tree orderer does then;
// later ones refuse the config.
func TestRootThatIsNotAnAuthority(t *testing.T) {
	net := fabrictest.NewNetwork(nil)
	r := newReal(t, net)
	definition := &mb.FabricMSPConfig{}
	if err := fabric.Unmarshal(net.Peers.MSP().Config, definition); err != nil {
		t.Fatal(err)
	}
	definition.RootCerts = append(definition.RootCerts, net.Client.PEM())
	bad := protoutil.MarshalOrPanic(&mb.MSPConfig{Config: protoutil.MarshalOrPanic(definition)})
	update := r.update(func(g *fabric.ConfigGroup) { g.Values["MSP"].Value = bad }, "Application", "PeerMSP")
	e := r.forged(update, func(root *fabric.ConfigGroup) {
		v := root.Groups["Application"].Groups["PeerMSP"].Values["MSP"]
		v.Version, v.Value = 1, bad
	})
	unchecked := "refused"
	if fabrictest.ThisLine().PanicsOnSignedRoots {
		unchecked = "stops"
	}
	r.expects(e, map[machine.Check]string{machine.CheckBroadcast: unchecked, machine.CheckWriter: unchecked, machine.CheckAgreed: "refused"})
}

// Nested groups take memory that grows with the square of their number, wherever they are and whoever signed.
func TestNestedGroups(t *testing.T) {
	r := newReal(t, fabrictest.NewNetwork(nil))
	deep := &fabric.ConfigGroup{}
	for range 9 {
		deep = &fabric.ConfigGroup{Groups: map[string]*fabric.ConfigGroup{"k": deep}}
	}
	for name, update := range map[string]*fabric.ConfigUpdate{
		"read":  {ChannelId: fabrictest.ChannelID, ReadSet: deep},
		"write": {ChannelId: fabrictest.ChannelID, WriteSet: deep},
	} {
		t.Run(name, func(t *testing.T) {
			r := r.in(t)
			e := r.forged(protoutil.MarshalOrPanic(update), func(*fabric.ConfigGroup) {})
			for _, check := range []machine.Check{machine.CheckAgreed, machine.CheckBroadcast, machine.CheckWriter} {
				if v := r.verdict(machine.Config, check, e); !strings.Contains(v.Refusal, "nested config groups") {
					t.Errorf("check %d: %+v", check, v)
				}
			}
			if err := r.chain.Configure(e, 0); err == nil || !strings.Contains(err.Error(), "nested config groups") {
				t.Errorf("configured: %v", err)
			}
		})
	}
	e := r.forged(r.larger(), func(root *fabric.ConfigGroup) { root.Groups["Application"].Groups["PeerMSP"].Groups = deep.Groups })
	if v := r.verdict(machine.Config, machine.CheckAgreed, e); !strings.Contains(v.Refusal, "nested config groups") {
		t.Errorf("%+v", v)
	}
}

// Fabric's generated code decodes nested messages without a limit: 500000 of them, in 2 MB, overflow the stack, and
// no process recovers from that.
func TestNestedMessages(t *testing.T) {
	r := newReal(t, fabrictest.NewNetwork(nil))
	deep := protoutil.MarshalOrPanic(&fabric.ConfigGroup{Version: 1})
	for levels, want := range map[int]map[machine.Check]string{
		400:    {machine.CheckAgreed: "refused", machine.CheckBroadcast: "refused", machine.CheckWriter: "refused", machine.CheckPulled: "refused"},
		500000: {machine.CheckAgreed: "refused", machine.CheckBroadcast: "stops", machine.CheckWriter: "refused", machine.CheckPulled: "refused"},
	} {
		group := fabrictest.Nest(deep, levels, 2) // a group's groups, and the value of an entry
		update := append(protoutil.MarshalOrPanic(&fabric.ConfigUpdate{ChannelId: fabrictest.ChannelID}), fabrictest.Nest(group, 1, 2)...)
		r.expects(r.forged(update, func(*fabric.ConfigGroup) {}), want)
	}
}

// The policies of a channel may be nested as deep as that.
func TestNestedPolicies(t *testing.T) {
	r := newReal(t, fabrictest.NewNetwork(nil))
	leaf := protoutil.MarshalOrPanic(&cb.SignaturePolicy{Type: &cb.SignaturePolicy_SignedBy{}})
	principal := fabrictest.Nest(protoutil.MarshalOrPanic(&mb.MSPPrincipal{Principal: []byte("x")}), 1, 3)
	for levels, want := range map[int]string{800: "accepted", 1000: "refused", 500000: "refused"} {
		value := append(fabrictest.Nest(leaf, levels+1, 2), principal...) // SignaturePolicy.n_out_of, NOutOf.rules
		update := r.update(func(g *fabric.ConfigGroup) { g.Policies["Readers"].Policy.Value = value }, "Application", "PeerMSP")
		e := r.forged(update, func(root *fabric.ConfigGroup) {
			p := root.Groups["Application"].Groups["PeerMSP"].Policies["Readers"]
			p.Version, p.Policy.Value = 1, value
		})
		r.expects(e, map[machine.Check]string{machine.CheckAgreed: want, machine.CheckWriter: want})
	}
}

// Releases compare fields that none of them has in different ways.
func TestUnknownFieldsOfAConfig(t *testing.T) {
	r := newReal(t, fabrictest.NewNetwork(nil))
	extra := fabrictest.Nest([]byte("x"), 1, 1000)
	sound := r.proposed(r.larger())
	r.expects(sound, map[machine.Check]string{machine.CheckAgreed: "accepted"})

	payload, err := protoutil.UnmarshalPayload(sound.Payload)
	if err != nil {
		t.Fatal(err)
	}
	payload.Data = append(payload.Data, extra...)
	inEnvelope := r.net.Orderer.Envelope(protoutil.MarshalOrPanic(payload))
	payload.Data = append(payload.Data[:len(payload.Data)-len(extra)], fabrictest.Nest(extra, 1, 1)...) // merged into the config
	inConfig := r.net.Orderer.Envelope(protoutil.MarshalOrPanic(payload))
	inGroup := r.proposed(append(r.larger(), fabrictest.Nest(extra, 1, 3)...)) // merged into the write set
	for name, c := range map[string]struct {
		envelope *fabric.Envelope
		comes    string
	}{"config envelope": {inEnvelope, "refused"}, "config": {inConfig, "refused"}, "update": {inGroup, "stops"}} {
		t.Run(name, func(t *testing.T) {
			r.in(t).expects(c.envelope, map[machine.Check]string{machine.CheckAgreed: c.comes, machine.CheckWriter: "accepted"})
		})
	}
}
