package pki

import (
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net/http"
	"net/http/httptest"
	"sync"
	"time"
)

// revoked is the list of an authority's certificates that must not be used any more.
type revoked struct {
	at string // where it is served

	mu      sync.Mutex
	entries []x509.RevocationListEntry // guarded by mu
	edition int64                      // guarded by mu
}

// ServeRevoked serves a list of revoked certificates until the test ends. What is
// issued from now on names it, unless its template names another.
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
	raw, err := x509.CreateRevocationList(rand.Reader, &x509.RevocationList{
		Number:                    big.NewInt(l.edition),
		ThisUpdate:                time.Now().Add(-time.Minute),
		NextUpdate:                time.Now().Add(time.Hour),
		RevokedCertificateEntries: l.entries,
	}, a.certificate, a.key)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	_, _ = w.Write(raw) // who asked may be gone
}

// Revoke puts the certificate that is in NAME.pem on the list.
func (a *Authority) Revoke(name string) {
	a.t.Helper()
	block, _ := pem.Decode(a.Read(name + ".pem"))
	if block == nil {
		a.t.Fatalf("%s.pem is no PEM", name)
	}
	c, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		a.t.Fatal(err)
	}
	a.revoked.mu.Lock()
	defer a.revoked.mu.Unlock()
	a.revoked.entries = append(a.revoked.entries, x509.RevocationListEntry{SerialNumber: c.SerialNumber, RevocationTime: time.Now()})
}
