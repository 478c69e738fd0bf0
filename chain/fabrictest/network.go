package fabrictest

import (
	"github.com/golang/protobuf/proto"
	cb "github.com/hyperledger/fabric-protos-go/common"
	"github.com/hyperledger/fabric/common/channelconfig"
	"github.com/hyperledger/fabric/common/policies"
	"github.com/hyperledger/fabric/common/policydsl"
	"github.com/hyperledger/fabric/protoutil"

	"github.com/fabric-kafka/orderer/chain/chaintest"
	"github.com/fabric-kafka/orderer/chain/fabric"
)

// ChannelID is the name of the channel.
const ChannelID = "real"

// Network is an orderer organization, a peer organization, and the genesis block of their
// channel.
type Network struct {
	Orderers, Peers *Org

	Orderer *Identity // of the node
	Client  *Identity // of the peers' organization

	Genesis *fabric.Block
}

// NewNetwork creates the organizations and the genesis block. change, which may be nil,
// is applied to the config before the block is made.
func NewNetwork(change func(*Network, *fabric.ConfigGroup)) *Network {
	n := &Network{Orderers: NewOrg("OrdererMSP"), Peers: NewOrg("PeerMSP")}
	n.Orderer, n.Client = n.Orderers.Member("orderer"), n.Peers.Member("client")
	root := n.config()
	if change != nil {
		change(n, root)
	}
	n.Genesis = n.genesis(root)
	return n
}

func (n *Network) genesis(root *fabric.ConfigGroup) *fabric.Block {
	payload := &fabric.Payload{
		Header: &fabric.Header{
			ChannelHeader:   protoutil.MarshalOrPanic(&fabric.ChannelHeader{Type: fabric.TypeConfig, ChannelId: ChannelID}),
			SignatureHeader: protoutil.MarshalOrPanic(&fabric.SignatureHeader{Nonce: []byte("nonce")}),
		},
		Data: protoutil.MarshalOrPanic(&fabric.ConfigEnvelope{Config: &fabric.Config{ChannelGroup: root}}),
	}
	b := protoutil.NewBlock(0, nil)
	b.Data.Data = [][]byte{protoutil.MarshalOrPanic(&fabric.Envelope{Payload: protoutil.MarshalOrPanic(payload)})}
	b.Header.DataHash = chaintest.DataHash(b.Data.Data)
	b.Metadata.Metadata[cb.BlockMetadataIndex_SIGNATURES] = protoutil.MarshalOrPanic(&fabric.Metadata{
		Value: protoutil.MarshalOrPanic(&cb.OrdererBlockMetadata{LastConfig: &cb.LastConfig{Index: 0}}),
	})
	return b
}

func (n *Network) config() *fabric.ConfigGroup {
	v2 := map[string]bool{"V2_0": true}
	root := group("MAJORITY")
	Put(root, channelconfig.HashingAlgorithmValue())
	Put(root, channelconfig.BlockDataHashingStructureValue())
	Put(root, channelconfig.OrdererAddressesValue([]string{"localhost:7050"}))
	Put(root, channelconfig.CapabilitiesValue(v2))

	orderer := group("MAJORITY")
	Put(orderer, channelconfig.ConsensusTypeValue("kafka", nil))
	Put(orderer, channelconfig.BatchSizeValue(10, 1<<20, 1<<19))
	Put(orderer, channelconfig.BatchTimeoutValue("1s"))
	Put(orderer, channelconfig.CapabilitiesValue(v2))
	orderer.Values["KafkaBrokers"] = value(&fabric.KafkaBrokers{Brokers: []string{"kafka:9092"}})
	orderer.Policies["BlockValidation"] = policyOf(policies.ImplicitMetaAnyPolicy("Writers").Value())
	orderer.Groups[n.Orderers.ID] = n.Orderers.Group()

	application := group("MAJORITY")
	Put(application, channelconfig.CapabilitiesValue(v2))
	application.Groups[n.Peers.ID] = n.Peers.Group()

	root.Groups[channelconfig.OrdererGroupKey] = orderer
	root.Groups[channelconfig.ApplicationGroupKey] = application
	return root
}

// group returns a group with the policies of every group above the organizations.
func group(admins string) *fabric.ConfigGroup {
	g := protoutil.NewConfigGroup()
	g.ModPolicy = "Admins"
	g.Policies["Readers"] = policyOf(policies.ImplicitMetaAnyPolicy("Readers").Value())
	g.Policies["Writers"] = policyOf(policies.ImplicitMetaAnyPolicy("Writers").Value())
	g.Policies["Admins"] = policyOf(&cb.Policy{
		Type:  int32(cb.Policy_IMPLICIT_META),
		Value: protoutil.MarshalOrPanic(&cb.ImplicitMetaPolicy{Rule: cb.ImplicitMetaPolicy_Rule(cb.ImplicitMetaPolicy_Rule_value[admins]), SubPolicy: "Admins"}),
	})
	return g
}

// Group returns the organization's group of a channel config.
func (o *Org) Group() *fabric.ConfigGroup {
	g := protoutil.NewConfigGroup()
	g.ModPolicy = "Admins"
	g.Policies["Readers"] = signature(policydsl.SignedByMspMember(o.ID))
	g.Policies["Writers"] = signature(policydsl.SignedByMspMember(o.ID))
	g.Policies["Admins"] = signature(policydsl.SignedByMspAdmin(o.ID))
	Put(g, channelconfig.MSPValue(o.MSP()))
	return g
}

func signature(p *cb.SignaturePolicyEnvelope) *cb.ConfigPolicy {
	return policyOf(&cb.Policy{Type: int32(cb.Policy_SIGNATURE), Value: protoutil.MarshalOrPanic(p)})
}

func policyOf(p *cb.Policy) *cb.ConfigPolicy { return &cb.ConfigPolicy{Policy: p, ModPolicy: "Admins"} }

func value(m proto.Message) *fabric.ConfigValue {
	return &fabric.ConfigValue{Value: protoutil.MarshalOrPanic(m), ModPolicy: "Admins"}
}

// Put sets a value of a group.
func Put(g *fabric.ConfigGroup, v *channelconfig.StandardConfigValue) {
	g.Values[v.Key()] = value(v.Value())
}
