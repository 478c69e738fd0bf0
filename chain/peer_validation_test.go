package chain

import (
	"slices"
	"strings"
	"testing"

	cb "github.com/hyperledger/fabric-protos-go/common"
	"github.com/hyperledger/fabric-protos-go/ledger/rwset"
	"github.com/hyperledger/fabric-protos-go/ledger/rwset/kvrwset"
	pb "github.com/hyperledger/fabric-protos-go/peer"
	"github.com/hyperledger/fabric/protoutil"

	"github.com/fabric-kafka/orderer/chain/fabric"
	"github.com/fabric-kafka/orderer/chain/fabrictest"
	"github.com/fabric-kafka/orderer/chain/guard"
	"github.com/fabric-kafka/orderer/chain/machine"
	"github.com/fabric-kafka/orderer/chain/record"
)

// transacted returns an endorser transaction of a client, changed before it is signed;
// change may be nil.
func (r *real) transacted(change func(*cb.Payload, *pb.Transaction, *pb.ChaincodeActionPayload)) *fabric.Envelope {
	payload, tx, action := &cb.Payload{}, &pb.Transaction{}, &pb.ChaincodeActionPayload{}
	for _, err := range []error{
		fabric.Unmarshal(transaction(r.net), payload), fabric.Unmarshal(payload.Data, tx), fabric.Unmarshal(tx.Actions[0].Payload, action),
	} {
		if err != nil {
			r.Fatal(err)
		}
	}
	if change != nil {
		change(payload, tx, action)
	}
	if len(tx.Actions) > 0 {
		tx.Actions[0].Payload = protoutil.MarshalOrPanic(action)
	}
	payload.Data = protoutil.MarshalOrPanic(tx)
	return r.net.Client.Envelope(protoutil.MarshalOrPanic(payload))
}

// survives returns how a peer flags a transaction, and an error if the peer would crash.
func (r *real) survives(e *fabric.Envelope) (code pb.TxValidationCode, err error) {
	err = guard.Call(func() error { code = r.validates(protoutil.MarshalOrPanic(e)); return nil })
	return code, err
}

// A transaction on which every peer crashes, or for which peers refuse the block that it
// is in, gets into no block; one that they flag is its client's concern.
func TestTransactionsThatStopPeers(t *testing.T) {
	type change = func(*cb.Payload, *pb.Transaction, *pb.ChaincodeActionPayload)
	for name, c := range map[string]struct {
		change
		signed  bool
		ordered bool
	}{
		"as it was":    {func(*cb.Payload, *pb.Transaction, *pb.ChaincodeActionPayload) {}, true, true},
		"no signature": {func(*cb.Payload, *pb.Transaction, *pb.ChaincodeActionPayload) {}, false, false},
		"no action":    {func(_ *cb.Payload, tx *pb.Transaction, _ *pb.ChaincodeActionPayload) { tx.Actions = nil }, true, true},
		"two actions": {func(_ *cb.Payload, tx *pb.Transaction, _ *pb.ChaincodeActionPayload) {
			tx.Actions = append(tx.Actions, tx.Actions[0])
		}, true, true},
		"an unendorsed action": {func(_ *cb.Payload, _ *pb.Transaction, a *pb.ChaincodeActionPayload) { a.Action = nil }, true, false},
		"an empty endorsement": {func(_ *cb.Payload, _ *pb.Transaction, a *pb.ChaincodeActionPayload) {
			a.Action = &pb.ChaincodeEndorsedAction{}
		}, true, true},
		"an empty proposal":   {func(_ *cb.Payload, _ *pb.Transaction, a *pb.ChaincodeActionPayload) { a.ChaincodeProposalPayload = nil }, true, true},
		"no header":           {func(p *cb.Payload, _ *pb.Transaction, _ *pb.ChaincodeActionPayload) { p.Header = nil }, true, false},
		"no signature header": {func(p *cb.Payload, _ *pb.Transaction, _ *pb.ChaincodeActionPayload) { p.Header.SignatureHeader = nil }, true, true},
		"a bad signature header": {func(p *cb.Payload, _ *pb.Transaction, _ *pb.ChaincodeActionPayload) {
			p.Header.SignatureHeader = []byte{0xff}
		}, true, false},
	} {
		t.Run(name, func(t *testing.T) {
			r := newReal(t, fabrictest.NewNetwork(nil))
			e := r.transacted(c.change)
			if !c.signed {
				e.Signature = nil
			}
			block := r.chain.support.CreateNextBlock([]*fabric.Envelope{e})
			code, died := r.survives(e)
			if bad := wellFormed(block); c.ordered && (died != nil || bad != nil) {
				t.Errorf("a peer: flags it %s, %v; block: %v", code, died, bad)
			}
			if got := r.orders(e); got != c.ordered {
				t.Errorf("in a block by the strict rules: %t", got)
			}
			if refused := refusedFor(e) != ""; refused == c.ordered {
				t.Errorf("the client is answered: %s", refusedFor(e))
			}
		})
	}
}

