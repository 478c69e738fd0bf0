package pkitest

import (
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net/http"
	"net/http/httptest"
	"sync"
	"time"
)

// revoked is the certificate revocation list of an authority.
type revoked struct {
	at string // URL

	mu      sync.Mutex
	entries []x509.RevocationListEntry // guarded by mu
	edition int64                      // guarded by mu
}

// ServeRevoked serves a certificate revocation list until the test ends. Certificates
// issued from now on name it, unless their template names another.
func (a *Authority) ServeRevoked() {
	a.t.Helper()
	a.revoked = &revoked{}
	server := httptest.NewServer(http.HandlerFunc(a.list))
	a.t.Cleanup(server.Close)
	a.revoked.at = server.URL + "/revoked.crl"
}

func (a *Authority) list(w http.ResponseWriter, _ *http.Request) {
	l := a.revoked
	l.mu.Lock()
	defer l.mu.Unlock()
	l.edition++
	raw := a.ca.List(&x509.RevocationList{
		Number:                    big.NewInt(l.edition),
		ThisUpdate:                time.Now().Add(-time.Minute),
		NextUpdate:                time.Now().Add(time.Hour),
		RevokedCertificateEntries: l.entries,
	})
	_, _ = w.Write(raw) // the client may have disconnected
}

// Revoke adds the certificate in NAME.pem to the list.
func (a *Authority) Revoke(name string) {
	a.t.Helper()
	block, _ := pem.Decode(a.Read(name + ".pem"))
	if block == nil {
		a.t.Fatalf("%s.pem is not PEM", name)
	}
	c, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		a.t.Fatal(err)
	}
	a.revoked.mu.Lock()
	defer a.revoked.mu.Unlock()
	a.revoked.entries = append(a.revoked.entries, x509.RevocationListEntry{SerialNumber: c.SerialNumber, RevocationTime: time.Now()})
}
