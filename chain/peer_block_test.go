package chain

import (
	"bytes"
	"crypto/sha256"
	"strings"
	"testing"

	cb "github.com/hyperledger/fabric-protos-go/common"
	"github.com/hyperledger/fabric-protos-go/ledger/rwset"
	"github.com/hyperledger/fabric-protos-go/ledger/rwset/kvrwset"
	pb "github.com/hyperledger/fabric-protos-go/peer"
	"github.com/hyperledger/fabric/protoutil"

	"github.com/fabric-kafka/orderer/chain/fabric"
	"github.com/fabric-kafka/orderer/chain/fabrictest"
	"github.com/fabric-kafka/orderer/chain/machine"
	"github.com/fabric-kafka/orderer/chain/record"
)

func hashOf(key string) []byte {
	sum := sha256.Sum256([]byte(key))
	return sum[:]
}

// results returns a read-write set of chaincode "cc": public keys that are written, and keys
// whose endorsement policy is set; those that begin with # are of a private collection.
func results(writes, sets []string) []byte {
	public, private := &kvrwset.KVRWSet{}, &kvrwset.HashedRWSet{}
	for _, key := range writes {
		if strings.HasPrefix(key, "#") {
			private.HashedWrites = append(private.HashedWrites, &kvrwset.KVWriteHash{KeyHash: hashOf(key)})
			continue
		}
		public.Writes = append(public.Writes, &kvrwset.KVWrite{Key: key, Value: []byte("value")})
	}
	for _, key := range sets {
		if strings.HasPrefix(key, "#") {
			private.MetadataWrites = append(private.MetadataWrites, &kvrwset.KVMetadataWriteHash{KeyHash: hashOf(key)})
			continue
		}
		public.MetadataWrites = append(public.MetadataWrites, &kvrwset.KVMetadataWrite{Key: key})
	}
	return protoutil.MarshalOrPanic(&rwset.TxReadWriteSet{NsRwset: []*rwset.NsReadWriteSet{{
		Namespace: "cc",
		Rwset:     protoutil.MarshalOrPanic(public),
		CollectionHashedRwset: []*rwset.CollectionHashedReadWriteSet{{
			CollectionName: "collection", HashedRwset: protoutil.MarshalOrPanic(private),
		}},
	}}})
}

// withExtension replaces what a transaction's endorsers have signed; its proposal stays.
func withExtension(extension []byte) func(*cb.Payload, *pb.Transaction, *pb.ChaincodeActionPayload) {
	return func(_ *cb.Payload, _ *pb.Transaction, a *pb.ChaincodeActionPayload) {
		response := &pb.ProposalResponsePayload{}
		if err := fabric.Unmarshal(a.Action.ProposalResponsePayload, response); err != nil {
			panic(err)
		}
		response.Extension = extension
		a.Action.ProposalResponsePayload = protoutil.MarshalOrPanic(response)
	}
}

var chaincode = &pb.ChaincodeID{Name: "cc", Version: "1"}

func withResults(writes, sets []string) func(*cb.Payload, *pb.Transaction, *pb.ChaincodeActionPayload) {
	return withExtension(protoutil.MarshalOrPanic(&pb.ChaincodeAction{ChaincodeId: chaincode, Results: results(writes, sets)}))
}

// retyped returns an envelope with another header type and, if data is nil, the same data.
func (r *real) retyped(e *fabric.Envelope, headerType cb.HeaderType, data []byte) *fabric.Envelope {
	payload := protoutil.UnmarshalPayloadOrPanic(e.Payload)
	header, err := protoutil.UnmarshalChannelHeader(payload.Header.ChannelHeader)
	if err != nil {
		r.Fatal(err)
	}
	header.Type = int32(headerType)
	payload.Header.ChannelHeader = protoutil.MarshalOrPanic(header)
	if data != nil {
		payload.Data = data
	}
	return r.net.Client.Envelope(protoutil.MarshalOrPanic(payload))
}