// orders reports whether the strict rules put an envelope in a block.
func (r *real) orders(e *fabric.Envelope) bool { return written(r.taken(machine.Strict, r.value(e))) }

// refusedFor returns why a client's envelope is refused at Order because of what peers do; empty if it is not.
func refusedFor(e *fabric.Envelope) string {
	_, flaw := record.OfEnvelope(e, 0, machine.Normal)
	return flaw
}

// Peers look up the names and keys of a transaction that nobody endorsed: those that CouchDB
// refuses get into no block, and those that a chaincode can have do.
func TestNamesThatStopPeers(t *testing.T) {
	long := strings.Repeat("a", 9000)
	for name, c := range map[string]struct {
		set
		stops, refused bool
	}{
		"a chaincode":                            {set{}, false, false},
		"another namespace":                      {set{namespace: "other"}, false, false},
		"the lifecycle":                          {set{namespace: "_lifecycle"}, false, false},
		"an unknown chaincode":                   {set{chaincode: "a-b_c9"}, false, false},
		"a chaincode of Fabric 1.0":              {set{chaincode: "a__b"}, false, false},
		"another of Fabric 1.0":                  {set{chaincode: "-a--b_"}, false, false},
		"no chaincode":                           {set{chaincode: "-"}, false, false},
		"a chaincode that begins with _":         {set{chaincode: "_x"}, true, true},
		"a chaincode of another language's name": {set{chaincode: "é"}, false, true},
		"a long chaincode":                       {set{chaincode: long}, true, true},
		"a namespace that begins with _":         {set{namespace: "_x"}, true, true},
		"no namespace":                           {set{namespace: "-"}, true, true},
		"a long namespace":                       {set{namespace: long}, true, true},
		"a namespace that is only read":          {set{namespace: "_x", readOnly: true}, false, false},
		"a key":                                  {set{key: "a key/é"}, false, false},
		"no key":                                 {set{key: "-"}, true, false},
		"the policy of no key":                   {set{key: "-", policy: true}, true, false},
		"a key hash":                             {set{collection: "c_1"}, false, false},
		"an implicit collection":                 {set{collection: "_implicit_org_Org1MSP"}, false, false},
		"no key hash":                            {set{collection: "c", key: "-"}, true, true},
		"the policy of no key hash":              {set{collection: "c", key: "-", policy: true}, true, true},
		"a key hash of the wrong size":           {set{collection: "c", hash: []byte("hash")}, false, true},
		"a long key hash":                        {set{collection: "c", hash: []byte(long)}, true, true},
		"a collection with an invalid name":      {set{collection: "a collection"}, true, true},
		"a collection without a name":            {set{collection: "-"}, true, true},
		"a key that only LevelDB has":            {set{key: "_k"}, true, false},
	} {
		t.Run(name, func(t *testing.T) {
			r := newReal(t, fabrictest.NewNetwork(nil))
			e := r.transacted(c.change())
			stopped := r.outcome(t, r.chain.support.CreateNextBlock([]*fabric.Envelope{e}))
			if (stopped != nil) != c.stops {
				t.Errorf("a peer: %v", stopped)
			}
			if r.orders(e) == c.refused {
				t.Errorf("in a block by the strict rules: %t", !c.refused)
			}
			if why := refusedFor(e); (why != "") != c.refused {
				t.Errorf("the client is answered: %q", why)
			}
		})
	}
}

