// Package fabrictest runs one channel on Fabric's own code: a registrar with a ledger in
// memory, a real channel config, identities with keys, and signed config updates. It is
// for tests of how Fabric processes bytes. It does not import package chain, whose own
// tests use it.
package fabrictest

import (
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"time"

	mb "github.com/hyperledger/fabric-protos-go/msp"
	"github.com/hyperledger/fabric/bccsp/utils"
	"github.com/hyperledger/fabric/protoutil"

	"github.com/fabric-kafka/orderer/chain/fabric"
	"github.com/fabric-kafka/orderer/chain/pkitest"
)

// Org is an organization with its own certificate authority.
type Org struct {
	ID    string
	Admin *Identity

	ca *pkitest.CA
}

// NewOrg returns an organization with an admin.
func NewOrg(id string) *Org {
	template := newTemplate("ca." + id)
	template.IsCA, template.BasicConstraintsValid = true, true
	template.KeyUsage = x509.KeyUsageCertSign | x509.KeyUsageCRLSign | x509.KeyUsageDigitalSignature
	template.SubjectKeyId = []byte(id)
	o := &Org{ID: id, ca: pkitest.NewCA(template)}
	o.Admin = o.Member("admin")
	return o
}

// Member returns a new member of the organization.
func (o *Org) Member(name string) *Identity { return o.MemberUntil(name, time.Now().Add(time.Hour)) }

// MemberUntil returns a new member whose certificate expires at end.
func (o *Org) MemberUntil(name string, end time.Time) *Identity {
	template := newTemplate(name + "." + o.ID)
	template.KeyUsage = x509.KeyUsageDigitalSignature
	template.NotAfter = end
	pair := o.ca.Issue(template)
	return &Identity{
		Creator: protoutil.MarshalOrPanic(&fabric.SerializedIdentity{Mspid: o.ID, IdBytes: pair.Certificate()}),
		pair:    pair,
	}
}

// MSP returns the organization's MSP config; the certificates of the revoked members
// are on its revocation list.
func (o *Org) MSP(revoked ...*Identity) *mb.MSPConfig {
	config := &mb.FabricMSPConfig{
		Name:         o.ID,
		RootCerts:    [][]byte{o.ca.Pair().Certificate()},
		Admins:       [][]byte{o.Admin.PEM()},
		CryptoConfig: &mb.FabricCryptoConfig{SignatureHashFamily: "SHA2", IdentityIdentifierHashFunction: "SHA256"},
	}
	if len(revoked) > 0 {
		config.RevocationList = [][]byte{o.list(revoked)}
	}
	return &mb.MSPConfig{Config: protoutil.MarshalOrPanic(config)}
}

func (o *Org) list(revoked []*Identity) []byte {
	list := &x509.RevocationList{Number: big.NewInt(1), ThisUpdate: time.Now(), NextUpdate: time.Now().Add(time.Hour)}
	for _, r := range revoked {
		serial := must(x509.ParseCertificate(r.pair.Raw)).SerialNumber
		list.RevokedCertificateEntries = append(list.RevokedCertificateEntries, x509.RevocationListEntry{SerialNumber: serial, RevocationTime: time.Now()})
	}
	return pem.EncodeToMemory(&pem.Block{Type: "X509 CRL", Bytes: o.ca.List(list)})
}

// Identity signs as Fabric's nodes and clients do.
type Identity struct {
	Creator []byte // serialized

	pair pkitest.Pair
}

// Serialize returns the identity as it is put in a signature header.
func (i *Identity) Serialize() ([]byte, error) { return i.Creator, nil }

// Sign signs the SHA-256 of a message.
func (i *Identity) Sign(message []byte) ([]byte, error) {
	digest := sha256.Sum256(message)
	signature, err := ecdsa.SignASN1(rand.Reader, i.pair.Key, digest[:])
	if err != nil {
		return nil, err
	}
	return utils.SignatureToLowS(&i.pair.Key.PublicKey, signature)
}

func newTemplate(name string) *x509.Certificate {
	return &x509.Certificate{
		SerialNumber: must(rand.Int(rand.Reader, big.NewInt(1<<62))),
		Subject:      pkix.Name{CommonName: name},
		NotBefore:    time.Now().Add(-2 * time.Hour),
		NotAfter:     time.Now().Add(time.Hour),
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// PEM returns the certificate, PEM-encoded.
func (i *Identity) PEM() []byte { return i.pair.Certificate() }

// Key returns the private key, PEM-encoded.
func (i *Identity) Key() []byte { return i.pair.PrivateKey() }

// ReadIdentity returns the identity of a certificate and its private key, both PEM-encoded.
func ReadIdentity(mspID string, certificate, key []byte) *Identity {
	return &Identity{
		Creator: protoutil.MarshalOrPanic(&fabric.SerializedIdentity{Mspid: mspID, IdBytes: certificate}),
		pair:    must(pkitest.ReadPair(certificate, key)),
	}
}
