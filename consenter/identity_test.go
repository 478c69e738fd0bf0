package consenter

import (
	"testing"

	"github.com/golang/protobuf/proto"

	"github.com/fabric-kafka/orderer/chain/checktest"
	"github.com/fabric-kafka/orderer/chain/fabric"
)

func TestGroupNamesTheOrderer(t *testing.T) {
	group := func(mspID string, certificate []byte) string {
		identity, err := proto.Marshal(&fabric.SerializedIdentity{Mspid: mspID, IdBytes: certificate})
		checktest.Must(t, err)
		g, err := Group("ours", identity)
		checktest.Must(t, err)
		return g
	}
	if got := group("OrdererMSP", nil); got != "ours.OrdererMSP.e3b0c44298fc1c14" {
		t.Fatalf("got %v, want %v", got, "ours.OrdererMSP.e3b0c44298fc1c14")
	}
	if got := group("Org 1/2", []byte("x")); got != "ours.Org_1_2.2d711642b726b044" {
		t.Fatalf("got %v, want %v", got, "ours.Org_1_2.2d711642b726b044")
	}
	_, err := Group("ours", []byte{0xff})
	checktest.Fails(t, err, "this orderer's identity")
}
