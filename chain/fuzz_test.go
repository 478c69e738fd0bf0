package chain

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	cb "github.com/hyperledger/fabric-protos-go/common"
	mb "github.com/hyperledger/fabric-protos-go/msp"
	pb "github.com/hyperledger/fabric-protos-go/peer"
	"github.com/hyperledger/fabric/common/channelconfig"
	"github.com/hyperledger/fabric/core/common/validation"
	mspmgmt "github.com/hyperledger/fabric/msp/mgmt"
	"github.com/hyperledger/fabric/protoutil"

	"github.com/fabric-kafka/orderer/chain/fabric"
	"github.com/fabric-kafka/orderer/chain/fabrictest"
	"github.com/fabric-kafka/orderer/chain/guard"
	"github.com/fabric-kafka/orderer/chain/machine"
	"github.com/fabric-kafka/orderer/chain/record"
	"github.com/fabric-kafka/orderer/chain/session"
)

// updates returns config updates of every kind of value that Fabric looks into.
func updates(r *real) [][]byte {
	set := func(v *channelconfig.StandardConfigValue) func(*fabric.ConfigGroup) {
		return func(g *fabric.ConfigGroup) { fabrictest.Put(g, v) }
	}
	msp := func(kind int32, config []byte) func(*fabric.ConfigGroup) {
		return set(channelconfig.MSPValue(&mb.MSPConfig{Type: kind, Config: config}))
	}
	idemix := protoutil.MarshalOrPanic(&mb.IdemixMSPConfig{Name: "PeerMSP", Ipk: bytes.Repeat([]byte{10, 2, 8, 1}, 8), RevocationPk: []byte("key")})
	deep := &cb.SignaturePolicy{Type: &cb.SignaturePolicy_SignedBy{}}
	for range 50 {
		deep = &cb.SignaturePolicy{Type: &cb.SignaturePolicy_NOutOf_{NOutOf: &cb.SignaturePolicy_NOutOf{N: 1, Rules: []*cb.SignaturePolicy{deep}}}}
	}
	policy := func(kind cb.Policy_PolicyType, m *cb.SignaturePolicyEnvelope) func(*fabric.ConfigGroup) {
		return func(g *fabric.ConfigGroup) {
			g.Policies["Admins"].Policy = &cb.Policy{Type: int32(kind), Value: protoutil.MarshalOrPanic(m)}
		}
	}
	nodeOUs := &mb.FabricMSPConfig{}
	if err := fabric.Unmarshal(r.net.Peers.MSP().Config, nodeOUs); err != nil {
		r.Fatal(err)
	}
	nodeOUs.FabricNodeOus = &mb.FabricNodeOUs{Enable: true, PeerOuIdentifier: &mb.FabricOUIdentifier{OrganizationalUnitIdentifier: "peer"}}
	return [][]byte{
		r.larger(),
		r.update(set(channelconfig.BatchTimeoutValue("2s")), "Orderer"),
		r.update(set(channelconfig.ConsensusTypeValue("etcdraft", []byte{10, 0})), "Orderer"),
		r.update(set(channelconfig.CapabilitiesValue(map[string]bool{"V2_0": true, "V2_5": true})), "Application"),
		r.update(set(channelconfig.ACLValues(map[string]string{"peer/Propose": "/Channel/Application/Writers"})), "Application"),
		r.update(set(channelconfig.OrdererAddressesValue([]string{"a:1"}))),
		r.update(set(channelconfig.MSPValue(r.net.Peers.MSP(r.net.Client))), "Application", "PeerMSP"),
		r.update(msp(0, protoutil.MarshalOrPanic(nodeOUs)), "Application", "PeerMSP"),
		r.update(msp(1, idemix), "Application", "PeerMSP"),
		r.update(policy(cb.Policy_SIGNATURE, &cb.SignaturePolicyEnvelope{Rule: deep, Identities: []*mb.MSPPrincipal{{Principal: []byte("x")}}}), "Application", "PeerMSP"),
		r.update(func(g *fabric.ConfigGroup) {
			g.Policies["Readers"].Policy.Value = protoutil.MarshalOrPanic(&cb.ImplicitMetaPolicy{SubPolicy: "/Channel/Application/PeerMSP/Readers"})
		}, "Application"),
		r.update(func(g *fabric.ConfigGroup) { g.ModPolicy = "/Channel/Admins" }, "Application"),
		r.update(func(g *fabric.ConfigGroup) { delete(g.Policies, "Readers") }, "Application"),
		r.update(func(g *fabric.ConfigGroup) { g.Groups["New"] = &fabric.ConfigGroup{ModPolicy: "Admins"} }, "Application"),
	}
}

