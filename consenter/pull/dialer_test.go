package pull

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hyperledger/fabric/orderer/common/localconfig"

	"github.com/fabric-kafka/orderer/chain/session"
)

// undialed returns the factory of an orderer whose main has no cluster dialer: that of Fabric 2.5
// with a system channel of type kafka.
func undialed(t *testing.T, c Cluster) *Factory {
	t.Helper()
	c.Address, c.Port = "127.0.0.1", 7050
	return NewFactory(c, crypto(t))
}

// Such an orderer pulls blocks too, as a client with the server's certificate, or with one of its own.
func TestPullsWithoutFabricsDialer(t *testing.T) {
	ours := newAuthority(t)
	pair, dir := ours.pair(), t.TempDir()
	certificate, key := filepath.Join(dir, "tls.crt"), filepath.Join(dir, "tls.key")
	for name, content := range map[string][]byte{certificate: pair.Cert, key: pair.Key} {
		if err := os.WriteFile(name, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	missing := filepath.Join(dir, "missing")
	for name, c := range map[string]Cluster{
		"the server's certificate": {TLS: localconfig.TLS{Enabled: true, Certificate: certificate, PrivateKey: key}},
		"one of its own": {Settings: localconfig.Cluster{ClientCertificate: certificate, ClientPrivateKey: key},
			TLS: localconfig.TLS{Enabled: true, Certificate: missing, PrivateKey: missing}},
	} {
		t.Run(name, func(t *testing.T) {
			d := ours.deliverer()
			first := ours.genesis(d.address)
			d.blocks = ours.following(first)
			p, err := undialed(t, c).New(ours.stale(first))
			if err != nil {
				t.Fatal(err)
			}
			defer p.Close()
			if _, err := p.Block(t.Context(), 1); err != nil {
				t.Error(err)
			}
		})
	}
}

// Without a certificate the error names the keys to set.
func TestNoCertificateForFabricsDialer(t *testing.T) {
	ours := newAuthority(t)
	c := undialed(t, Cluster{TLS: localconfig.TLS{Enabled: true, Certificate: "/missing.crt", PrivateKey: "/missing.key"}})
	_, err := c.New(ours.stale(ours.genesis("127.0.0.1:1")))
	if err == nil || !strings.Contains(err.Error(), session.ErrCannotAsk.Error()) || !strings.Contains(err.Error(), "/missing.crt") || !strings.Contains(err.Error(), "General.Cluster.ClientCertificate") {
		t.Errorf("got %v", err)
	}
}
