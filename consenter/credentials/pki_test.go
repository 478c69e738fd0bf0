package credentials

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/fabric-kafka/orderer/chain/checktest"
)

// pki is a folder with a certificate that is its own authority, for loopback,
// and its key: broker and orderer use the same.
type pki struct{ dir string }

func newPKI(t *testing.T) pki { return newPKIUntil(t, time.Now().Add(time.Hour)) }

func newPKIUntil(t *testing.T, end time.Time) pki {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	checktest.Must(t, err)
	made := template(end)
	certificate, err := x509.CreateCertificate(rand.Reader, made, made, key.Public(), key)
	checktest.Must(t, err)
	private, err := x509.MarshalPKCS8PrivateKey(key)
	checktest.Must(t, err)
	p := pki{t.TempDir()}
	p.write(t, "cert.pem", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate}))
	p.write(t, "key.pem", pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}))
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
	checktest.Must(t, os.WriteFile(p.path(name), content, 0o600))
}

// replace replaces the files of a pki with another's.
func (p pki) replace(t *testing.T, other pki) {
	for _, file := range []string{"cert.pem", "key.pem"} {
		checktest.Must(t, os.Rename(p.path(file), other.path(file)))
	}
}