// transaction returns an endorser transaction in which peers find no fault except for
// its endorsements.
func transaction(net *fabrictest.Network) []byte {
	header := protoutil.MarshalOrPanic(&fabric.SignatureHeader{Creator: net.Client.Creator, Nonce: []byte("nonce")})
	proposal := &cb.Header{
		ChannelHeader: protoutil.MarshalOrPanic(&fabric.ChannelHeader{
			Type: int32(cb.HeaderType_ENDORSER_TRANSACTION), ChannelId: fabrictest.ChannelID,
			TxId:      protoutil.ComputeTxID([]byte("nonce"), net.Client.Creator),
			Extension: protoutil.MarshalOrPanic(&pb.ChaincodeHeaderExtension{ChaincodeId: chaincode}),
		}),
		SignatureHeader: header,
	}
	input := protoutil.MarshalOrPanic(&pb.ChaincodeProposalPayload{Input: []byte("input")})
	hash, err := protoutil.GetProposalHash2(proposal, input)
	if err != nil {
		panic(err)
	}
	action := &pb.ChaincodeActionPayload{ChaincodeProposalPayload: input, Action: &pb.ChaincodeEndorsedAction{
		ProposalResponsePayload: protoutil.MarshalOrPanic(&pb.ProposalResponsePayload{ProposalHash: hash, Extension: protoutil.MarshalOrPanic(
			&pb.ChaincodeAction{ChaincodeId: chaincode, Results: results([]string{"k"}, []string{"k", "#k"})})}),
	}}
	return protoutil.MarshalOrPanic(&fabric.Payload{Header: proposal, Data: protoutil.MarshalOrPanic(&pb.Transaction{
		Actions: []*pb.TransactionAction{{Header: header, Payload: protoutil.MarshalOrPanic(action)}},
	})})
}

// layers is the number of depths at which an envelope is mutated. What surrounds the layer is
// made and signed after it, so that the change reaches the code that reads it.
const layers = 8

// mutant returns the value of a record: a config update, wrapped as an orderer wraps it,
// or a transaction, mutated at a layer.
func (r *real) mutant(update []byte, layer uint8, class record.Regular_Class, seq uint64, program []byte) []byte {
	if layer%layers == 6 {
		return program // any bytes
	}
	at := func(n uint8, b []byte) []byte {
		if layer%layers == n {
			return fabrictest.Mutate(b, program)
		}
		return b
	}
	var e *fabric.Envelope
	if layer%layers == 7 {
		e = r.net.Client.Envelope(at(7, transaction(r.net)))
	} else {
		signed := r.net.Signed(at(0, update))
		signed = r.net.Peers.Admin.Envelope(at(1, signed.Payload))
		config := r.applied(signed)
		payload := &fabric.Payload{}
		if err := fabric.Unmarshal(config.Payload, payload); err != nil {
			r.Fatal(err)
		}
		payload.Data = at(2, payload.Data)
		e = r.net.Orderer.Envelope(at(3, protoutil.MarshalOrPanic(payload)))
	}
	b := at(4, protoutil.MarshalOrPanic(e))
	value, err := record.Encode(record.NewRegular(b, seq, class))
	if err != nil {
		r.Fatal(err)
	}
	return at(5, value)
}

