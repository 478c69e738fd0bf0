package fabrictest

import (
	"github.com/golang/protobuf/proto"
	cb "github.com/hyperledger/fabric-protos-go/common"
	"github.com/hyperledger/fabric/protoutil"

	"github.com/fabric-kafka/orderer/chain/fabric"
)

// Update returns an update of a config. change is called with a copy of the group at path,
// and may replace, add or remove any of its values, policies and groups.
func Update(config *fabric.Config, change func(*fabric.ConfigGroup), path ...string) *cb.ConfigUpdate {
	read, write := pathOf(config.ChannelGroup, path), pathOf(config.ChannelGroup, path)
	at, in := read, write
	was := config.ChannelGroup
	for _, name := range path {
		at, in, was = at.Groups[name], in.Groups[name], was.Groups[name]
	}
	next := proto.Clone(was).(*fabric.ConfigGroup)
	change(next)
	at.Values, at.Policies, at.Groups = was.Values, was.Policies, shallow(was.Groups)
	in.Values, in.Policies, in.Groups = raised(was.Values, next.Values), raisedPolicies(was.Policies, next.Policies), next.Groups
	for name, g := range in.Groups {
		if was.Groups[name] != nil {
			in.Groups[name] = &fabric.ConfigGroup{Version: g.Version}
		}
	}
	in.ModPolicy, in.Version = next.ModPolicy, was.Version
	if len(in.Values) != len(was.Values) || len(in.Policies) != len(was.Policies) || len(in.Groups) != len(was.Groups) || next.ModPolicy != was.ModPolicy {
		in.Version++
	}
	return &cb.ConfigUpdate{ChannelId: ChannelID, ReadSet: read, WriteSet: write}
}

// pathOf returns the groups on a path with their versions and nothing else.
func pathOf(g *fabric.ConfigGroup, path []string) *fabric.ConfigGroup {
	out := &fabric.ConfigGroup{Version: g.Version}
	if len(path) > 0 {
		out.Groups = map[string]*fabric.ConfigGroup{path[0]: pathOf(g.Groups[path[0]], path[1:])}
	}
	return out
}

func shallow(groups map[string]*fabric.ConfigGroup) map[string]*fabric.ConfigGroup {
	out := map[string]*fabric.ConfigGroup{}
	for name, g := range groups {
		out[name] = &fabric.ConfigGroup{Version: g.Version}
	}
	return out
}

func raised(was, next map[string]*fabric.ConfigValue) map[string]*fabric.ConfigValue {
	for key, v := range next {
		if old := was[key]; old != nil && !proto.Equal(old, v) {
			v.Version = old.Version + 1
		}
	}
	return next
}

func raisedPolicies(was, next map[string]*cb.ConfigPolicy) map[string]*cb.ConfigPolicy {
	for key, v := range next {
		if old := was[key]; old != nil && !proto.Equal(old, v) {
			v.Version = old.Version + 1
		}
	}
	return next
}

// Signed returns an update with the signatures of both organizations' admins, as the
// peers' admin submits it.
func (n *Network) Signed(update []byte) *fabric.Envelope { return n.SignedBy(n.Peers.Admin, update) }

// SignedBy returns an update as Signed does, submitted by a client. In maintenance mode the channel takes
// updates only of clients of its orderers' organizations.
func (n *Network) SignedBy(client *Identity, update []byte) *fabric.Envelope {
	e := &cb.ConfigUpdateEnvelope{ConfigUpdate: update}
	for _, admin := range []*Identity{n.Orderers.Admin, n.Peers.Admin} {
		header := protoutil.MarshalOrPanic(must(protoutil.NewSignatureHeader(admin)))
		e.Signatures = append(e.Signatures, &cb.ConfigSignature{
			SignatureHeader: header,
			Signature:       must(admin.Sign(append(append([]byte{}, header...), update...))),
		})
	}
	return must(protoutil.CreateSignedEnvelope(cb.HeaderType_CONFIG_UPDATE, ChannelID, client, e, 0, 0))
}

// Config returns a config envelope signed by the orderer.
func (n *Network) Config(c *fabric.ConfigEnvelope) *fabric.Envelope {
	return must(protoutil.CreateSignedEnvelope(cb.HeaderType_CONFIG, ChannelID, n.Orderer, c, 0, 0))
}

// Envelope returns an envelope with a payload and its signature.
func (i *Identity) Envelope(payload []byte) *fabric.Envelope {
	return &fabric.Envelope{Payload: payload, Signature: must(i.Sign(payload))}
}
