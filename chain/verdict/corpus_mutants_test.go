package verdict

import (
	"crypto/x509"
	"fmt"
	"math/rand/v2"

	cb "github.com/hyperledger/fabric-protos-go/common"
	"github.com/hyperledger/fabric/protoutil"
	"google.golang.org/protobuf/proto"

	"github.com/fabric-kafka/orderer/chain/fabric"
	"github.com/fabric-kafka/orderer/chain/fabrictest"
	"github.com/fabric-kafka/orderer/chain/machine"
)

// program returns what [fabrictest.Mutate] is to do, in this many steps.
func program(random *rand.Rand, steps int) []byte {
	p := make([]byte, 4*steps)
	for i := range p {
		p[i] = byte(random.Uint32())
	}
	return p
}

// mutation changes a config anywhere. The result is a config that an update can lead to, unless it does not decode.
func (g *collector) mutation(steps int) func(*fabric.ConfigGroup) {
	p := program(g.random, 1+g.random.IntN(steps))
	return func(root *fabric.ConfigGroup) {
		mutated := fabrictest.Mutate(stable(root), p)
		next := &fabric.ConfigGroup{}
		if err := fabric.Unmarshal(mutated, next); err != nil {
			panic(err)
		}
		proto.Reset(fabric.Reflect(root).Interface())
		if err := fabric.Unmarshal(mutated, root); err != nil {
			panic(err)
		}
	}
}

// bytes mutates the envelope of a change at one of its layers. What surrounds the layer is signed after it, so that
// the change reaches the code that reads it.
func (g *collector) bytes(c *realChannel, name string, all map[string]func(*fabric.ConfigGroup)) {
	next := c.clone()
	if !applied(next, []func(*fabric.ConfigGroup){all[name]}) {
		return
	}
	layer, p := g.random.IntN(5), program(g.random, 2)
	at := func(n int, b []byte) []byte {
		if n == layer {
			return fabrictest.Mutate(b, p)
		}
		return b
	}
	outer := c.update(next, true)
	content := &fabric.ConfigEnvelope{}
	payload := protoutil.UnmarshalPayloadOrPanic(outer.Payload)
	if err := fabric.Unmarshal(payload.Data, content); err != nil {
		c.Fatal(err)
	}
	signed := &cb.ConfigUpdateEnvelope{}
	inner := protoutil.UnmarshalPayloadOrPanic(content.LastUpdate.Payload)
	if err := fabric.Unmarshal(inner.Data, signed); err != nil {
		c.Fatal(err)
	}
	update := at(0, signed.ConfigUpdate)
	inner.Data = protoutil.MarshalOrPanic(&cb.ConfigUpdateEnvelope{ConfigUpdate: update, Signatures: []*cb.ConfigSignature{c.signature(update)}})
	content.LastUpdate = c.signed(at(1, protoutil.MarshalOrPanic(inner)))
	payload.Data = at(2, stable(content))
	outer = c.signed(at(3, protoutil.MarshalOrPanic(payload)))
	g.ask(fmt.Sprintf("%s, mutated at layer %d", name, layer), machine.Config, at(4, protoutil.MarshalOrPanic(outer)))
}

func (c *realChannel) signed(payload []byte) *fabric.Envelope {
	return &fabric.Envelope{Payload: payload, Signature: c.sign(payload)}
}

// normals asks about envelopes that hold no config: by members with keys of all kinds, for all
// header types, and mutated.
func (g *collector) normals(c *realChannel, mutants int) {
	payload := func(kind int32, creator []byte) []byte {
		return protoutil.MarshalOrPanic(&fabric.Payload{
			Header: &fabric.Header{
				ChannelHeader:   protoutil.MarshalOrPanic(&fabric.ChannelHeader{Type: kind, ChannelId: channel}),
				SignatureHeader: protoutil.MarshalOrPanic(&fabric.SignatureHeader{Creator: creator, Nonce: []byte("once")}),
			},
			Data: []byte("data"),
		})
	}
	member := func(cert []byte) []byte {
		return protoutil.MarshalOrPanic(&fabric.SerializedIdentity{Mspid: "OrgMSP", IdBytes: cert})
	}
	for kind := range int32(10) {
		e := c.signed(payload(kind, member(c.admin.Cert)))
		g.ask(fmt.Sprintf("header type %d", kind), machine.Normal, protoutil.MarshalOrPanic(e))
		g.ask(fmt.Sprintf("a config of header type %d", kind), machine.Config, protoutil.MarshalOrPanic(e))
	}
	for _, k := range keyKinds() {
		p := payload(fabric.TypeEndorser, member(c.issued(certificateOf(k), c.ca, &x509.Certificate{})))
		e := &fabric.Envelope{Payload: p, Signature: k.sign(p)}
		g.ask("a member with a key of kind "+k.name, machine.Normal, protoutil.MarshalOrPanic(e))
	}
	sound := protoutil.MarshalOrPanic(c.signed(payload(fabric.TypeEndorser, member(c.admin.Cert))))
	for range mutants {
		g.ask("an envelope, mutated", machine.Normal, fabrictest.Mutate(sound, program(g.random, 2)))
		p := fabrictest.Mutate(payload(fabric.TypeEndorser, member(c.admin.Cert)), program(g.random, 2))
		g.ask("a payload, mutated", machine.Normal, protoutil.MarshalOrPanic(c.signed(p)))
	}
}
