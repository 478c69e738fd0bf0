package client_test

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	cb "github.com/hyperledger/fabric-protos-go/common"

	"github.com/fabric-kafka/orderer/chain/checktest"
	"github.com/fabric-kafka/orderer/network/client"
	"github.com/fabric-kafka/orderer/network/client/orderertest"
)

// An orderer that requires client certificates delivers blocks to a client that has one,
// binds the request to it, and may read the channel.
func TestBlocksOfAGuardedOrderer(t *testing.T) {
	o := orderertest.StartGuarded(t, "mychannel", orderertest.NewLedger([]byte("genesis")))
	newest := func(files client.TLS, who *client.Identity) error {
		c, err := client.Dial(o.Address, files)
		checktest.Must(t, err)
		defer c.Close()
		_, err = c.Newest(t.Context(), who, "mychannel")
		return err
	}
	mine := client.TLS{CA: o.CA, Cert: o.ClientCert, Key: o.ClientKey}
	checktest.Must(t, newest(mine, orderertest.Identity(t)))
	if err := newest(client.TLS{CA: o.CA}, orderertest.Identity(t)); err == nil {
		t.Fatal("without a client certificate: there is no error")
	}

	cert, key := orderertest.IdentityFiles(t)
	stranger, err := client.LoadIdentity("Org2MSP", cert, key)
	checktest.Must(t, err)
	var refused *client.DeliverError
	if err := newest(mine, stranger); !errors.As(err, &refused) {
		t.Fatalf("got %v, want a %T", err, &refused)
	}
	if !reflect.DeepEqual(refused.Status, cb.Status_FORBIDDEN) {
		t.Fatalf("refused.Status is %v, want %v", refused.Status, cb.Status_FORBIDDEN)
	}
}

func TestUnusableTLSFiles(t *testing.T) {
	cert, key := orderertest.IdentityFiles(t)
	for says, files := range map[string]client.TLS{
		"needs its key":        {CA: cert, Cert: cert},
		"needs TLS":            {Cert: cert, Key: key},
		"no such file":         {CA: filepath.Join(t.TempDir(), "none")},
		"holds no certificate": {CA: key},
		"client certificate":   {CA: cert, Cert: key, Key: key},
	} {
		_, err := client.Dial("127.0.0.1:1", files)
		checktest.Fails(t, err, says)
	}
}

func TestLoadMSP(t *testing.T) {
	dir, other := orderertest.MSPDir(t), orderertest.MSPDir(t)
	foreign, err := os.ReadFile(filepath.Join(other, "keystore", "priv_sk"))
	checktest.Must(t, err)
	checktest.Must(t, os.WriteFile(filepath.Join(dir, "keystore", "another_sk"), foreign, 0o600))
	who, err := client.LoadMSP("Org1MSP", dir)
	if err != nil {
		t.Fatalf("the folder has another key, too: %v", err)
	}
	_, err = who.Sign([]byte("message"))
	checktest.Must(t, err)

	checktest.Must(t, os.Remove(filepath.Join(dir, "keystore", "priv_sk")))
	_, err = client.LoadMSP("Org1MSP", dir)
	checktest.Fails(t, err, "no key of the certificate in signcerts")
	_, err = client.LoadMSP("Org1MSP", filepath.Join(dir, "keystore"))
	checktest.Fails(t, err, "want one certificate in signcerts, found 0")
}
