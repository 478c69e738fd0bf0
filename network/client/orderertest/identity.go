package orderertest

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/hyperledger/fabric/common/crypto/tlsgen"
	"github.com/stretchr/testify/require"

	"github.com/fabric-kafka/orderer/network/client"
)

// Identity makes somebody who can sign.
func Identity(t *testing.T) *client.Identity {
	cert, key := IdentityFiles(t)
	who, err := client.LoadIdentity("Org1MSP", cert, key)
	require.NoError(t, err)
	return who
}

// IdentityFiles makes the PEM files of an identity.
func IdentityFiles(t *testing.T) (cert, key string) {
	ca, err := tlsgen.NewCA()
	require.NoError(t, err)
	pair, err := ca.NewClientCertKeyPair()
	require.NoError(t, err)
	dir := t.TempDir()
	cert, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	require.NoError(t, os.WriteFile(cert, pair.Cert, 0o600))
	require.NoError(t, os.WriteFile(key, pair.Key, 0o600))
	return cert, key
}
