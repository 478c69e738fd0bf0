// Package pkitest issues certificates for tests: a [CA] in memory, and an [Authority] that
// keeps what it issues in a folder.
package pkitest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
)

// CA issues certificates. It panics if it cannot, which only a bad template causes.
type CA struct {
	Certificate *x509.Certificate
	key         *ecdsa.PrivateKey
}

// Pair is a certificate and its key.
type Pair struct {
	Raw []byte // DER of the certificate
	Key *ecdsa.PrivateKey
}

// NewCA returns an authority whose own certificate is made from a template.
func NewCA(template *x509.Certificate) *CA {
	c := &CA{Certificate: template, key: must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))}
	raw := must(x509.CreateCertificate(rand.Reader, template, template, c.key.Public(), c.key))
	c.Certificate = must(x509.ParseCertificate(raw))
	return c
}

// Pair returns the authority's own certificate and key.
func (c *CA) Pair() Pair { return Pair{c.Certificate.Raw, c.key} }

// Issue returns a certificate that is made from a template, with a new key.
func (c *CA) Issue(template *x509.Certificate) Pair {
	key := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	return Pair{must(x509.CreateCertificate(rand.Reader, template, c.Certificate, key.Public(), c.key)), key}
}

// List returns a signed revocation list, in DER.
func (c *CA) List(template *x509.RevocationList) []byte {
	return must(x509.CreateRevocationList(rand.Reader, template, c.Certificate, c.key))
}

// Certificate returns the certificate in PEM.
func (p Pair) Certificate() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: p.Raw})
}

// PrivateKey returns the key in PEM.
func (p Pair) PrivateKey() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: must(x509.MarshalPKCS8PrivateKey(p.Key))})
}

// ReadPair returns the pair of what Certificate and PrivateKey return.
func ReadPair(certificate, key []byte) (Pair, error) {
	pair, err := tls.X509KeyPair(certificate, key)
	if err != nil {
		return Pair{}, err
	}
	private, ok := pair.PrivateKey.(*ecdsa.PrivateKey)
	if !ok {
		return Pair{}, fmt.Errorf("a key of type %T, want ECDSA", pair.PrivateKey)
	}
	return Pair{pair.Certificate[0], private}, nil
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
