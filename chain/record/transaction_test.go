package record

import (
	"bytes"
	"crypto/sha256"
	"reflect"
	"testing"

	cb "github.com/hyperledger/fabric-protos-go/common"
	"github.com/hyperledger/fabric-protos-go/ledger/rwset"
	"github.com/hyperledger/fabric-protos-go/ledger/rwset/kvrwset"
	pb "github.com/hyperledger/fabric-protos-go/peer"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/dynamicpb"

	"github.com/fabric-kafka/orderer/chain/fabric"
	"github.com/fabric-kafka/orderer/chain/machine"
)

func marshal(m fabric.Message) []byte {
	b, err := fabric.Marshal(m)
	if err != nil {
		panic(err)
	}
	return b
}

// layered returns the data of a transaction with those results.
func layered(results []byte) []byte {
	response := &pb.ProposalResponsePayload{ProposalHash: []byte("hash"), Extension: marshal(&pb.ChaincodeAction{
		Results: results, ChaincodeId: &pb.ChaincodeID{Name: "cc"}, Response: &pb.Response{Status: 200, Message: "ok"},
	})}
	action := &pb.ChaincodeActionPayload{ChaincodeProposalPayload: []byte("input"), Action: &pb.ChaincodeEndorsedAction{
		ProposalResponsePayload: marshal(response), Endorsements: []*pb.Endorsement{{Endorser: []byte("me"), Signature: []byte("s")}},
	}}
	return marshal(&pb.Transaction{Actions: []*pb.TransactionAction{{Header: []byte("header"), Payload: marshal(action)}}})
}

func hashOf(key string) []byte {
	sum := sha256.Sum256([]byte(key))
	return sum[:]
}

// written returns a read-write set with each kind of write.
func written(namespaces ...string) []byte {
	set := &rwset.TxReadWriteSet{}
	for _, ns := range namespaces {
		set.NsRwset = append(set.NsRwset, &rwset.NsReadWriteSet{Namespace: ns,
			Rwset: marshal(&kvrwset.KVRWSet{
				Reads:          []*kvrwset.KVRead{{Key: "r", Version: &kvrwset.Version{BlockNum: 1, TxNum: 300}}},
				Writes:         []*kvrwset.KVWrite{{Key: "w", Value: []byte("v")}, {Key: "d", IsDelete: true}},
				MetadataWrites: []*kvrwset.KVMetadataWrite{{Key: "m", Entries: []*kvrwset.KVMetadataEntry{{Name: "n", Value: []byte("v")}}}},
			}),
			CollectionHashedRwset: []*rwset.CollectionHashedReadWriteSet{{CollectionName: "col", HashedRwset: marshal(&kvrwset.HashedRWSet{
				HashedReads:    []*kvrwset.KVReadHash{{KeyHash: hashOf("r")}},
				HashedWrites:   []*kvrwset.KVWriteHash{{KeyHash: hashOf("w")}},
				MetadataWrites: []*kvrwset.KVMetadataWriteHash{{KeyHash: hashOf("m")}},
			})}},
		})
	}
	return marshal(set)
}

// decoded is contentOf by Fabric's decoders.
func decoded(data []byte) (c content) {
	tx, payload, response, action := &pb.Transaction{}, &pb.ChaincodeActionPayload{}, &pb.ProposalResponsePayload{}, &pb.ChaincodeAction{}
	if fabric.Unmarshal(data, tx) != nil || len(tx.Actions) == 0 || fabric.Unmarshal(tx.Actions[0].Payload, payload) != nil {
		return c
	}
	if !endorsedIn(tx.Actions[0].Payload) {
		return content{unendorsed: len(tx.Actions) == 1}
	}
	if fabric.Unmarshal(payload.Action.ProposalResponsePayload, response) != nil || fabric.Unmarshal(response.Extension, action) != nil {
		return c
	}
	return content{readable: true, chaincode: []byte(action.ChaincodeId.GetName()), results: action.Results}
}

// endorsedIn reports whether there is an endorsed action. Where the bytes have a number instead of
// it, the messages of Fabric 3 have none, as here, and older ones an empty one.
func endorsedIn(payload []byte) bool {
	message := fabric.Reflect(&pb.ChaincodeActionPayload{}).Descriptor()
	m := dynamicpb.NewMessage(message)
	return proto.Unmarshal(payload, m) == nil && m.Has(message.Fields().ByName("action"))
}

