package verdict

import (
	"fmt"
	"testing"

	"github.com/hyperledger/fabric/orderer/consensus"
	"github.com/hyperledger/fabric/protoutil"

	"github.com/fabric-kafka/orderer/chain/fabric"
	"github.com/fabric-kafka/orderer/chain/fabrictest"
)

// BenchmarkBroadcast measures what Fabric checks of an envelope at Broadcast, by the default policy for writers over
// several organizations, each of which sends in turn. Every envelope is sent once. With options of the builder:
//
//	go test $(go run ./plugin/builder flags --memo-verify --memo-expiry) -run '^$' -bench Broadcast ./chain/verdict
func BenchmarkBroadcast(b *testing.B) {
	for _, orgs := range []int{2, 4, 12} {
		b.Run(fmt.Sprintf("%d organizations", orgs), func(b *testing.B) {
			var clients []*fabrictest.Identity
			net := fabrictest.NewNetwork(func(n *fabrictest.Network, root *fabric.ConfigGroup) {
				clients = append(clients, n.Client)
				for i := 1; i < orgs; i++ {
					o := fabrictest.NewOrg(fmt.Sprintf("Peer%dMSP", i))
					root.Groups["Application"].Groups[o.ID] = o.Group()
					clients = append(clients, o.Member("client"))
				}
			})
			o := net.Start(func(consensus.ConsenterSupport, []byte) consensus.Chain { return chainOf{} })
			sent := make([]*fabric.Envelope, b.N)
			for i := range sent {
				payload := &fabric.Payload{Data: make([]byte, 1000), Header: &fabric.Header{
					ChannelHeader:   protoutil.MarshalOrPanic(&fabric.ChannelHeader{ChannelId: fabrictest.ChannelID, TxId: fmt.Sprint(i)}),
					SignatureHeader: protoutil.MarshalOrPanic(&fabric.SignatureHeader{Creator: clients[i%orgs].Creator}),
				}}
				sent[i] = clients[i%orgs].Envelope(protoutil.MarshalOrPanic(payload))
			}
			b.ResetTimer()
			for _, e := range sent {
				if _, err := o.ProcessNormalMsg(e); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
