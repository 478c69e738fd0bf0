package block

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"slices"
	"strings"
	"testing"

	cb "github.com/hyperledger/fabric-protos-go/common"
	"github.com/hyperledger/fabric/common/policies"
	"github.com/hyperledger/fabric/msp"
	"github.com/hyperledger/fabric/protoutil"

	"github.com/fabric-kafka/orderer/chain/chaintest"
	"github.com/fabric-kafka/orderer/chain/fabric"
	"github.com/fabric-kafka/orderer/chain/fabrictest"
	"github.com/fabric-kafka/orderer/chain/machine"
	"github.com/fabric-kafka/orderer/chain/session"
)

// signer is the only orderer of a channel whose policy for blocks is its signature.
type signer struct {
	key ed25519.PrivateKey
}

func newSigner() signer {
	return signer{key: ed25519.NewKeyFromSeed(bytes.Repeat([]byte{7}, ed25519.SeedSize))}
}

func (s signer) PolicyManager() policies.Manager { return policyOf{s} }

type policyOf struct{ signer }

func (p policyOf) GetPolicy(string) (policies.Policy, bool)           { return p, true }
func (p policyOf) Manager([]string) (policies.Manager, bool)          { return nil, false }
func (p policyOf) EvaluateIdentities(identities []msp.Identity) error { return errors.New("not asked") }

func (p policyOf) EvaluateSignedData(set []*protoutil.SignedData) error {
	public := p.key.Public().(ed25519.PublicKey)
	for _, d := range set {
		if bytes.Equal(d.Identity, public) && ed25519.Verify(public, d.Data, d.Signature) {
			return nil
		}
	}
	return errors.New("no signature of the orderer's")
}

// block returns a block of two envelopes, signed as Fabric's block writer does.
func (s signer) block(position machine.Metadata) *fabric.Block {
	metadata, err := session.EncodeMetadata(position)
	if err != nil {
		panic(err)
	}
	b := protoutil.NewBlock(1, protoutil.BlockHeaderHash(protoutil.NewBlock(0, nil).Header))
	for _, text := range []string{"a", "b"} {
		b.Data.Data = append(b.Data.Data, protoutil.MarshalOrPanic(&fabric.Envelope{Payload: []byte(text), Signature: []byte("s" + text)}))
	}
	b.Header.DataHash = chaintest.DataHash(b.Data.Data)
	s.sign(b, protoutil.MarshalOrPanic(&cb.OrdererBlockMetadata{
		LastConfig:        &cb.LastConfig{},
		ConsenterMetadata: protoutil.MarshalOrPanic(&fabric.Metadata{Value: metadata}),
	}))
	return b
}

func (s signer) sign(b *fabric.Block, value []byte) {
	header := protoutil.MarshalOrPanic(&fabric.SignatureHeader{Creator: s.key.Public().(ed25519.PublicKey), Nonce: []byte("nonce")})
	signature := ed25519.Sign(s.key, slices.Concat(value, header, protoutil.BlockHeaderBytes(b.Header)))
	b.Metadata.Metadata[signaturesSlot] = protoutil.MarshalOrPanic(&fabric.Metadata{
		Value: value, Signatures: []*fabric.MetadataSignature{{SignatureHeader: header, Signature: signature}}})
}

// recut divides bytes at other places.
func recut(all [][]byte, cuts []byte) (pieces [][]byte) {
	rest := slices.Concat(all...)
	for _, n := range cuts {
		at := min(int(n), len(rest))
		pieces, rest = append(pieces, rest[:at]), rest[at:]
	}
	return append(pieces, rest)
}

// divisions returns a genuine block's slot with the signed bytes divided at every place between value and header.
func divisions(b *fabric.Block) (all [][]byte) {
	m := &fabric.Metadata{}
	if err := fabric.Unmarshal(b.Metadata.Metadata[signaturesSlot], m); err != nil {
		panic(err)
	}
	signed := slices.Concat(m.Value, m.Signatures[0].SignatureHeader)
	for n := range len(signed) + 1 {
		m.Value, m.Signatures[0].SignatureHeader = signed[:n:n], signed[n:]
		all = append(all, protoutil.MarshalOrPanic(m))
	}
	return all
}

var truth = machine.Metadata{Offset: 5, RuleSet: machine.Strict, Topic: "an id"}

