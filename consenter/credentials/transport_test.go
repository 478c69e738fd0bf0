package credentials

import (
	"crypto/tls"
	"os"
	"reflect"
	"testing"

	"github.com/fabric-kafka/orderer/chain/checktest"
	"github.com/fabric-kafka/orderer/consenter/settings"
)

func TestTransportIsOffByDefault(t *testing.T) {
	c := settings.Default()
	transport, err := LoadTLS(c.TLS)
	checktest.Must(t, err)
	if transport != nil {
		t.Fatal("got one, want none")
	}
	auth, err := LoadSASL(c.SASL)
	checktest.Must(t, err)
	if auth != nil {
		t.Fatal("got one, want none")
	}
}

// Files of a transport that is off need not exist.
func TestFilesOfDisabledTransportAreNotRead(t *testing.T) {
	transport, err := LoadTLS(settings.TLS{RootCAs: []string{"/none"}, Certificate: "/none", PrivateKey: "/none"})
	checktest.Must(t, err)
	if transport != nil {
		t.Fatal("got one, want none")
	}
	auth, err := LoadSASL(settings.SASL{User: "a", PasswordFile: "/none"})
	checktest.Must(t, err)
	if auth != nil {
		t.Fatal("got one, want none")
	}
}

func TestSystemAuthoritiesWithoutFiles(t *testing.T) {
	transport, err := LoadTLS(settings.TLS{Enabled: true, ServerName: "kafka"})
	checktest.Must(t, err)
	config, err := transport()
	checktest.Must(t, err)
	if config.RootCAs != nil {
		t.Fatal("got one, want none")
	}
	if config.GetClientCertificate != nil {
		t.Fatal("got one, want none")
	}
	if got, want := config.ServerName, "kafka"; !reflect.DeepEqual(got, want) {
		t.Fatalf("got %v, want %v", got, want)
	}
}

func TestEveryUnusableFileIsNamed(t *testing.T) {
	p := newPKI(t)
	p.write(t, "garbage.pem", []byte("garbage"))
	_, err := LoadTLS(settings.TLS{
		Enabled:     true,
		RootCAs:     []string{p.path("cert.pem"), p.path("garbage.pem"), p.path("none.pem")},
		Certificate: p.path("cert.pem"),
		PrivateKey:  p.path("garbage.pem"),
	})
	checktest.Fails(t, err, "Consensus.Kafka.TLS.RootCAs: "+p.path("garbage.pem")+": it holds no certificate in PEM")
	checktest.Fails(t, err, "Consensus.Kafka.TLS.RootCAs: open "+p.path("none.pem"))
	checktest.Fails(t, err, "Consensus.Kafka.TLS.PrivateKey: "+p.path("garbage.pem")+": it holds no private key in PEM")
}

func TestEachConnectionReadsTheFiles(t *testing.T) {
	p := newPKI(t)
	transport, err := LoadTLS(settings.TLS{Enabled: true, RootCAs: []string{p.path("cert.pem")},
		Certificate: p.path("cert.pem"), PrivateKey: p.path("key.pem")})
	checktest.Must(t, err)
	before, err := transport()
	checktest.Must(t, err)

	renewed := newPKI(t)
	checktest.Must(t, os.Rename(renewed.path("cert.pem"), p.path("cert.pem")))
	_, err = transport()
	checktest.Fails(t, err, "private key does not match public key")
	checktest.Must(t, os.Rename(renewed.path("key.pem"), p.path("key.pem")))
	after, err := transport()
	checktest.Must(t, err)
	if before.RootCAs.Equal(after.RootCAs) {
		t.Fatal("the authorities were not read again")
	}
	if got, other := presented(t, after), presented(t, before); reflect.DeepEqual(got, other) {
		t.Fatalf("got %v, want another", got)
	}

	checktest.Must(t, os.Remove(p.path("cert.pem")))
	_, err = transport()
	checktest.Fails(t, err, "Consensus.Kafka.TLS.RootCAs: open "+p.path("cert.pem"))
	checktest.Fails(t, err, "Consensus.Kafka.TLS.Certificate: open "+p.path("cert.pem"))
}

// presented returns the certificate that a broker receives.
func presented(t *testing.T, c *tls.Config) [][]byte {
	pair, err := c.GetClientCertificate(nil)
	checktest.Must(t, err)
	return pair.Certificate
}
