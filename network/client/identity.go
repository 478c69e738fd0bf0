// Package client talks to orderers as Fabric clients do: signed envelopes
// through Broadcast, blocks through Deliver, config updates.
package client

import (
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"

	"github.com/golang/protobuf/proto"
	cb "github.com/hyperledger/fabric-protos-go/common"
	"github.com/hyperledger/fabric-protos-go/msp"
	"github.com/hyperledger/fabric/bccsp/utils"
	"github.com/hyperledger/fabric/protoutil"
)

// Identity signs for one member of an organisation. It is safe for concurrent use.
type Identity struct {
	serialized []byte
	key        *ecdsa.PrivateKey
}

var _ protoutil.Signer = (*Identity)(nil)

// LoadIdentity reads a certificate and its ECDSA key from PEM files.
func LoadIdentity(mspid, certFile, keyFile string) (*Identity, error) {
	cert, err := os.ReadFile(certFile)
	if err != nil {
		return nil, err
	}
	text, err := os.ReadFile(keyFile)
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, fmt.Errorf("%s holds no PEM", keyFile)
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", keyFile, err)
	}
	key, ok := parsed.(*ecdsa.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("%s holds a %T, not an ECDSA key", keyFile, parsed)
	}
	serialized, err := proto.Marshal(&msp.SerializedIdentity{Mspid: mspid, IdBytes: cert})
	return &Identity{serialized, key}, err
}

// Serialize returns the identity as it stands in signature headers.
func (i *Identity) Serialize() ([]byte, error) { return i.serialized, nil }

// Sign signs the SHA-256 of a message, in the form that Fabric accepts (low S).
func (i *Identity) Sign(message []byte) ([]byte, error) {
	digest := sha256.Sum256(message)
	r, s, err := ecdsa.Sign(rand.Reader, i.key, digest[:])
	if err != nil {
		return nil, err
	}
	if s, err = utils.ToLowS(&i.key.PublicKey, s); err != nil {
		return nil, err
	}
	return utils.MarshalECDSASignature(r, s)
}

// Message returns a signed envelope of type MESSAGE with a transaction id of its
// own. size is of payload and signature together, as Fabric's limits count it;
// below the size of the headers it is what the headers need.
func (i *Identity) Message(channel string, size int) (*cb.Envelope, error) {
	empty, err := protoutil.CreateSignedEnvelope(cb.HeaderType_MESSAGE, channel, i, &cb.ConfigValue{}, 0, 0)
	if err != nil {
		return nil, err
	}
	fill := make([]byte, max(0, size-len(empty.Payload)-len(empty.Signature)-framing))
	if _, err := rand.Read(fill); err != nil {
		return nil, err
	}
	return protoutil.CreateSignedEnvelope(cb.HeaderType_MESSAGE, channel, i, &cb.ConfigValue{Value: fill}, 0, 0)
}

// framing is what the lengths around the filling take, about.
const framing = 8

// Digest tells one envelope from another.
func Digest(envelope []byte) [sha256.Size]byte { return sha256.Sum256(envelope) }

var errNoBlock = errors.New("the orderer ended the stream before the last block")
