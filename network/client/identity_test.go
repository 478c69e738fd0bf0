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

	"github.com/fabric-kafka/orderer/chain/checktest"
	"github.com/fabric-kafka/orderer/network/client"
	"github.com/fabric-kafka/orderer/network/client/orderertest"
)

// Fabric refuses a signature with a high S, so that there is one form of each.
func TestSignaturesVerifyAndAreLow(t *testing.T) {
	who := orderertest.Identity(t)
	serialized, err := who.Serialize()
	checktest.Must(t, err)
	id := &msp.SerializedIdentity{}
	checktest.Must(t, proto.Unmarshal(serialized, id))
	if id.Mspid != "Org1MSP" {
		t.Fatalf("id.Mspid is %v, want %v", id.Mspid, "Org1MSP")
	}
	block, _ := pem.Decode(id.IdBytes)
	cert, err := x509.ParseCertificate(block.Bytes)
	checktest.Must(t, err)
	key := cert.PublicKey.(*ecdsa.PublicKey)
	half := new(big.Int).Rsh(key.Params().N, 1)
	for i := range 20 {
		message := []byte{byte(i)}
		signature, err := who.Sign(message)
		checktest.Must(t, err)
		digest := sha256.Sum256(message)
		if !ecdsa.VerifyASN1(key, digest[:], signature) {
			t.Fatal("the signature does not verify")
		}
		var rs struct{ R, S *big.Int }
		_, err = asn1.Unmarshal(signature, &rs)
		checktest.Must(t, err)
		if got := rs.S.Cmp(half); got > 0 {
			t.Fatalf("got %v, want at most 0", got)
		}
	}
}

func TestMessageHasTheSizeAskedFor(t *testing.T) {
	who := orderertest.Identity(t)
	for _, size := range []int{1024, 2048, 20_000, 300_000} {
		e, err := who.Message("mychannel", size)
		checktest.Must(t, err)
		if got := len(e.Payload) + len(e.Signature); got < size-3 || got > size+3 {
			t.Errorf("got %d bytes, want %d", got, size)
		}
	}
	small, err := who.Message("mychannel", 1)
	checktest.Must(t, err)
	if len(small.Signature) == 0 {
		t.Fatal("the headers are there all the same: got nothing")
	}
}

// The data is no transaction, not even one without actions, on which peers panic.
func TestMessagesAreNoTransactions(t *testing.T) {
	e, err := orderertest.Identity(t).Message("mychannel", 500)
	if err != nil {
		t.Fatal(err)
	}
	p, err := protoutil.UnmarshalPayload(e.Payload)
	if err != nil {
		t.Fatal(err)
	}
	if tx, err := protoutil.UnmarshalTransaction(p.Data); err == nil {
		t.Errorf("the data is the transaction %v", tx)
	}
}

func TestMessagesAreDistinct(t *testing.T) {
	who := orderertest.Identity(t)
	ids := map[string]bool{}
	for range 10 {
		e, err := who.Message("mychannel", 0)
		checktest.Must(t, err)
		h, err := protoutil.ChannelHeader(e)
		checktest.Must(t, err)
		if h.Type != int32(cb.HeaderType_MESSAGE) {
			t.Fatalf("h.Type is %v, want %v", h.Type, int32(cb.HeaderType_MESSAGE))
		}
		if h.ChannelId != "mychannel" {
			t.Fatalf("h.ChannelId is %v, want %v", h.ChannelId, "mychannel")
		}
		ids[h.TxId] = true
	}
	if len(ids) != 10 {
		t.Fatalf("got %v, want 10 of them", ids)
	}
}

func TestLoadIdentityNamesTheFileAtFault(t *testing.T) {
	cert, key := orderertest.IdentityFiles(t)
	junk := filepath.Join(t.TempDir(), "junk.pem")
	checktest.Must(t, os.WriteFile(junk, []byte("no PEM"), 0o600))
	for name, files := range map[string][2]string{
		"no such certificate": {junk + "x", key},
		"no such key":         {cert, junk + "x"},
		"no PEM":              {cert, junk},
		"no key in it":        {cert, cert},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := client.LoadIdentity("Org1MSP", files[0], files[1])
			if err == nil {
				t.Fatal("there is no error")
			}
			checktest.Fails(t, err, ".pem")
		})
	}
}
