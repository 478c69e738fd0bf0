package consenter

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/fabric-kafka/orderer/chain/log/kafka"
)

func TestTransportIsOffByDefault(t *testing.T) {
	c := DefaultConfig()
	transport, err := c.TLS.load()
	require.NoError(t, err)
	require.Nil(t, transport)
	auth, err := c.SASL.load()
	require.NoError(t, err)
	require.Nil(t, auth)
}

// Files of what is off need not be there.
func TestFilesOfDisabledTransportAreNotRead(t *testing.T) {
	transport, err := TLS{RootCAs: []string{"/none"}, Certificate: "/none", PrivateKey: "/none"}.load()
	require.NoError(t, err)
	require.Nil(t, transport)
	auth, err := SASL{User: "a", PasswordFile: "/none"}.load()
	require.NoError(t, err)
	require.Nil(t, auth)
}

func TestSystemAuthoritiesWithoutFiles(t *testing.T) {
	transport, err := TLS{Enabled: true, ServerName: "kafka"}.load()
	require.NoError(t, err)
	require.Nil(t, transport.RootCAs)
	require.Nil(t, transport.GetClientCertificate)
	require.Equal(t, "kafka", transport.ServerName)
}

func TestEveryUnusableFileIsNamed(t *testing.T) {
	p := newPKI(t)
	p.write(t, "garbage.pem", []byte("garbage"))
	_, err := TLS{
		Enabled:     true,
		RootCAs:     []string{p.path("cert.pem"), p.path("garbage.pem"), p.path("none.pem")},
		Certificate: p.path("cert.pem"),
		PrivateKey:  p.path("garbage.pem"),
	}.load()
	require.ErrorContains(t, err, "Consensus.Kafka.TLS.RootCAs: "+p.path("garbage.pem")+" holds no certificate in PEM")
	require.ErrorContains(t, err, "Consensus.Kafka.TLS.RootCAs: open "+p.path("none.pem"))
	require.ErrorContains(t, err, "Consensus.Kafka.TLS.Certificate and PrivateKey: ")
}

func TestRotatedCertificateIsRead(t *testing.T) {
	p := newPKI(t)
	transport, err := TLS{Enabled: true, Certificate: p.path("cert.pem"), PrivateKey: p.path("key.pem")}.load()
	require.NoError(t, err)
	before, err := transport.GetClientCertificate(nil)
	require.NoError(t, err)

	renewed := newPKI(t)
	for _, name := range []string{"cert.pem", "key.pem"} {
		require.NoError(t, os.Rename(renewed.path(name), p.path(name)))
	}
	after, err := transport.GetClientCertificate(nil)
	require.NoError(t, err)
	require.NotEqual(t, before.Certificate, after.Certificate)
}

func TestPasswordIsTheFileWithoutItsLineEnd(t *testing.T) {
	p := newPKI(t)
	for content, want := range map[string]string{"secret": "secret", "secret\n": "secret", " a b \r\n": " a b "} {
		p.write(t, "password", []byte(content))
		auth, err := SASL{Mechanism: "PLAIN", User: "orderer1", PasswordFile: p.path("password")}.load()
		require.NoError(t, err)
		require.Equal(t, &kafka.SASL{User: "orderer1", Password: want}, auth)
	}
	p.write(t, "password", []byte("\n"))
	_, err := SASL{Mechanism: "PLAIN", User: "orderer1", PasswordFile: p.path("password")}.load()
	require.EqualError(t, err, "Consensus.Kafka.SASL.PasswordFile: "+p.path("password")+" is empty")
	_, err = SASL{Mechanism: "PLAIN", User: "orderer1", PasswordFile: p.path("none")}.load()
	require.ErrorContains(t, err, "Consensus.Kafka.SASL.PasswordFile: open "+p.path("none"))
}
