package consenter

import (
	"testing"

	"github.com/golang/protobuf/proto"
	"github.com/stretchr/testify/require"

	"github.com/fabric-kafka/orderer/chain/fabric"
)

func TestGroupNamesTheOrderer(t *testing.T) {
	group := func(mspID string, certificate []byte) string {
		identity, err := proto.Marshal(&fabric.SerializedIdentity{Mspid: mspID, IdBytes: certificate})
		require.NoError(t, err)
		g, err := Group("ours", identity)
		require.NoError(t, err)
		return g
	}
	require.Equal(t, "ours.OrdererMSP.e3b0c44298fc1c14", group("OrdererMSP", nil))
	require.Equal(t, "ours.Org_1_2.2d711642b726b044", group("Org 1/2", []byte("x")))
	_, err := Group("ours", []byte{0xff})
	require.ErrorContains(t, err, "this orderer's identity")
}
