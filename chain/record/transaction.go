package record

import (
	"encoding/binary"

	"github.com/cespare/xxhash/v2"
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/fabric-kafka/orderer/chain/fabric"
	"github.com/fabric-kafka/orderer/chain/machine"
)

// A transaction of chaincode, from the outside in, by the numbers of fields in Fabric's
// protos. Each of its layers is serialized in a field of bytes of the one around it.
const (
	transactionActions        = 1 // Transaction.actions
	actionPayload             = 2 // TransactionAction.payload: ChaincodeActionPayload
	actionPayloadAction       = 2 // ChaincodeActionPayload.action: ChaincodeEndorsedAction
	endorsedProposalResponse  = 1 // ChaincodeEndorsedAction.proposal_response_payload
	proposalResponseExtension = 2 // ProposalResponsePayload.extension: ChaincodeAction
	chaincodeActionResults    = 1 // ChaincodeAction.results: TxReadWriteSet
	readWriteSetNamespaces    = 2 // TxReadWriteSet.ns_rwset
	namespaceName             = 1 // NsReadWriteSet.namespace
	namespaceReadWriteSet     = 2 // NsReadWriteSet.rwset: KVRWSet
	namespaceCollections      = 3 // NsReadWriteSet.collection_hashed_rwset
	collectionName            = 1 // CollectionHashedReadWriteSet.collection_name
	collectionHashedSet       = 2 // CollectionHashedReadWriteSet.hashed_rwset: HashedRWSet
	publicWrites              = 3 // KVRWSet.writes
	publicMetadataWrites      = 4 // KVRWSet.metadata_writes
	privateWrites             = 2 // HashedRWSet.hashed_writes
	privateMetadataWrites     = 3 // HashedRWSet.metadata_writes
	writeKey                  = 1 // KVWrite.key, KVWriteHash.key_hash, and those of metadata writes
)

// What is decoded, layer by layer.
var (
	transactionShape      = shapeOf(fabric.Reflect(&fabric.Transaction{}).Descriptor())
	actionPayloadShape    = shapeOf(fabric.Reflect(&fabric.ChaincodeActionPayload{}).Descriptor())
	proposalResponseShape = shapeOf(fabric.Reflect(&fabric.ProposalResponsePayload{}).Descriptor())
	chaincodeActionShape  = shapeOf(fabric.Reflect(&fabric.ChaincodeAction{}).Descriptor())
	readWriteSetShape     = shapeOf(fabric.Reflect(&fabric.TxReadWriteSet{}).Descriptor())
	publicShape           = shapeOf(fabric.Reflect(&fabric.KVRWSet{}).Descriptor())
	privateShape          = shapeOf(fabric.Reflect(&fabric.HashedRWSet{}).Descriptor())
)

// content is what a peer reads of an envelope that precedes a transaction in its block,
// whatever the header type of the envelope is.
type content struct {
	readable   bool // down to the results of its first action
	unendorsed bool // it has exactly one action, without an endorsed action: peers crash at it
	results    []byte
}

// contentOf reads the data of a payload as core/common/validation/statebased of the peer
// does, for extractDependenciesForTx. Where messages of Fabric 2 and 3 hold different
// things for the same bytes, a number in place of the endorsed action, it finds none.
func contentOf(data []byte) content {
	if !transactionShape.decodes(data) {
		return content{}
	}
	var first []byte
	actions := 0
	fields(data, func(number protowire.Number, value []byte) {
		if number == transactionActions {
			if actions == 0 {
				first = value
			}
			actions++
		}
	})
	payload := lastOf(first, actionPayload)
	if actions == 0 || !actionPayloadShape.decodes(payload) {
		return content{}
	}
	endorsed, found := endorsedAction(payload)
	if !found {
		return content{unendorsed: actions == 1}
	}
	response := lastOf(endorsed, endorsedProposalResponse)
	if !proposalResponseShape.decodes(response) {
		return content{}
	}
	action := lastOf(response, proposalResponseExtension)
	if !chaincodeActionShape.decodes(action) {
		return content{}
	}
	return content{readable: true, results: lastOf(action, chaincodeActionResults)}
}

// endorsedAction returns the endorsed action of a ChaincodeActionPayload, and whether it has one. Of several a decoder
// makes one, as of their bytes in sequence.
func endorsedAction(payload []byte) (endorsed []byte, found bool) {
	fields(payload, func(number protowire.Number, value []byte) {
		switch {
		case number != actionPayloadAction:
		case !found:
			endorsed, found = value[:len(value):len(value)], true
		default:
			endorsed = append(endorsed, value...)
		}
	})
	return endorsed, found
}

// keys are those that a read-write set writes, and those whose endorsement policy it sets,
// which are among the former.
type keys struct{ written, policies []machine.StateKey }

// keysOf returns no keys if any part of the read-write set does not decode.
func keysOf(results []byte) (k keys) {
	if !readWriteSetShape.decodes(results) {
		return keys{}
	}
	ok := true
	fields(results, func(number protowire.Number, value []byte) {
		if number == readWriteSetNamespaces {
			ok = k.ofNamespace(value) && ok
		}
	})
	if !ok {
		return keys{}
	}
	return k
}

func (k *keys) ofNamespace(ns []byte) bool {
	name := lastOf(ns, namespaceName)
	ok := k.ofSet(lastOf(ns, namespaceReadWriteSet), publicShape, publicWrites, publicMetadataWrites, keyIn(name, nil))
	fields(ns, func(number protowire.Number, c []byte) {
		if number == namespaceCollections {
			ok = k.ofSet(lastOf(c, collectionHashedSet), privateShape, privateWrites, privateMetadataWrites, keyIn(name, lastOf(c, collectionName))) && ok
		}
	})
	return ok
}

func (k *keys) ofSet(set []byte, s *shape, writes, metadata protowire.Number, in xxhash.Digest) bool {
	if !s.decodes(set) {
		return false
	}
	fields(set, func(number protowire.Number, write []byte) {
		if number != writes && number != metadata {
			return
		}
		key := in
		_, _ = key.Write(lastOf(write, writeKey)) // it cannot fail
		k.written = append(k.written, machine.StateKey(key.Sum64()))
		if number == metadata {
			k.policies = append(k.policies, machine.StateKey(key.Sum64()))
		}
	})
	return true
}

// keyIn begins a key of a namespace or of one of its collections. Two keys of one hash cost
// a block more, and nothing else.
func keyIn(namespace, collection []byte) (d xxhash.Digest) {
	d.Reset()
	var size [8]byte
	for _, part := range [][]byte{namespace, collection} {
		binary.BigEndian.PutUint64(size[:], uint64(len(part)))
		_, _ = d.Write(size[:]) // it cannot fail
		_, _ = d.Write(part)
	}
	return d
}
