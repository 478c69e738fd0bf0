package chain

import (
	"testing"
	"time"

	"github.com/golang/protobuf/proto"
	pb "github.com/hyperledger/fabric-protos-go/peer"
	"github.com/hyperledger/fabric/common/channelconfig"
	"github.com/hyperledger/fabric/protoutil"

	"github.com/fabric-kafka/orderer/chain/fabric"
	"github.com/fabric-kafka/orderer/chain/fabrictest"
	"github.com/fabric-kafka/orderer/chain/machine"
)

// outside is what surrounds the content of a config envelope.
type outside struct {
	channel fabric.ChannelHeader
	signer  fabric.SignatureHeader
	by      *fabrictest.Identity // who signs; nil: an invalid signature
}

// wrapped puts the content of a config envelope in another envelope.
func (r *real) wrapped(e *fabric.Envelope, change func(*outside)) *fabric.Envelope {
	r.Helper()
	o := outside{by: r.net.Orderer}
	payload, err := protoutil.UnmarshalPayload(e.Payload)
	if err != nil {
		r.Fatal(err)
	}
	for part, m := range map[*[]byte]proto.Message{&payload.Header.ChannelHeader: &o.channel, &payload.Header.SignatureHeader: &o.signer} {
		if err := fabric.Unmarshal(*part, m); err != nil {
			r.Fatal(err)
		}
	}
	change(&o)
	payload.Header.ChannelHeader, payload.Header.SignatureHeader = protoutil.MarshalOrPanic(&o.channel), protoutil.MarshalOrPanic(&o.signer)
	if o.by == nil {
		return &fabric.Envelope{Payload: protoutil.MarshalOrPanic(payload), Signature: []byte("signature")}
	}
	return o.by.Envelope(protoutil.MarshalOrPanic(payload))
}

// Orderers accept what surrounds a config if, and only if, peers do: a peer that flags a config block cannot apply
// the next one, and panics.
func TestOutsideOfAConfigIsAsPeersWantIt(t *testing.T) {
	net := fabrictest.NewNetwork(nil)
	stranger := fabrictest.NewOrg("StrangerMSP").Member("stranger")
	namesake := fabrictest.NewOrg("OrdererMSP").Member("namesake")
	expired := net.Orderers.MemberUntil("expired", time.Now().Add(-time.Hour))
	as := func(by *fabrictest.Identity) func(*outside) {
		return func(o *outside) { o.signer.Creator, o.by = by.Creator, by }
	}
	for name, c := range map[string]struct {
		change func(*outside)
		flag   pb.TxValidationCode
	}{
		"as it was":          {func(*outside) {}, pb.TxValidationCode_VALID},
		"a client":           {as(net.Client), pb.TxValidationCode_VALID},
		"an expired member":  {as(expired), pb.TxValidationCode_VALID},
		"version and time":   {func(o *outside) { o.channel.Version, o.channel.Timestamp = 9, nil }, pb.TxValidationCode_VALID},
		"transaction id":     {func(o *outside) { o.channel.TxId = "any" }, pb.TxValidationCode_VALID},
		"extension":          {func(o *outside) { o.channel.Extension = []byte{0xff} }, pb.TxValidationCode_VALID},
		"bogus creator":      {func(o *outside) { o.signer.Creator, o.by = []byte("me"), nil }, pb.TxValidationCode_BAD_CREATOR_SIGNATURE},
		"bogus signature":    {func(o *outside) { o.by = nil }, pb.TxValidationCode_BAD_CREATOR_SIGNATURE},
		"another's name":     {func(o *outside) { o.signer.Creator = net.Client.Creator }, pb.TxValidationCode_BAD_CREATOR_SIGNATURE},
		"a stranger":         {as(stranger), pb.TxValidationCode_BAD_CREATOR_SIGNATURE},
		"another authority":  {as(namesake), pb.TxValidationCode_BAD_CREATOR_SIGNATURE},
		"no creator":         {func(o *outside) { o.signer.Creator = nil }, pb.TxValidationCode_BAD_COMMON_HEADER},
		"no nonce":           {func(o *outside) { o.signer.Nonce = nil }, pb.TxValidationCode_BAD_COMMON_HEADER},
		"an epoch":           {func(o *outside) { o.channel.Epoch = 1 }, pb.TxValidationCode_BAD_COMMON_HEADER},
		"another channel":    {func(o *outside) { o.channel.ChannelId = "other" }, pb.TxValidationCode_BAD_CREATOR_SIGNATURE},
		"an orderer message": {func(o *outside) { o.channel.Type = fabric.TypeOrdererTransaction }, pb.TxValidationCode_BAD_COMMON_HEADER},
	} {
		t.Run(name, func(t *testing.T) {
			r := newReal(t, net)
			e := r.wrapped(r.proposed(r.larger()), c.change)
			if flag := r.validates(protoutil.MarshalOrPanic(e)); flag != c.flag {
				t.Errorf("a peer flags it %s, want %s", flag, c.flag)
			}
			v := r.verdict(machine.Config, machine.CheckAgreed, e)
			if v.Stop != "" || (v.Refusal == "") != (c.flag == pb.TxValidationCode_VALID) {
				t.Errorf("%+v where a peer flags it %s", v, c.flag)
			}
		})
	}
}

// The verdict depends on the config in force: a signer whose certificate has been revoked since is no longer
// accepted.
func TestRevokedSignerOfAConfig(t *testing.T) {
	net := fabrictest.NewNetwork(nil)
	left := net.Orderers.Member("left")
	r := newReal(t, net)
	r.write(r.proposed(r.update(func(g *fabric.ConfigGroup) {
		fabrictest.Put(g, channelconfig.MSPValue(net.Orderers.MSP(left)))
	}, "Orderer", "OrdererMSP")))
	e := r.proposed(r.larger())
	if v := r.verdict(machine.Config, machine.CheckAgreed, e); v != (machine.Verdict{}) {
		t.Fatalf("%+v", v)
	}
	revoked := r.wrapped(e, func(o *outside) { o.signer.Creator, o.by = left.Creator, left })
	if flag := r.validates(protoutil.MarshalOrPanic(revoked)); flag != pb.TxValidationCode_BAD_CREATOR_SIGNATURE {
		t.Fatalf("a peer flags it %s", flag)
	}
	if v := r.verdict(machine.Config, machine.CheckAgreed, revoked); v.Refusal == "" {
		t.Fatalf("%+v", v)
	}
}

// The compatible rules do not check the outside, since in-tree orderers order it; but a config for another channel
// would rename the channel here.
func TestOutsideOfAConfigByTheCompatibleRules(t *testing.T) {
	r := newReal(t, fabrictest.NewNetwork(nil))
	e := r.proposed(r.larger())
	unsigned := r.wrapped(e, func(o *outside) { o.by = nil })
	if v := r.verdict(machine.Config, machine.CheckWriter, unsigned); v != (machine.Verdict{}) {
		t.Errorf("%+v", v)
	}
	for _, channel := range []string{"other", "", "No Channel"} {
		other := r.wrapped(e, func(o *outside) { o.channel.ChannelId = channel })
		if v := r.verdict(machine.Config, machine.CheckWriter, other); v.Refusal == "" {
			t.Errorf("channel %q: %+v", channel, v)
		}
	}
}
