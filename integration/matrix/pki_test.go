package matrix

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// authority issues certificates into a folder.
type authority struct {
	t           *testing.T
	dir         string
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
}

func newAuthority(t *testing.T) *authority {
	a := &authority{t: t, dir: t.TempDir(), key: newKey(t)}
	raw, err := x509.CreateCertificate(rand.Reader, template(time.Hour), template(time.Hour), a.key.Public(), a.key)
	if err == nil {
		a.certificate, err = x509.ParseCertificate(raw)
	}
	if err != nil {
		t.Fatal(err)
	}
	a.write("ca.pem", "CERTIFICATE", raw)
	return a
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// template is valid from two hours ago for that long from now on.
func template(valid time.Duration) *x509.Certificate {
	return &x509.Certificate{
		SerialNumber:          big.NewInt(1),
		NotBefore:             time.Now().Add(-2 * time.Hour),
		NotAfter:              time.Now().Add(valid),
		IPAddresses:           []net.IP{net.IPv4(127, 0, 0, 1)},
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
		IsCA:                  true,
		BasicConstraintsValid: true,
	}
}

// issue writes NAME.pem and NAME.key, in the place of any that are there, into
// the folder of the first authority that issued that name.
func (a *authority) issue(to *authority, name string, valid time.Duration) {
	a.t.Helper()
	a.issueFor(to, name, template(valid))
}

func (a *authority) issueFor(to *authority, name string, holder *x509.Certificate) {
	a.t.Helper()
	key := newKey(a.t)
	raw, err := x509.CreateCertificate(rand.Reader, holder, a.certificate, key.Public(), a.key)
	if err != nil {
		a.t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		a.t.Fatal(err)
	}
	to.write(name+".pem", "CERTIFICATE", raw)
	to.write(name+".key", "PRIVATE KEY", private)
}

func (a *authority) path(name string) string { return filepath.Join(a.dir, name) }

func (a *authority) read(name string) []byte {
	a.t.Helper()
	content, err := os.ReadFile(a.path(name))
	if err != nil {
		a.t.Fatal(err)
	}
	return content
}

func (a *authority) remove(name string) {
	a.t.Helper()
	if err := os.Remove(a.path(name)); err != nil {
		a.t.Fatal(err)
	}
}

func (a *authority) rename(from, to string) {
	a.t.Helper()
	if err := os.Rename(a.path(from), a.path(to)); err != nil {
		a.t.Fatal(err)
	}
}

// write puts the file into its place at once: others may be reading it.
func (a *authority) write(name, kind string, raw []byte) {
	a.t.Helper()
	content := pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: raw})
	err := os.WriteFile(a.path(name+".new"), content, 0o600)
	if err == nil {
		err = os.Rename(a.path(name+".new"), a.path(name))
	}
	if err != nil {
		a.t.Fatal(err)
	}
}

// client is what the consenter makes of settings that name these files: they are
// read for each connection.
func (a *authority) client() (*tls.Config, error) {
	roots := x509.NewCertPool()
	text, err := os.ReadFile(a.path("ca.pem"))
	if err != nil {
		return nil, err
	}
	roots.AppendCertsFromPEM(text)
	pair, err := tls.LoadX509KeyPair(a.path("orderer.pem"), a.path("orderer.key"))
	return &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12,
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &pair, nil }}, err
}