func keyOf(namespace, collection, name []byte) machine.StateKey {
	d := keyIn(namespace, collection)
	_, _ = d.Write(name)
	return machine.StateKey(d.Sum64())
}

// keysDecoded is [writes.read] by Fabric's decoders.
func keysDecoded(results []byte) (k keys) {
	set := &rwset.TxReadWriteSet{}
	if fabric.Unmarshal(results, set) != nil {
		return keys{}
	}
	add := func(policy bool, ns, collection, name []byte) {
		k.written = with(k.written, keyOf(ns, collection, name))
		if policy {
			k.policies = with(k.policies, keyOf(ns, collection, name))
		}
	}
	for _, ns := range set.NsRwset {
		public := &kvrwset.KVRWSet{}
		if fabric.Unmarshal(ns.Rwset, public) != nil {
			return keys{}
		}
		for _, w := range public.Writes {
			add(false, []byte(ns.Namespace), nil, []byte(w.Key))
		}
		for _, w := range public.MetadataWrites {
			add(true, []byte(ns.Namespace), nil, []byte(w.Key))
		}
		for _, c := range ns.CollectionHashedRwset {
			private := &kvrwset.HashedRWSet{}
			if fabric.Unmarshal(c.HashedRwset, private) != nil {
				return keys{}
			}
			for _, w := range private.HashedWrites {
				add(false, []byte(ns.Namespace), []byte(c.CollectionName), w.KeyHash)
			}
			for _, w := range private.MetadataWrites {
				add(true, []byte(ns.Namespace), []byte(c.CollectionName), w.KeyHash)
			}
		}
	}
	return k
}

// shapes returns transactions, and data that is not one, as no encoder writes them.
func shapes() map[string][]byte {
	field := func(number protowire.Number, value []byte) []byte {
		return protowire.AppendBytes(protowire.AppendTag(nil, number, protowire.BytesType), value)
	}
	whole := layered(written("cc", "other"))
	endorsed := marshal(&pb.ChaincodeEndorsedAction{ProposalResponsePayload: marshal(&pb.ProposalResponsePayload{Extension: marshal(&pb.ChaincodeAction{Results: written("cc")})})})
	action := func(payload []byte) []byte { return field(1, field(2, payload)) }
	return map[string][]byte{
		"whole":                           whole,
		"no data":                         nil,
		"text":                            []byte("some text"),
		"no payload":                      field(1, nil),
		"no endorsed action":              action(nil),
		"no endorsed action, twice":       slicesOf(action(nil), action(nil)),
		"an empty endorsed action":        action(field(2, nil)),
		"an endorsed action in parts":     action(slicesOf(field(2, endorsed), field(2, marshal(&pb.ChaincodeEndorsedAction{Endorsements: []*pb.Endorsement{{}}})))),
		"the endorsed action is a number": action(protowire.AppendVarint(protowire.AppendTag(nil, 2, protowire.VarintType), 5)),
		"the last response counts":        action(slicesOf(field(2, field(1, []byte{0xff})), field(2, endorsed))),
		"the last payload counts":         field(1, slicesOf(field(2, []byte{0xff}), field(2, field(2, endorsed)))),
		"the first action counts":         slicesOf(action([]byte{0xff}), whole),
		"a later action is bad":           slicesOf(whole, field(1, []byte{0xff})),
		"a chaincode id in parts":         action(field(2, field(1, field(2, slicesOf(field(4, field(2, []byte("a"))), field(4, field(2, []byte("cc")))))))),
		"an endorsement is bad":           action(field(2, slicesOf(endorsed, field(2, []byte{0xff})))),
		"actions is a number":             slicesOf(protowire.AppendVarint(protowire.AppendTag(nil, 1, protowire.VarintType), 5), whole),
		"a field that is unknown":         slicesOf(whole, field(99, []byte{0xff})),
		"a field of no valid number":      slicesOf(whole, []byte{0xc9, 0xc9, 0xc9, 0xc9, 0x30, 0, 0, 0, 0, 0, 0, 0, 0}),
		"a group that does not end":       slicesOf(whole, protowire.AppendTag(nil, 9, protowire.StartGroupType)),
		"a name that is not UTF-8":        layered(field(2, slicesOf(field(1, []byte{0xff}), field(2, nil)))),
		"a message that is not UTF-8":     action(field(2, field(1, field(2, field(3, field(2, []byte{0xff})))))),
		"a bad namespace":                 layered(slicesOf(written("cc"), field(2, field(2, []byte{0xff})))),
		"a bad collection":                layered(slicesOf(written("cc"), field(2, field(3, field(2, []byte{0xff}))))),
		"results of a message":            layered([]byte("no read-write set")),
	}
}