// badTxID makes a transaction that peers flag before they look at what it writes.
func badTxID(p *cb.Payload) {
	header := &cb.ChannelHeader{}
	if err := fabric.Unmarshal(p.Header.ChannelHeader, header); err != nil {
		panic(err)
	}
	header.TxId = "another"
	p.Header.ChannelHeader = protoutil.MarshalOrPanic(header)
}

// neighbors returns envelopes of each kind that a peer reads ahead of a transaction in its
// block.
func (r *real) neighbors() map[string]*fabric.Envelope {
	type (
		action      = pb.ChaincodeActionPayload
		transaction = pb.Transaction
	)
	setsK := r.transacted(withResults(nil, []string{"k", "#k"}))
	flagged := func(writes, sets []string) *fabric.Envelope {
		return r.transacted(func(p *cb.Payload, tx *transaction, a *action) {
			withResults(writes, sets)(p, tx, a)
			badTxID(p)
		})
	}
	bad := []byte{0xff}
	return map[string]*fabric.Envelope{
		"a message without data":          r.retyped(setsK, cb.HeaderType_MESSAGE, []byte{}),
		"a message":                       r.retyped(setsK, cb.HeaderType_MESSAGE, []byte("\x07 text")),
		"a message that sets a policy":    r.retyped(setsK, cb.HeaderType_MESSAGE, nil),
		"another type that sets a policy": r.retyped(setsK, cb.HeaderType_CHAINCODE_PACKAGE, nil),
		"a transaction without data":      r.retyped(setsK, cb.HeaderType_ENDORSER_TRANSACTION, []byte{}),
		"a transaction of bad data":       r.retyped(setsK, cb.HeaderType_ENDORSER_TRANSACTION, bad),
		"two actions": r.transacted(func(p *cb.Payload, tx *transaction, a *action) {
			withResults([]string{"k"}, nil)(p, tx, a)
			tx.Actions = append(tx.Actions, tx.Actions[0])
		}),
		"a bad proposal response":          r.transacted(func(_ *cb.Payload, _ *transaction, a *action) { a.Action.ProposalResponsePayload = bad }),
		"bad endorsed results":             r.transacted(withExtension(bad)),
		"a bad read-write set":             r.transacted(withExtension(protoutil.MarshalOrPanic(&pb.ChaincodeAction{ChaincodeId: chaincode, Results: bad}))),
		"flagged, sets a policy":           flagged(nil, []string{"k"}),
		"flagged, sets a private policy":   flagged(nil, []string{"#k"}),
		"flagged, writes and sets another": flagged([]string{"l"}, []string{"m"}),
		"a message of no endorsed action":  r.retyped(setsK, cb.HeaderType_MESSAGE, protoutil.MarshalOrPanic(&transaction{Actions: []*pb.TransactionAction{{}}})),
		"valid, without results":           r.transacted(withExtension(protoutil.MarshalOrPanic(&pb.ChaincodeAction{ChaincodeId: chaincode}))),
		"valid, sets policies":             setsK,
		"valid, writes":                    r.transacted(withResults([]string{"k", "#k"}, nil)),
		"valid, writes and sets":           r.transacted(withResults([]string{"k"}, []string{"k"})),
		"valid, writes another":            r.transacted(withResults([]string{"l"}, nil)),
	}
}

