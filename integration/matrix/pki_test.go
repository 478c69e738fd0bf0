package matrix

import (
	"crypto/tls"
	"crypto/x509"
	"os"

	"github.com/fabric-kafka/orderer/integration/pki"
)

// client returns the TLS settings that the consenter makes from these file names:
// the files are read for each connection.
func client(ca *pki.Authority) func() (*tls.Config, error) {
	return func() (*tls.Config, error) {
		roots := x509.NewCertPool()
		text, err := os.ReadFile(ca.Path("ca.pem"))
		if err != nil {
			return nil, err
		}
		roots.AppendCertsFromPEM(text)
		pair, err := tls.LoadX509KeyPair(ca.Path("orderer.pem"), ca.Path("orderer.key"))
		return &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12,
			GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &pair, nil }}, err
	}
}
