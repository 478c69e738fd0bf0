package consenter

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"regexp"

	"github.com/fabric-kafka/orderer/chain/fabric"
)

// Group returns the consumer group under which an orderer publishes the progress of its
// ledgers: prefix, MSP id and common name of its certificate, joined by dots. identity is
// the orderer's serialized signing identity.
func Group(prefix string, identity []byte) (string, error) {
	id := &fabric.SerializedIdentity{}
	if err := fabric.Unmarshal(identity, id); err != nil {
		return "", fmt.Errorf("this orderer's identity: %w", err)
	}
	return GroupOf(prefix, id.Mspid, id.IdBytes), nil
}

// GroupOf returns the [Group] for an MSP id and a certificate in PEM.
func GroupOf(prefix, mspID string, certificate []byte) string {
	return prefix + "." + GroupWord(mspID) + "." + GroupWord(commonName(certificate))
}

// GroupWord returns an MSP id or a common name in the form that group names contain.
func GroupWord(text string) string { return notInGroups.ReplaceAllString(text, "_") }

// notInGroups matches a character that is not allowed in the name of a group.
var notInGroups = regexp.MustCompile(`[^A-Za-z0-9._-]`)

// commonName returns the certificate's common name, or the certificate's digest if it has none.
func commonName(certificate []byte) string {
	if block, _ := pem.Decode(certificate); block != nil {
		if c, err := x509.ParseCertificate(block.Bytes); err == nil && c.Subject.CommonName != "" {
			return c.Subject.CommonName
		}
	}
	sum := sha256.Sum256(certificate)
	return fmt.Sprintf("%x", sum[:8])
}