// FuzzVerify verifies what an orderer or the network can send without a key: any bytes as the block's
// metadata, its envelopes divided differently. What is accepted reads as the signer wrote it.
func FuzzVerify(f *testing.F) {
	s := newSigner()
	genuine := s.block(truth)
	slot := genuine.Metadata.Metadata[signaturesSlot]
	forged, err := session.EncodeMetadata(machine.Metadata{Offset: 20, RuleSet: machine.Strict})
	if err != nil {
		f.Fatal(err)
	}
	orderer := protoutil.MarshalOrPanic(&fabric.Metadata{Value: forged})
	whole := []byte{byte(len(genuine.Data.Data[0]))}
	f.Add(slot, orderer, whole)
	for _, divided := range divisions(genuine) {
		f.Add(divided, orderer, whole)
	}
	for n := range byte(len(genuine.Data.Data[0])) {
		f.Add(slot, orderer, []byte{n})
		f.Add(slot, orderer, []byte{n, whole[0] - n})
	}
	f.Fuzz(func(t *testing.T, slot, orderer, cuts []byte) {
		b := protoutil.NewBlock(1, genuine.Header.PreviousHash)
		b.Header.DataHash = genuine.Header.DataHash
		b.Data.Data = recut(genuine.Data.Data, cuts)
		b.Metadata.Metadata[signaturesSlot], b.Metadata.Metadata[ordererSlot] = slot, orderer
		if Verify(s, 1, b) != nil {
			return
		}
		says(t, b, genuine)
	})
}

// says compares what is read of a block with what its signer wrote.
func says(t *testing.T, b, genuine *fabric.Block) {
	t.Helper()
	got, err := Decode(b)
	if err != nil {
		t.Fatalf("verified and not read: %v", err)
	}
	position, err := session.Position(2, got.Metadata)
	if err != nil || position != truth {
		t.Errorf("it names %+v, %v", position, err)
	}
	if !slices.EqualFunc(got.Envelopes, genuine.Data.Data, bytes.Equal) {
		t.Errorf("it holds %q", got.Envelopes)
	}
}

// Only the signer's division is accepted.
func TestVerifyAcceptsOneDivision(t *testing.T) {
	s := newSigner()
	genuine := s.block(truth)
	slot := genuine.Metadata.Metadata[signaturesSlot]
	accepted := 0
	for n, divided := range divisions(genuine) {
		b := s.block(truth)
		b.Metadata.Metadata[signaturesSlot] = divided
		if err := Verify(s, 1, b); err == nil {
			accepted++
			if !bytes.Equal(b.Metadata.Metadata[signaturesSlot], slot) {
				t.Errorf("accepted with a value of %d bytes", n)
			}
		}
	}
	if accepted != 1 {
		t.Errorf("%d divisions are accepted, want the signer's", accepted)
	}
	for n := range byte(20) {
		b := s.block(truth)
		b.Data.Data = recut(b.Data.Data, []byte{n})
		if err := Verify(s, 1, b); (err == nil) != (int(n) == len(genuine.Data.Data[0])) {
			t.Errorf("envelopes divided at %d: %v", n, err)
		}
	}
}

// An additional signature does no harm if it is well formed; the policy looks for those it needs.
func TestVerifyChecksEachSignature(t *testing.T) {
	s := newSigner()
	for says, header := range map[string][]byte{
		"": protoutil.MarshalOrPanic(&fabric.SignatureHeader{Creator: []byte("somebody else"), Nonce: []byte("n")}),
		"Metadata[SIGNATURES].Signatures[1].SignatureHeader has no creator": protoutil.MarshalOrPanic(&fabric.SignatureHeader{Nonce: []byte("n")}),
		"Metadata[SIGNATURES].Signatures[1].SignatureHeader has 6 bytes":    {0x0a, 1, 'a', 0x0a, 1, 'b'},
	} {
		b, m := s.block(truth), &fabric.Metadata{}
		if err := fabric.Unmarshal(b.Metadata.Metadata[signaturesSlot], m); err != nil {
			t.Fatal(err)
		}
		m.Signatures = append(m.Signatures, &fabric.MetadataSignature{SignatureHeader: header, Signature: []byte("x")})
		b.Metadata.Metadata[signaturesSlot] = protoutil.MarshalOrPanic(m)
		err := Verify(s, 1, b)
		if says == "" && err != nil || says != "" && (err == nil || !strings.Contains(err.Error(), says)) {
			t.Errorf("got %v, want %q", err, says)
		}
	}
}