func slicesOf(parts ...[]byte) []byte { return bytes.Join(parts, nil) }

// Reading in place gives what decoders give.
func TestReadsTransactionsAsDecodersDo(t *testing.T) {
	seen := map[bool]int{}
	for name, data := range shapes() {
		t.Run(name, func(t *testing.T) { seen[sameAsDecoded(t, data)]++ })
	}
	if seen[true] < 5 || seen[false] < 5 {
		t.Errorf("%d are readable, %d are not: too few", seen[true], seen[false])
	}
}

func sameAsDecoded(t *testing.T, data []byte) (readable bool) {
	t.Helper()
	got, want := contentOf(data), decoded(data)
	if got.readable != want.readable || got.unendorsed != want.unendorsed || !bytes.Equal(got.results, want.results) || !bytes.Equal(got.chaincode, want.chaincode) {
		t.Fatalf("%x: %+v, want %+v", data, got, want)
	}
	read, keys := writes{}.read(got.results), keysDecoded(got.results)
	if !reflect.DeepEqual(read.keys, keys) {
		t.Fatalf("%x: keys %v, want %v", data, read.keys, keys)
	}
	if keyless := (writes{keyless: true}).read(got.results); keyless.flaw != read.flaw || keyless.written != nil {
		t.Fatalf("%x: without keys it has flaw %q and keys %v, with them %q", data, keyless.flaw, keyless.keys, read.flaw)
	}
	return got.readable
}

// FuzzTransaction compares reading in place with decoding.
func FuzzTransaction(f *testing.F) {
	for _, data := range shapes() {
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) { sameAsDecoded(t, data) })
}

func TestKeysOfDifferentNamespacesDiffer(t *testing.T) {
	all := map[machine.StateKey]string{}
	for name, parts := range map[string][3]string{
		"ns": {"a", "", "b"}, "moved": {"ab", "", ""}, "key": {"", "", "ab"}, "collection": {"a", "b", ""}, "other": {"a", "", "c"},
	} {
		key := keyOf([]byte(parts[0]), []byte(parts[1]), []byte(parts[2]))
		if same, ok := all[key]; ok {
			t.Errorf("%s and %s are one key", name, same)
		}
		all[key] = name
	}
}

// Header type and data determine what an envelope is to its neighbors in a block.
func TestOpaque(t *testing.T) {
	for name, c := range map[string]struct {
		headerType cb.HeaderType
		data       []byte
		opaque     bool
		policies   int
	}{
		"a transaction":              {cb.HeaderType_ENDORSER_TRANSACTION, layered(written("cc")), false, 2},
		"one without results":        {cb.HeaderType_ENDORSER_TRANSACTION, layered(nil), false, 0},
		"one that cannot be read":    {cb.HeaderType_ENDORSER_TRANSACTION, []byte("text"), true, 0},
		"a message":                  {cb.HeaderType_MESSAGE, []byte("text"), true, 0},
		"a transaction as a message": {cb.HeaderType_MESSAGE, layered(written("cc")), true, 0},
	} {
		t.Run(name, func(t *testing.T) {
			e := EnvelopeOf(marshal(&fabric.Envelope{Signature: []byte("s"), Payload: marshal(&fabric.Payload{Data: c.data, Header: &fabric.Header{
				ChannelHeader: marshal(&fabric.ChannelHeader{Type: int32(c.headerType), ChannelId: "ch"}),
			}})}))
			if e.Flaw+e.HeaderFlaw+e.SignerFlaw != "" || e.Opaque != c.opaque || len(e.Policies) != c.policies {
				t.Errorf("%+v", e)
			}
		})
	}
}

func BenchmarkEnvelopeOfTransaction(b *testing.B) {
	e := marshal(&fabric.Envelope{Signature: make([]byte, 70), Payload: marshal(&fabric.Payload{Data: layered(written("cc", "other")), Header: &fabric.Header{
		ChannelHeader: marshal(&fabric.ChannelHeader{Type: 3, ChannelId: "ch"}), SignatureHeader: make([]byte, 0, 900),
	}})})
	b.ReportAllocs()
	for b.Loop() {
		EnvelopeOf(e)
	}
}
