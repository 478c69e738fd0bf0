package record

import (
	"bytes"
	"crypto/sha256"
	"fmt"

	"github.com/fabric-kafka/orderer/chain/fabric"
)

// A flaw is what in an envelope would make peers refuse the whole block that it
// is in, or crash: no peer gets past a block with one such envelope in it. It is empty
// if there is nothing. Whatever else may be wrong with a transaction makes peers flag
// that transaction alone, which is its client's concern.

// signerFlaw returns the flaw of signature and signature header.
func signerFlaw(envelope *fabric.Envelope, payload *fabric.Payload) string {
	if len(envelope.Signature) == 0 {
		return "no signature"
	}
	if err := fabric.Unmarshal(payload.Header.SignatureHeader, &fabric.SignatureHeader{}); err != nil {
		return "signature header: " + err.Error()
	}
	return ""
}

// flaw returns the flaw of an envelope's content, for its header type.
func (c content) flaw(headerType int32) string {
	if headerType == fabric.TypeEndorser && c.unendorsed {
		return "endorser transaction whose action was endorsed by nobody"
	}
	return ""
}

// A peer looks in its state for the chaincode of a transaction, for the namespaces that it writes and for the keys, before
// it knows whether anybody endorsed it. CouchDB refuses some names, and the peer takes that for a failure of the
// database: it stops. The names below are those that some release of Fabric lets a chaincode have and CouchDB accepts: 1.0 to 1.2 accepted
// any letters, digits, hyphens and underscores. Keys that CouchDB alone refuses, empty ones and those that
// begin with _, are not among the flaws: peers with LevelDB have them.

var implicit = []byte("_implicit_org_") // begins the name of an organization's own collection

// isCollection reports whether a name is one or more letters, digits, hyphens and underscores.
func isCollection(name []byte) bool {
	for _, c := range name {
		if !isLetterOrDigit(c) && c != '-' && c != '_' {
			return false
		}
	}
	return len(name) > 0
}

func isLetterOrDigit(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
}

const (
	lifecycle = "_lifecycle" // the one namespace of another form

	// maxName bounds names: CouchDB refuses a URL of more than 8 KB or so.
	maxName = 1024
)

// isChaincode reports whether a name is the lifecycle's, or like that of a collection and does not begin with an underscore.
func isChaincode(name []byte) bool {
	return len(name) <= maxName && (string(name) == lifecycle || isCollection(name) && name[0] != '_')
}

// chaincodeFlaw does not regard a missing name as a flaw: peers flag that.
func chaincodeFlaw(name []byte) string {
	if len(name) == 0 || isChaincode(name) {
		return ""
	}
	return fmt.Sprintf("endorser transaction of %.40q, which is not a valid chaincode name", name)
}

func (in part) nameFlaw() string {
	switch {
	case !isChaincode(in.namespace):
		return fmt.Sprintf("endorser transaction that writes to namespace %.40q, which is not a valid chaincode name", in.namespace)
	case !in.public && !isCollection(in.collection) && !bytes.HasPrefix(in.collection, implicit):
		return fmt.Sprintf("endorser transaction that writes to %.40q, which is not a valid collection name", in.collection)
	}
	return ""
}

func (in part) keyFlaw(key []byte) string {
	if !in.public && len(key) != sha256.Size {
		return fmt.Sprintf("endorser transaction that writes a key hash of %d bytes instead of %d", len(key), sha256.Size)
	}
	return ""
}