// set is what a transaction writes; "-" stands for an empty name.
type set struct {
	chaincode, namespace, collection, key string
	hash                                  []byte
	policy, readOnly                      bool
}

func (w set) change() func(*cb.Payload, *pb.Transaction, *pb.ChaincodeActionPayload) {
	or := func(s, otherwise string) string {
		switch s {
		case "":
			return otherwise
		case "-":
			return ""
		}
		return s
	}
	id := &pb.ChaincodeID{Name: or(w.chaincode, "cc"), Version: "1"}
	key, public, private := or(w.key, "k"), &kvrwset.KVRWSet{}, &kvrwset.HashedRWSet{}
	hash := w.hash
	if hash == nil && key != "" {
		hash = hashOf(key)
	}
	switch {
	case w.readOnly:
		public.Reads = []*kvrwset.KVRead{{Key: key}}
	case w.collection == "" && w.policy:
		public.MetadataWrites = []*kvrwset.KVMetadataWrite{{Key: key}}
	case w.collection == "":
		public.Writes = []*kvrwset.KVWrite{{Key: key}}
	case w.policy:
		private.MetadataWrites = []*kvrwset.KVMetadataWriteHash{{KeyHash: hash}}
	default:
		private.HashedWrites = []*kvrwset.KVWriteHash{{KeyHash: hash}}
	}
	ns := &rwset.NsReadWriteSet{Namespace: or(w.namespace, "cc"), Rwset: protoutil.MarshalOrPanic(public)}
	if w.collection != "" {
		ns.CollectionHashedRwset = []*rwset.CollectionHashedReadWriteSet{{
			CollectionName: or(w.collection, ""), HashedRwset: protoutil.MarshalOrPanic(private),
		}}
	}
	return func(p *cb.Payload, tx *pb.Transaction, a *pb.ChaincodeActionPayload) {
		withExtension(protoutil.MarshalOrPanic(&pb.ChaincodeAction{
			ChaincodeId: id, Results: protoutil.MarshalOrPanic(&rwset.TxReadWriteSet{NsRwset: []*rwset.NsReadWriteSet{ns}}),
		}))(p, tx, a)
		header := &cb.ChannelHeader{}
		if err := fabric.Unmarshal(p.Header.ChannelHeader, header); err != nil {
			panic(err)
		}
		header.Extension = protoutil.MarshalOrPanic(&pb.ChaincodeHeaderExtension{ChaincodeId: id})
		p.Header.ChannelHeader = protoutil.MarshalOrPanic(header)
		response := &pb.ProposalResponsePayload{}
		if err := fabric.Unmarshal(a.Action.ProposalResponsePayload, response); err != nil {
			panic(err)
		}
		hash, err := protoutil.GetProposalHash2(p.Header, a.ChaincodeProposalPayload)
		if err != nil {
			panic(err)
		}
		response.ProposalHash = hash
		a.Action.ProposalResponsePayload = protoutil.MarshalOrPanic(response)
	}
}

// written reports whether steps lead to a block.
func written(steps []step) bool {
	return slices.ContainsFunc(steps, func(s step) bool { return isWrite(s.effect) })
}

func isWrite(e machine.Effect) bool {
	switch e.(type) {
	case machine.WriteBlock, machine.WriteConfigBlock:
		return true
	}
	return false
}

// This crashes a peer of the release in go.mod. If that were fixed there, the rule could
// go.
func TestUnendorsedActionCrashesAPeer(t *testing.T) {
	r := newReal(t, fabrictest.NewNetwork(nil))
	e := r.transacted(func(_ *cb.Payload, _ *pb.Transaction, a *pb.ChaincodeActionPayload) { a.Action = nil })
	if code, died := r.survives(e); died == nil {
		t.Errorf("it flags it %s", code)
	}
}
