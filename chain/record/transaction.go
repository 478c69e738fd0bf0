package record

import (
	"encoding/binary"

	"github.com/cespare/xxhash/v2"
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/fabric-kafka/orderer/chain/fabric"
	"github.com/fabric-kafka/orderer/chain/machine"
)

// The field numbers of Fabric's protos for the layers of a chaincode transaction, from the
// outside in. Each layer is serialized in a bytes field of the one around it.
const (
	transactionActions        = 1 // Transaction.actions
	actionPayload             = 2 // TransactionAction.payload: ChaincodeActionPayload
	actionPayloadAction       = 2 // ChaincodeActionPayload.action: ChaincodeEndorsedAction
	endorsedProposalResponse  = 1 // ChaincodeEndorsedAction.proposal_response_payload
	proposalResponseExtension = 2 // ProposalResponsePayload.extension: ChaincodeAction
	chaincodeActionResults    = 1 // ChaincodeAction.results: TxReadWriteSet
	chaincodeActionID         = 4 // ChaincodeAction.chaincode_id: ChaincodeID
	chaincodeIDName           = 2 // ChaincodeID.name
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

// The shapes of what is decoded, layer by layer.
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
	unendorsed bool // it has exactly one action, without an endorsed action: peers crash on it
	chaincode  []byte
	results    []byte
}

// contentOf reads the data of a payload as core/common/validation/statebased of the peer
// does, for extractDependenciesForTx. Where the messages of Fabric 2 and 3 differ for the
// same bytes (a number instead of the endorsed action), it finds none.
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
	endorsed, found := messageIn(payload, actionPayloadAction)
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
	id, _ := messageIn(action, chaincodeActionID)
	return content{readable: true, chaincode: lastOf(id, chaincodeIDName), results: lastOf(action, chaincodeActionResults)}
}

// keys are those that a read-write set writes, and those whose endorsement policy it sets,
// which are among the former.
type keys struct{ written, policies []machine.StateKey }

// writes is what is read from a read-write set.
type writes struct {
	keys
	keyless bool   // no keys are needed
	flaw    string // the first one of a name or key
}

// read returns w filled from a read-write set; empty if any part of the set does not decode, since peers flag its
// transaction before they look at what it writes.
func (w writes) read(results []byte) writes {
	none := w
	if !readWriteSetShape.decodes(results) {
		return none
	}
	ok := true
	fields(results, func(number protowire.Number, value []byte) {
		if number == readWriteSetNamespaces {
			ok = w.ofNamespace(value) && ok
		}
	})
	if !ok {
		return none
	}
	return w
}

func (w *writes) ofNamespace(ns []byte) bool {
	name := lastOf(ns, namespaceName)
	in := part{namespace: name, public: true, shape: publicShape, writes: publicWrites, metadata: publicMetadataWrites}
	ok := w.ofSet(lastOf(ns, namespaceReadWriteSet), in)
	fields(ns, func(number protowire.Number, c []byte) {
		if number == namespaceCollections {
			in := part{namespace: name, collection: lastOf(c, collectionName), shape: privateShape, writes: privateWrites, metadata: privateMetadataWrites}
			ok = w.ofSet(lastOf(c, collectionHashedSet), in) && ok
		}
	})
	return ok
}

// part is the public part of a namespace, or one of its collections, and the fields of its set.
type part struct {
	namespace, collection []byte
	public                bool
	shape                 *shape
	writes, metadata      protowire.Number
}

func (w *writes) ofSet(set []byte, in part) bool {
	if !in.shape.decodes(set) {
		return false
	}
	prefix, named := keyIn(in.namespace, in.collection), false
	fields(set, func(number protowire.Number, write []byte) {
		if number != in.writes && number != in.metadata {
			return
		}
		name := lastOf(write, writeKey)
		if !named {
			named = true
			w.note(in.nameFlaw())
		}
		w.note(in.keyFlaw(name))
		if w.keyless {
			return
		}
		key := prefix
		_, _ = key.Write(name) // it cannot fail
		w.written = with(w.written, machine.StateKey(key.Sum64()))
		if number == in.metadata {
			w.policies = with(w.policies, machine.StateKey(key.Sum64()))
		}
	})
	return true
}

func (w *writes) note(flaw string) {
	if w.flaw == "" {
		w.flaw = flaw
	}
}

// keyIn begins the hash of a key in a namespace or in one of its collections. A collision costs one
// more block, and nothing else.
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

// fewKeys is as many as most transactions write.
const fewKeys = 8

// with adds a key, unless it is the last one: two bytes of a read-write set can write an empty key again.
func with(all []machine.StateKey, key machine.StateKey) []machine.StateKey {
	if n := len(all); n > 0 && all[n-1] == key {
		return all
	}
	if all == nil {
		all = make([]machine.StateKey, 0, fewKeys)
	}
	return append(all, key)
}