// applied wraps an update with the config that Fabric makes of it, or with the one
// in force if it makes none.
func (r *real) applied(update *fabric.Envelope) (e *fabric.Envelope) {
	err := guard.Call(func() (err error) {
		e, _, err = r.chain.support.ProcessConfigUpdateMsg(update)
		return err
	})
	if err == nil {
		return e
	}
	return r.net.Config(&fabric.ConfigEnvelope{
		Config:     &fabric.Config{Sequence: r.chain.support.Sequence() + 1, ChannelGroup: r.config().ChannelGroup},
		LastUpdate: update,
	})
}

// FuzzFabric puts records through a machine of each rule set and through Fabric's own
// code on a channel with real signatures and policies. Nothing panics, two orderers
// reach the same verdict, and what is accepted becomes a block that Fabric's block
// writer writes and that a peer accepts.
func FuzzFabric(f *testing.F) {
	net := fabrictest.NewNetwork(nil)
	first, second := newReal(f, net), newReal(f, net)
	seeds := updates(first)
	behind := first.value(first.transacted(withResults([]string{"k", "#k"}, nil)))
	reached := 0
	for i, update := range seeds {
		f.Add(uint8(i), uint8(0), uint8(record.Regular_CONFIG), uint8(1), []byte(nil))
		f.Add(uint8(0), uint8(i), uint8(i), uint8(i), []byte{byte(i), 0, byte(i), byte(i)})
		if written(first.taken(machine.Strict, first.mutant(update, 0, record.Regular_CONFIG, 1, nil))) {
			reached++
		}
	}
	if reached < 8 {
		f.Fatalf("%d seeds reach the block writer: the others are not what they should be", reached)
	}
	for _, program := range [][]byte{{9, 0, 0, 0}, {3, 0, 6, 3, 3, 0, 1, 9}, {0, 0, 2, 0, 5, 0, 9, 1}, {12, 0, 9, 2}, {7, 0, 7, 0}, {20, 0, 6, 4}} {
		for layer := range uint8(layers) {
			f.Add(uint8(10), layer, uint8(record.Regular_UNKNOWN), uint8(0), program)
		}
	}
	f.Fuzz(func(t *testing.T, kind, layer, class, seq uint8, program []byte) {
		first, second := first.in(t), second.in(t)
		value := first.mutant(seeds[int(kind)%len(seeds)], layer, record.Regular_Class(class%4), uint64(seq%3), program)
		for _, rules := range []machine.RuleSet{machine.Strict, machine.Compatible} {
			taken := first.taken(rules, value)
			if again := second.taken(rules, value); fmt.Sprint(taken) != fmt.Sprint(again) {
				t.Fatalf("%s rules: one orderer has %v, the other %v", rules, taken, again)
			}
			if written(taken) {
				newReal(t, net).commits(rules, taken)
			}
		}
		for _, b := range first.cut(value, behind) {
			if err := first.outcome(t, b); err != nil {
				t.Fatalf("a peer does not get past a block with a transaction after it: %v", err)
			}
		}
	})
}

// in returns the same channel, in another test.
func (r real) in(t *testing.T) *real {
	r.TB = t
	return &r
}

// step is what a record leads to.
type step struct {
	effect  machine.Effect
	refused bool
	stopped bool
}

// taken returns the blocks that a record leads to, and every verdict on the way.
func (r *real) taken(rules machine.RuleSet, value []byte) (steps []step) {
	in := record.InputOf(10, value)
	m := machine.New(machine.Start{
		Channel: fabrictest.ChannelID, Next: 1, Seq: 1, Resubmission: true,
		Limits:   machine.Limits{MaxMessageCount: 1, PreferredMaxBytes: 1 << 19, AbsoluteMaxBytes: 1 << 20},
		Metadata: machine.Metadata{Offset: 9, RuleSet: rules},
	})
	for in != nil {
		effects := m.Step(in)
		in = nil
		for _, e := range effects {
			s := step{effect: e}
			switch e := e.(type) {
			case machine.Judge:
				v := r.chain.validator.Judge(e)
				if strings.Contains(v.Stop, "fabric-kafka") {
					r.Fatalf("not Fabric's code, but ours: %s", v.Stop)
				}
				in, s = v, step{nil, v.Refusal != "", v.Stop != ""}
			case machine.Resubmit:
				_, _, err := r.chain.validator.Process(e.Class, e.Envelope.Bytes)
				s = step{nil, err != nil, false}
			case machine.ResubmitConfig:
				_, _, err := r.chain.validator.Process(machine.Config, e.Envelope.Bytes)
				s = step{nil, err != nil, false}
			case machine.Skip, machine.Halt:
				s = step{}
			}
			steps = append(steps, s)
		}
	}
	return steps
}