// What a client puts in a transaction is not decoded here, and does not keep the block from being accepted.
func TestVerifyAcceptsWhatClientsNest(t *testing.T) {
	s := newSigner()
	b := s.block(truth)
	nested := fabrictest.Nest([]byte("a file, say"), 5000, 2)
	b.Data.Data[1] = protoutil.MarshalOrPanic(chaintest.EnvelopeOf("mychannel", fabric.TypeEndorser, nested))
	b.Header.DataHash = chaintest.DataHash(b.Data.Data)
	m := &fabric.Metadata{}
	if err := fabric.Unmarshal(b.Metadata.Metadata[signaturesSlot], m); err != nil {
		t.Fatal(err)
	}
	s.sign(b, m.Value)
	if err := Verify(s, 1, b); err != nil {
		t.Error(err)
	}
}

// The fields that envelopes without lengths between them are read from.
var (
	aPayload   = []byte{0x0a, 1, 'p'}
	aSignature = []byte{0x12, 1, 's'}
	anUnknown  = []byte{0x1a, 1, 'x'}
)

// sequences returns all sequences of up to n of the fields.
func sequences(n int) (all [][][]byte) {
	all = [][][]byte{nil}
	for begin := 0; n > 0; n-- {
		end := len(all)
		for _, s := range all[begin:end] {
			for _, f := range [][]byte{aPayload, aSignature, anUnknown} {
				all = append(all, append(slices.Clone(s), f))
			}
		}
		begin = end
	}
	return all[1:]
}

// groupings returns all ways to make envelopes of fields, in their order.
func groupings(fields [][]byte) (all [][][]byte) {
	if len(fields) == 0 {
		return [][][]byte{nil}
	}
	for n := range len(fields) {
		for _, rest := range groupings(fields[n+1:]) {
			all = append(all, append([][]byte{slices.Concat(fields[:n+1]...)}, rest...))
		}
	}
	return all
}

// accepted returns the groupings of which a block is accepted.
func (s signer) accepted(groupings [][][]byte) (accepted [][][]byte) {
	for _, envelopes := range groupings {
		if s.accepts(envelopes) == nil {
			accepted = append(accepted, envelopes)
		}
	}
	return accepted
}

func (s signer) accepts(envelopes [][]byte) error {
	b, m := s.block(truth), &fabric.Metadata{}
	if err := fabric.Unmarshal(b.Metadata.Metadata[signaturesSlot], m); err != nil {
		return err
	}
	b.Data.Data = envelopes
	b.Header.DataHash = chaintest.DataHash(b.Data.Data)
	s.sign(b, m.Value)
	return Verify(s, 1, b)
}

// Whatever envelopes a block has, its bytes are accepted as at most one list of envelopes.
func TestEnvelopesAreReadInOneWay(t *testing.T) {
	s, some := newSigner(), 0
	for _, fields := range sequences(5) {
		accepted := s.accepted(groupings(fields))
		if len(accepted) > 1 {
			t.Fatalf("%q is accepted as %q", fields, accepted)
		}
		some += len(accepted)
	}
	if some < 100 {
		t.Errorf("%d are accepted", some)
	}
}

// The compatible rules make blocks of envelopes without a payload, or without a signature. They are
// accepted where their bytes show where each begins.
func TestEnvelopesWithoutAPayload(t *testing.T) {
	both := slices.Concat(aPayload, aSignature)
	s := newSigner()
	for _, envelopes := range [][][]byte{{aSignature}, {both, aSignature}, {aSignature, aSignature, both}, {both, aPayload}} {
		if err := s.accepts(envelopes); err != nil {
			t.Errorf("%q: %v", envelopes, err)
		}
	}
	for says, envelopes := range map[string][][]byte{
		"Data[0] has neither payload nor signature": {{}},
		"Data[2] has neither payload nor signature": {both, both, {}},
		"Data[1] has no payload, and":               {aPayload, aSignature},
	} {
		if err := s.accepts(envelopes); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("got %v, want %q", err, says)
		}
	}
}
