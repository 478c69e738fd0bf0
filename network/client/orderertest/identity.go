package orderertest

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/hyperledger/fabric/common/crypto/tlsgen"

	"github.com/fabric-kafka/orderer/network/client"
)

// Identity returns a new identity that can sign.
func Identity(t *testing.T) *client.Identity {
	cert, key := IdentityFiles(t)
	who, err := client.LoadIdentity("Org1MSP", cert, key)
	must(t, err)
	return who
}

// MSPDir writes the MSP folder of a new identity.
func MSPDir(t *testing.T) string {
	cert, key := IdentityFiles(t)
	dir := t.TempDir()
	for name, file := range map[string]string{"signcerts/cert.pem": cert, "keystore/priv_sk": key} {
		text, err := os.ReadFile(file)
		must(t, err)
		must(t, os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o700))
		must(t, os.WriteFile(filepath.Join(dir, name), text, 0o600))
	}
	return dir
}

// IdentityFiles writes the PEM files of a new identity.
func IdentityFiles(t *testing.T) (cert, key string) {
	ca, err := tlsgen.NewCA()
	must(t, err)
	pair, err := ca.NewClientCertKeyPair()
	must(t, err)
	dir := t.TempDir()
	cert, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	must(t, os.WriteFile(cert, pair.Cert, 0o600))
	must(t, os.WriteFile(key, pair.Key, 0o600))
	return cert, key
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