// A block never has envelopes that together stop a peer: whatever two envelopes precede
// a transaction in the log, or follow it.
func TestNeighborsInABlock(t *testing.T) {
	r := newReal(t, fabrictest.NewNetwork(nil))
	all := r.neighbors()
	for nameOfFirst, first := range all {
		for nameOfSecond, second := range all {
			third := "valid, writes and sets"
			if nameOfFirst == nameOfSecond {
				third = "valid, without results"
			}
			ordered := []*fabric.Envelope{first, second, all[third]}
			blocks, in := r.ordered(ordered...), 0
			for _, b := range blocks {
				if err := r.outcome(t, b); err != nil {
					t.Errorf("%s; %s: a peer does not get past block %d of %d: %v", nameOfFirst, nameOfSecond, b.Header.Number, len(blocks), err)
				}
				for _, raw := range b.Data.Data {
					if in >= len(ordered) || !bytes.Equal(raw, protoutil.MarshalOrPanic(ordered[in])) {
						t.Fatalf("%s; %s: the blocks do not have the envelopes of the log in its order", nameOfFirst, nameOfSecond)
					}
					in++
				}
			}
			if in != len(ordered) {
				t.Errorf("%s; %s: %d envelopes are in blocks", nameOfFirst, nameOfSecond, in)
			}
		}
	}
}

// ordered returns the blocks that the strict rules cut of envelopes, three at most in each.
func (r *real) ordered(envelopes ...*fabric.Envelope) []*fabric.Block {
	var values [][]byte
	for _, e := range envelopes {
		values = append(values, r.value(e))
	}
	return r.cut(values...)
}

func (r *real) value(e *fabric.Envelope) []byte {
	value, err := record.Encode(record.NewRegular(protoutil.MarshalOrPanic(e), 1, record.Regular_NORMAL))
	if err != nil {
		r.Fatal(err)
	}
	return value
}

// cut returns the blocks that the strict rules cut of records that need no verdict.
func (r *real) cut(values ...[]byte) (blocks []*fabric.Block) {
	m := machine.New(machine.Start{
		Channel: fabrictest.ChannelID, Next: 1, Seq: 1,
		Limits:   machine.Limits{MaxMessageCount: 3, PreferredMaxBytes: 1 << 19, AbsoluteMaxBytes: 1 << 20},
		Metadata: machine.Metadata{Offset: -1, RuleSet: machine.Strict},
	})
	take := func(value []byte) {
		for _, e := range m.Step(record.InputOf(m.NextOffset(), value)) {
			if w, ok := e.(machine.WriteBlock); ok {
				b := protoutil.NewBlock(uint64(w.Number), nil)
				for _, e := range w.Envelopes {
					b.Data.Data = append(b.Data.Data, e.Bytes)
				}
				blocks = append(blocks, b)
			}
		}
	}
	for _, value := range values {
		if m.State().Awaits == machine.AwaitsNothing {
			take(value)
		}
	}
	if m.Pending() > 0 && m.State().Awaits == machine.AwaitsNothing {
		value, err := record.Encode(record.NewTimeToCut(uint64(m.Timer())))
		if err != nil {
			r.Fatal(err)
		}
		take(value)
	}
	return blocks
}

// These neighbors stop a peer of the release in go.mod. If that were fixed there, the rules
// that separate them could go.
func TestNeighborsStopAPeer(t *testing.T) {
	r := newReal(t, fabrictest.NewNetwork(nil))
	all := r.neighbors()
	for name, want := range map[string]string{
		"a message without data":          "transaction 1: ",
		"a message":                       "transaction 1 waits without limit",
		"a message of no endorsed action": "transaction 1: ",
		"a message that sets a policy":    "transaction 1 waits without limit",
		"a transaction without data":      "transaction 1: ",
		"bad endorsed results":            "transaction 1 waits without limit",
		"flagged, sets a policy":          "transaction 1 waits without limit",
		"flagged, sets a private policy":  "transaction 1 waits without limit",
		"two actions":                     "",
		"valid, sets policies":            "",
	} {
		b := protoutil.NewBlock(7, nil)
		for _, e := range []*fabric.Envelope{all[name], all["valid, writes"]} {
			b.Data.Data = append(b.Data.Data, protoutil.MarshalOrPanic(e))
		}
		if err := r.outcome(t, b); (err == nil) != (want == "") || err != nil && !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s: %v, want %q", name, err, want)
		}
	}
}
