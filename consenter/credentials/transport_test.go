package credentials

import (
	"crypto/tls"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/fabric-kafka/orderer/consenter/settings"
)

func TestTransportIsOffByDefault(t *testing.T) {
	c := settings.Default()
	transport, err := LoadTLS(c.TLS)
	require.NoError(t, err)
	require.Nil(t, transport)
	auth, err := LoadSASL(c.SASL)
	require.NoError(t, err)
	require.Nil(t, auth)
}

// Files of a transport that is off need not exist.
func TestFilesOfDisabledTransportAreNotRead(t *testing.T) {
	transport, err := LoadTLS(settings.TLS{RootCAs: []string{"/none"}, Certificate: "/none", PrivateKey: "/none"})
	require.NoError(t, err)
	require.Nil(t, transport)
	auth, err := LoadSASL(settings.SASL{User: "a", PasswordFile: "/none"})
	require.NoError(t, err)
	require.Nil(t, auth)
}

func TestSystemAuthoritiesWithoutFiles(t *testing.T) {
	transport, err := LoadTLS(settings.TLS{Enabled: true, ServerName: "kafka"})
	require.NoError(t, err)
	config, err := transport()
	require.NoError(t, err)
	require.Nil(t, config.RootCAs)
	require.Nil(t, config.GetClientCertificate)
	require.Equal(t, "kafka", config.ServerName)
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
	require.ErrorContains(t, err, "Consensus.Kafka.TLS.RootCAs: "+p.path("garbage.pem")+": it holds no certificate in PEM")
	require.ErrorContains(t, err, "Consensus.Kafka.TLS.RootCAs: open "+p.path("none.pem"))
	require.ErrorContains(t, err, "Consensus.Kafka.TLS.PrivateKey: "+p.path("garbage.pem")+": it holds no private key in PEM")
}

func TestEachConnectionReadsTheFiles(t *testing.T) {
	p := newPKI(t)
	transport, err := LoadTLS(settings.TLS{Enabled: true, RootCAs: []string{p.path("cert.pem")},
		Certificate: p.path("cert.pem"), PrivateKey: p.path("key.pem")})
	require.NoError(t, err)
	before, err := transport()
	require.NoError(t, err)

	renewed := newPKI(t)
	require.NoError(t, os.Rename(renewed.path("cert.pem"), p.path("cert.pem")))
	_, err = transport()
	require.ErrorContains(t, err, "private key does not match public key", "the key is not there yet")
	require.NoError(t, os.Rename(renewed.path("key.pem"), p.path("key.pem")))
	after, err := transport()
	require.NoError(t, err)
	require.False(t, before.RootCAs.Equal(after.RootCAs))
	require.NotEqual(t, presented(t, before), presented(t, after))

	require.NoError(t, os.Remove(p.path("cert.pem")))
	_, err = transport()
	require.ErrorContains(t, err, "Consensus.Kafka.TLS.RootCAs: open "+p.path("cert.pem"))
	require.ErrorContains(t, err, "Consensus.Kafka.TLS.Certificate: open "+p.path("cert.pem"))
}

// presented returns the certificate that a broker receives.
func presented(t *testing.T, c *tls.Config) [][]byte {
	pair, err := c.GetClientCertificate(nil)
	require.NoError(t, err)
	return pair.Certificate
}
