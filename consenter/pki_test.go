package consenter

import (
	"crypto/tls"
	"crypto/x509"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/fabric-kafka/orderer/chain/pkitest"
)

// pki is a folder with a certificate that is its own authority, for loopback,
// and its key: broker and orderer use the same.
type pki struct{ dir string }

func newPKI(t *testing.T) pki { return newPKIUntil(t, time.Now().Add(time.Hour)) }

func newPKIUntil(t *testing.T, end time.Time) pki {
	made := pkitest.NewCA(template(end)).Pair()
	p := pki{t.TempDir()}
	p.write(t, "cert.pem", made.Certificate())
	p.write(t, "key.pem", made.PrivateKey())
	return p
}

// template returns the template of a certificate of a pki.
func template(end time.Time) *x509.Certificate {
	return &x509.Certificate{
		SerialNumber:          big.NewInt(1),
		NotAfter:              end,
		IPAddresses:           []net.IP{net.IPv4(127, 0, 0, 1)},
		IsCA:                  true,
		BasicConstraintsValid: true,
	}
}

func (p pki) path(name string) string { return filepath.Join(p.dir, name) }

func (p pki) write(t *testing.T, name string, content []byte) {
	must(t, os.WriteFile(p.path(name), content, 0o600))
}

// server returns a TLS config that requires a client certificate of the authority.
func (p pki) server(t *testing.T) *tls.Config {
	pair, err := tls.LoadX509KeyPair(p.path("cert.pem"), p.path("key.pem"))
	must(t, err)
	authority, err := os.ReadFile(p.path("cert.pem"))
	must(t, err)
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(authority) {
		t.Fatal("pool.AppendCertsFromPEM(authority) is false")
	}
	return &tls.Config{Certificates: []tls.Certificate{pair}, ClientCAs: pool, ClientAuth: tls.RequireAndVerifyClientCert}
}
