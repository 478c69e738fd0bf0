// Package pki issues the certificates of tests.
package pki

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// Authority issues certificates into a folder.
type Authority struct {
	t           testing.TB
	dir         string
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
	revoked     *revoked // nil: its certificates name no list
}

// New makes an authority; its own certificate is ca.pem.
func New(t testing.TB) *Authority {
	t.Helper()
	root := Holder(fmt.Sprintf("authority %d", time.Now().UnixNano()), 24*time.Hour)
	root.IsCA, root.KeyUsage = true, x509.KeyUsageCertSign|x509.KeyUsageCRLSign
	a := &Authority{t: t, dir: t.TempDir(), key: newKey(t)}
	raw, err := x509.CreateCertificate(rand.Reader, root, root, a.key.Public(), a.key)
	if err == nil {
		a.certificate, err = x509.ParseCertificate(raw)
	}
	if err != nil {
		t.Fatal(err)
	}
	a.write("ca.pem", "CERTIFICATE", raw)
	return a
}

func newKey(t testing.TB) *ecdsa.PrivateKey {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// Holder is the template of a certificate for loopback, for client and server. It
// is valid from two hours ago for that long from now on.
func Holder(name string, valid time.Duration) *x509.Certificate {
	return &x509.Certificate{
		SerialNumber:          big.NewInt(time.Now().UnixNano()),
		Subject:               pkix.Name{CommonName: name},
		NotBefore:             time.Now().Add(-2 * time.Hour),
		NotAfter:              time.Now().Add(valid),
		IPAddresses:           []net.IP{net.IPv4(127, 0, 0, 1)},
		KeyUsage:              x509.KeyUsageDigitalSignature,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
		BasicConstraintsValid: true,
	}
}

// Issue writes NAME.pem and NAME.key, in the place of any that are there, into
// the folder of an authority, which may be another.
func (a *Authority) Issue(to *Authority, name string, valid time.Duration) {
	a.t.Helper()
	a.IssueFor(to, name, Holder(name, valid))
}

// IssueFor is Issue for a holder of any kind.
func (a *Authority) IssueFor(to *Authority, name string, holder *x509.Certificate) {
	a.t.Helper()
	if a.revoked != nil && holder.CRLDistributionPoints == nil {
		holder.CRLDistributionPoints = []string{a.revoked.at}
	}
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

// Path is where a file of the folder is.
func (a *Authority) Path(name string) string { return filepath.Join(a.dir, name) }

// Read returns what is in a file of the folder.
func (a *Authority) Read(name string) []byte {
	a.t.Helper()
	content, err := os.ReadFile(a.Path(name))
	if err != nil {
		a.t.Fatal(err)
	}
	return content
}

// Remove takes a file away.
func (a *Authority) Remove(name string) {
	a.t.Helper()
	if err := os.Remove(a.Path(name)); err != nil {
		a.t.Fatal(err)
	}
}

// Rename puts a file in the place of another.
func (a *Authority) Rename(from, to string) {
	a.t.Helper()
	if err := os.Rename(a.Path(from), a.Path(to)); err != nil {
		a.t.Fatal(err)
	}
}

// write puts the file into its place at once: others may be reading it.
func (a *Authority) write(name, kind string, raw []byte) {
	a.t.Helper()
	content := pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: raw})
	err := os.WriteFile(a.Path(name+".new"), content, 0o600)
	if err == nil {
		err = os.Rename(a.Path(name+".new"), a.Path(name))
	}
	if err != nil {
		a.t.Fatal(err)
	}
}
