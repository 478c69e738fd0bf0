package client_test

import (
	"crypto/ecdsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/asn1"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"testing"

	"github.com/golang/protobuf/proto"
	cb "github.com/hyperledger/fabric-protos-go/common"
	"github.com/hyperledger/fabric-protos-go/msp"
	"github.com/hyperledger/fabric/protoutil"
	"github.com/stretchr/testify/require"

	"github.com/fabric-kafka/orderer/network/client"
	"github.com/fabric-kafka/orderer/network/client/orderertest"
)

// Fabric refuses a signature with a high S, so that there is one form of each.
func TestSignaturesVerifyAndAreLow(t *testing.T) {
	who := orderertest.Identity(t)
	serialized, err := who.Serialize()
	require.NoError(t, err)
	id := &msp.SerializedIdentity{}
	require.NoError(t, proto.Unmarshal(serialized, id))
	require.Equal(t, "Org1MSP", id.Mspid)
	block, _ := pem.Decode(id.IdBytes)
	cert, err := x509.ParseCertificate(block.Bytes)
	require.NoError(t, err)
	key := cert.PublicKey.(*ecdsa.PublicKey)
	half := new(big.Int).Rsh(key.Params().N, 1)
	for i := range 20 {
		message := []byte{byte(i)}
		signature, err := who.Sign(message)
		require.NoError(t, err)
		digest := sha256.Sum256(message)
		require.True(t, ecdsa.VerifyASN1(key, digest[:], signature))
		var rs struct{ R, S *big.Int }
		_, err = asn1.Unmarshal(signature, &rs)
		require.NoError(t, err)
		require.LessOrEqual(t, rs.S.Cmp(half), 0)
	}
}

func TestMessageHasTheSizeAskedFor(t *testing.T) {
	who := orderertest.Identity(t)
	for _, size := range []int{1024, 2048, 20_000, 300_000} {
		e, err := who.Message("mychannel", size)
		require.NoError(t, err)
		require.InDelta(t, size, len(e.Payload)+len(e.Signature), 3)
	}
	small, err := who.Message("mychannel", 1)
	require.NoError(t, err)
	require.NotEmpty(t, small.Signature, "the headers are there all the same")
}

func TestMessagesAreDistinct(t *testing.T) {
	who := orderertest.Identity(t)
	ids := map[string]bool{}
	for range 10 {
		e, err := who.Message("mychannel", 0)
		require.NoError(t, err)
		h, err := protoutil.ChannelHeader(e)
		require.NoError(t, err)
		require.Equal(t, int32(cb.HeaderType_MESSAGE), h.Type)
		require.Equal(t, "mychannel", h.ChannelId)
		ids[h.TxId] = true
	}
	require.Len(t, ids, 10)
}

func TestLoadIdentityNamesTheFileAtFault(t *testing.T) {
	cert, key := orderertest.IdentityFiles(t)
	junk := filepath.Join(t.TempDir(), "junk.pem")
	require.NoError(t, os.WriteFile(junk, []byte("no PEM"), 0o600))
	for name, files := range map[string][2]string{
		"no such certificate": {junk + "x", key},
		"no such key":         {cert, junk + "x"},
		"no PEM":              {cert, junk},
		"no key in it":        {cert, cert},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := client.LoadIdentity("Org1MSP", files[0], files[1])
			require.Error(t, err)
			require.ErrorContains(t, err, ".pem")
		})
	}
}
