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

// Identity signs for one member of an organization. It is safe for concurrent use.
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
	key, err := decodeKey(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", keyFile, err)
	}
	return newIdentity(mspid, cert, key)
}

func newIdentity(mspid string, cert []byte, key *ecdsa.PrivateKey) (*Identity, error) {
	serialized, err := proto.Marshal(&msp.SerializedIdentity{Mspid: mspid, IdBytes: cert})
	return &Identity{serialized, key}, err
}

func decodeKey(text []byte) (*ecdsa.PrivateKey, error) {
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, errors.New("it holds no PEM")
	}
	return parseKey(block.Bytes)
}

// parseKey parses PKCS #8, which cryptogen writes, and SEC 1.
func parseKey(der []byte) (*ecdsa.PrivateKey, error) {
	if key, err := x509.ParseECPrivateKey(der); err == nil {
		return key, nil
	}
	parsed, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		return nil, err
	}
	key, ok := parsed.(*ecdsa.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("a %T, not an ECDSA key", parsed)
	}
	return key, nil
}

// Serialize returns the identity as encoded in signature headers.
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
// own and random data. size is that of payload and signature together, in bytes, as
// Fabric's limits count it, with a tolerance of three; it is at least the size of the
// headers.
func (i *Identity) Message(channel string, size int) (*cb.Envelope, error) {
	signature, err := protoutil.NewSignatureHeader(i)
	if err != nil {
		return nil, err
	}
	header := protoutil.MakeChannelHeader(cb.HeaderType_MESSAGE, 0, channel, 0)
	header.TxId = protoutil.ComputeTxID(signature.Nonce, signature.Creator)
	payload := &cb.Payload{Header: protoutil.MakePayloadHeader(header, signature)}
	payload.Data = make([]byte, max(1, size-proto.Size(payload)-signatureBytes-framing))
	if _, err := rand.Read(payload.Data); err != nil {
		return nil, err
	}
	payload.Data[0] = noMessage
	return i.envelope(payload)
}

// noMessage is a first byte that no protobuf message has: peers cannot read a transaction in the data. See
// chain/PEERS.md for what that means for transactions in the same block.
const noMessage = 0x07

const (
	signatureBytes = 71 // of most P-256 signatures
	framing        = 3  // tag and length of the data
)

func (i *Identity) envelope(payload *cb.Payload) (*cb.Envelope, error) {
	raw, err := proto.Marshal(payload)
	if err != nil {
		return nil, err
	}
	signature, err := i.Sign(raw)
	return &cb.Envelope{Payload: raw, Signature: signature}, err
}

// Digest returns the SHA-256 of an envelope, which identifies it.
func Digest(envelope []byte) [sha256.Size]byte { return sha256.Sum256(envelope) }

var errNoBlock = errors.New("the orderer ended the stream before the last block")
