package pkitest

import (
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
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
	t       testing.TB
	dir     string
	ca      *CA
	revoked *revoked // nil: its certificates name no list
}

// New creates an authority, whose own certificate is ca.pem in a folder of the test.
func New(t testing.TB) *Authority {
	t.Helper()
	root := Holder(fmt.Sprintf("authority %d", time.Now().UnixNano()), 24*time.Hour)
	root.IsCA, root.KeyUsage = true, x509.KeyUsageCertSign|x509.KeyUsageCRLSign
	a := &Authority{t: t, dir: t.TempDir(), ca: NewCA(root)}
	a.write("ca.pem", a.ca.Pair().Certificate())
	return a
}

// Holder returns the template of a client and server certificate for loopback,
// valid from two hours ago until this long from now.
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

// Issue writes NAME.pem and NAME.key to the folder of an authority, which may differ from the issuer, and replaces
// existing files.
func (a *Authority) Issue(to *Authority, name string, valid time.Duration) {
	a.t.Helper()
	a.IssueFor(to, name, Holder(name, valid))
}

// IssueFor is [Authority.Issue] for any certificate template.
func (a *Authority) IssueFor(to *Authority, name string, holder *x509.Certificate) {
	a.t.Helper()
	if a.revoked != nil && holder.CRLDistributionPoints == nil {
		holder.CRLDistributionPoints = []string{a.revoked.at}
	}
	made := a.ca.Issue(holder)
	to.write(name+".pem", made.Certificate())
	to.write(name+".key", made.PrivateKey())
}

// Client returns the TLS config of a client with the certificate NAME.pem that trusts the authority, by the current
// content of the files. The certificate is also sent to a server that does not name its authority.
func (a *Authority) Client(name string) (*tls.Config, error) {
	ca, err := os.ReadFile(a.Path("ca.pem"))
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(ca)
	pair, err := tls.LoadX509KeyPair(a.Path(name+".pem"), a.Path(name+".key"))
	return &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12,
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &pair, nil }}, err
}

// Path returns the path of a file in the folder.
func (a *Authority) Path(name string) string { return filepath.Join(a.dir, name) }

// Read returns the contents of a file in the folder.
func (a *Authority) Read(name string) []byte {
	a.t.Helper()
	content, err := os.ReadFile(a.Path(name))
	if err != nil {
		a.t.Fatal(err)
	}
	return content
}

// Remove deletes a file in the folder.
func (a *Authority) Remove(name string) {
	a.t.Helper()
	if err := os.Remove(a.Path(name)); err != nil {
		a.t.Fatal(err)
	}
}

// Rename replaces a file with another one.
func (a *Authority) Rename(from, to string) {
	a.t.Helper()
	if err := os.Rename(a.Path(from), a.Path(to)); err != nil {
		a.t.Fatal(err)
	}
}

// write replaces the file atomically: it may be read meanwhile.
func (a *Authority) write(name string, content []byte) {
	a.t.Helper()
	err := os.WriteFile(a.Path(name+".new"), content, 0o600)
	if err == nil {
		err = os.Rename(a.Path(name+".new"), a.Path(name))
	}
	if err != nil {
		a.t.Fatal(err)
	}
}
