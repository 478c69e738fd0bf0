package matrix

import (
	"crypto/tls"

	"github.com/fabric-kafka/orderer/chain/pkitest"
)

// client returns the TLS settings that the consenter makes from these file names:
// the files are read for each connection.
func client(ca *pkitest.Authority) func() (*tls.Config, error) {
	return func() (*tls.Config, error) { return ca.Client("orderer") }
}
