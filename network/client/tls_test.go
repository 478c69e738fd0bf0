package client_test

import (
	"os"
	"path/filepath"
	"testing"

	cb "github.com/hyperledger/fabric-protos-go/common"
	"github.com/stretchr/testify/require"

	"github.com/fabric-kafka/orderer/network/client"
	"github.com/fabric-kafka/orderer/network/client/orderertest"
)

// An orderer that requires client certificates delivers blocks to a client that has one,
// binds the request to it, and may read the channel.
func TestBlocksOfAGuardedOrderer(t *testing.T) {
	o := orderertest.StartGuarded(t, "mychannel", orderertest.NewLedger([]byte("genesis")))
	newest := func(files client.TLS, who *client.Identity) error {
		c, err := client.Dial(o.Address, files)
		require.NoError(t, err)
		defer c.Close()
		_, err = c.Newest(t.Context(), who, "mychannel")
		return err
	}
	mine := client.TLS{CA: o.CA, Cert: o.ClientCert, Key: o.ClientKey}
	require.NoError(t, newest(mine, orderertest.Identity(t)))
	require.Error(t, newest(client.TLS{CA: o.CA}, orderertest.Identity(t)), "without a client certificate")

	cert, key := orderertest.IdentityFiles(t)
	stranger, err := client.LoadIdentity("Org2MSP", cert, key)
	require.NoError(t, err)
	var refused *client.DeliverError
	require.ErrorAs(t, newest(mine, stranger), &refused)
	require.Equal(t, cb.Status_FORBIDDEN, refused.Status)
}

func TestTLSFilesThatCannotBeUsed(t *testing.T) {
	cert, key := orderertest.IdentityFiles(t)
	for says, files := range map[string]client.TLS{
		"needs its key":        {CA: cert, Cert: cert},
		"needs TLS":            {Cert: cert, Key: key},
		"no such file":         {CA: filepath.Join(t.TempDir(), "none")},
		"holds no certificate": {CA: key},
		"client certificate":   {CA: cert, Cert: key, Key: key},
	} {
		_, err := client.Dial("127.0.0.1:1", files)
		require.ErrorContains(t, err, says)
	}
}

func TestLoadMSP(t *testing.T) {
	dir, other := orderertest.MSPDir(t), orderertest.MSPDir(t)
	foreign, err := os.ReadFile(filepath.Join(other, "keystore", "priv_sk"))
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "keystore", "another_sk"), foreign, 0o600))
	who, err := client.LoadMSP("Org1MSP", dir)
	require.NoError(t, err, "the folder has another key, too")
	_, err = who.Sign([]byte("message"))
	require.NoError(t, err)

	require.NoError(t, os.Remove(filepath.Join(dir, "keystore", "priv_sk")))
	_, err = client.LoadMSP("Org1MSP", dir)
	require.ErrorContains(t, err, "no key of the certificate in signcerts")
	_, err = client.LoadMSP("Org1MSP", filepath.Join(dir, "keystore"))
	require.ErrorContains(t, err, "want one certificate in signcerts, found 0")
}
