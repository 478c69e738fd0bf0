package consenter

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"regexp"

	"github.com/fabric-kafka/orderer/chain/fabric"
)

// Group is the consumer group by which an orderer publishes how far its ledgers
// are: prefix, MSP id and common name of its certificate, with dots between them.
// identity is what the orderer signs with, serialized.
func Group(prefix string, identity []byte) (string, error) {
	id := &fabric.SerializedIdentity{}
	if err := fabric.Unmarshal(identity, id); err != nil {
		return "", fmt.Errorf("this orderer's identity: %w", err)
	}
	return GroupOf(prefix, id.Mspid, id.IdBytes), nil
}

// GroupOf is Group for an MSP id and a certificate in PEM.
func GroupOf(prefix, mspID string, certificate []byte) string {
	return prefix + "." + GroupWord(mspID) + "." + GroupWord(commonName(certificate))
}

// GroupWord returns an MSP id or a common name as it stands in the name of a group.
func GroupWord(text string) string { return odd.ReplaceAllString(text, "_") }

// odd is what has no place in the name of a group.
var odd = regexp.MustCompile(`[^A-Za-z0-9._-]`)

// commonName is that of the certificate, or its digest if it has none.
func commonName(certificate []byte) string {
	if block, _ := pem.Decode(certificate); block != nil {
		if c, err := x509.ParseCertificate(block.Bytes); err == nil && c.Subject.CommonName != "" {
			return c.Subject.CommonName
		}
	}
	sum := sha256.Sum256(certificate)
	return fmt.Sprintf("%x", sum[:8])
}