// commits writes the block that steps lead to and processes it as a peer does. In-tree
// orderers also made blocks that peers refuse, and so do the compatible rules.
func (r *real) commits(rules machine.RuleSet, steps []step) {
	r.Helper()
	write, b, peer := r.chain.ledger.Write, session.Block{Number: 1}, error(nil)
	for _, s := range steps {
		switch e := s.effect.(type) {
		case machine.WriteConfigBlock:
			write, b.Config, b.Envelopes = r.chain.ledger.WriteConfig, true, [][]byte{e.Envelope.Bytes}
			peer = r.applies(e.Envelope.Bytes, r.chain.support.(channelconfig.Resources))
		case machine.WriteBlock:
			b.Envelopes = [][]byte{e.Envelopes[0].Bytes}
		}
	}
	if err := write(b); err != nil {
		r.Fatalf("%s rules: %v", rules, err)
	}
	r.chain.ledger.height = 2
	r.chain.awaitCommit()
	if rules != machine.Strict {
		return
	}
	if !b.Config {
		_, peer = r.survives(protoutil.UnmarshalEnvelopeOrPanic(b.Envelopes[0]))
	}
	if err := errors.Join(peer, wellFormed(r.chain.support.Block(1))); err != nil {
		r.Fatalf("a peer does not get past the block: %v", err)
	}
}

// validates returns how a peer flags a transaction, before it looks at endorsements.
func (r *real) validates(envelope []byte) pb.TxValidationCode {
	mspmgmt.XXXSetMSPManager(fabrictest.ChannelID, r.chain.support.MSPManager())
	_, code := validation.ValidateTransaction(protoutil.UnmarshalEnvelopeOrPanic(envelope), fabrictest.Crypto())
	return code
}

// applies does what a peer does with the config of a block: core/peer, Channel.Apply.
func (r *real) applies(envelope []byte, inForce channelconfig.Resources) error {
	if code := r.validates(envelope); code != pb.TxValidationCode_VALID {
		return fmt.Errorf("flagged %s", code)
	}
	config := inside(r, protoutil.UnmarshalEnvelopeOrPanic(envelope))
	if err := inForce.ConfigtxValidator().Validate(config); err != nil {
		return err
	}
	next, err := channelconfig.NewBundle(inForce.ConfigtxValidator().ChannelID(), config.Config, fabrictest.Crypto())
	if err != nil {
		return err
	}
	return inForce.ValidateNew(next)
}

// wellFormed checks what peers of 2.5.16 and 3.1 require of a block before they look at its
// transactions (protoutil.VerifyTransactionsAreWellFormed, which the Fabric of go.mod
// does not have): a block that fails it is refused as a whole.
func wellFormed(b *fabric.Block) error {
	if protoutil.IsConfigBlock(b) {
		return nil
	}
	for i, raw := range b.Data.Data {
		e := &fabric.Envelope{}
		if err := fabric.Unmarshal(raw, e); err != nil {
			return err
		}
		if len(e.Payload) == 0 || len(e.Signature) == 0 {
			return fmt.Errorf("transaction %d has a payload of %d bytes and a signature of %d", i, len(e.Payload), len(e.Signature))
		}
		if again := protoutil.MarshalOrPanic(e); !bytes.Equal(again, raw) {
			return fmt.Errorf("transaction %d is not in the form that it marshals to", i)
		}
	}
	return nil
}
