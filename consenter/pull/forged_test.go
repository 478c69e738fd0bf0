package pull

import (
	"errors"
	"slices"
	"testing"

	cb "github.com/hyperledger/fabric-protos-go/common"

	"github.com/golang/protobuf/proto"
	"github.com/hyperledger/fabric/protoutil"
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/fabric-kafka/orderer/chain/chaintest"
	"github.com/fabric-kafka/orderer/chain/checktest"
	"github.com/fabric-kafka/orderer/chain/record"
	"github.com/fabric-kafka/orderer/chain/session"
)

// position returns the consenter metadata of a block that ends at an offset.
func position(t testing.TB, offset int64) []byte {
	value, err := record.EncodeMetadata(&record.Metadata{LastOffsetPersisted: offset, RuleSet: record.RuleSet_RULE_SET_STRICT})
	checktest.Must(t, err)
	return value
}

// signaturesOf returns the signatures metadata of a block.
func signaturesOf(t testing.TB, b *cb.Block) *cb.Metadata {
	m := &cb.Metadata{}
	checktest.Must(t, proto.Unmarshal(b.Metadata.Metadata[cb.BlockMetadataIndex_SIGNATURES], m))
	return m
}

// unsignedPosition is where orderers before Fabric 1.4.1 had the position.
func unsignedPosition(t testing.TB, b *cb.Block, offset int64) {
	b.Metadata.Metadata[cb.BlockMetadataIndex_ORDERER] = protoutil.MarshalOrPanic(&cb.Metadata{Value: position(t, offset)})
}

// split gives Value the first n bytes of what is signed, and the signature header the rest.
func split(t testing.TB, b *cb.Block, n int) {
	m := signaturesOf(t, b)
	all := slices.Concat(m.Value, m.Signatures[0].SignatureHeader)
	m.Value, m.Signatures[0].SignatureHeader = all[:n], all[n:]
	setSignatures(b, m)
}

// boundaries returns the lengths of the first bytes field, of the first two and so on.
func boundaries(b []byte) (all []int) {
	for at := 0; at < len(b); {
		_, _, n := protowire.ConsumeField(b[at:])
		at += n
		all = append(all, at)
	}
	return all
}

// forgeries change another orderer's block without a key. The signature stays valid in each:
// only the form shows the forgery.
var forgeries = map[string]struct {
	forge func(t testing.TB, b *cb.Block)
	field string
}{
	"the value moved to the signature header": {func(t testing.TB, b *cb.Block) {
		unsignedPosition(t, b, 20)
		split(t, b, 0)
	}, "Metadata[SIGNATURES].Signatures[0].SignatureHeader"},
	"half of the value moved": {func(t testing.TB, b *cb.Block) {
		split(t, b, boundaries(signaturesOf(t, b).Value)[0])
	}, "Metadata[SIGNATURES].Signatures[0].SignatureHeader"},
	"the creator moved to the value": {func(t testing.TB, b *cb.Block) {
		m := signaturesOf(t, b)
		split(t, b, len(m.Value)+boundaries(m.Signatures[0].SignatureHeader)[0])
	}, "Metadata[SIGNATURES].Value"},
	"the signature header moved to the value": {func(t testing.TB, b *cb.Block) {
		m := signaturesOf(t, b)
		split(t, b, len(m.Value)+len(m.Signatures[0].SignatureHeader))
	}, "Metadata[SIGNATURES].Value"},
	"the value before the one that counts": {func(t testing.TB, b *cb.Block) {
		m := signaturesOf(t, b)
		first := protoutil.MarshalOrPanic(&cb.Metadata{Value: []byte("another")})
		b.Metadata.Metadata[cb.BlockMetadataIndex_SIGNATURES] = append(first, protoutil.MarshalOrPanic(m)...)
	}, "Metadata[SIGNATURES]"},
	"an unknown field": {func(_ testing.TB, b *cb.Block) {
		slot := &b.Metadata.Metadata[cb.BlockMetadataIndex_SIGNATURES]
		*slot = protowire.AppendVarint(protowire.AppendTag(*slot, 99, protowire.VarintType), 1)
	}, "Metadata[SIGNATURES]"},
	"an envelope in two": {func(_ testing.TB, b *cb.Block) {
		e := b.Data.Data[0]
		at := boundaries(e)[0]
		b.Data.Data = append([][]byte{e[:at], e[at:]}, b.Data.Data[1:]...)
	}, "Data[1]"},
	"two envelopes in one": {func(_ testing.TB, b *cb.Block) {
		b.Data.Data = [][]byte{slices.Concat(b.Data.Data...)}
	}, "Data[0]"},
	"an additional empty envelope": {func(_ testing.TB, b *cb.Block) {
		b.Data.Data = append(b.Data.Data, nil)
	}, "Data[2]"},
}

// threeBlocks returns the genesis block of a channel of one orderer and two more.
func (a *authority) threeBlocks(d *deliverer) []*cb.Block { return a.following(a.genesis(d.address)) }

// following returns a block and two more, of two envelopes each.
func (a *authority) following(first *cb.Block) []*cb.Block {
	blocks := []*cb.Block{first}
	for n := uint64(1); n < 3; n++ {
		b := protoutil.NewBlock(n, protoutil.BlockHeaderHash(blocks[n-1].Header))
		for _, text := range []string{"payload", "another payload"} {
			b.Data.Data = append(b.Data.Data, transaction(text))
		}
		b.Header.DataHash = chaintest.DataHash(b.Data.Data)
		a.sign(b, string(position(a.t, int64(5*n))))
		blocks = append(blocks, b)
	}
	return blocks
}

// Without a key, an orderer that serves blocks, or an attacker on the network, can send bytes
// that have the same signature or hash and a different meaning. Each is refused with an error
// that names the orderer and the field.
func TestForgedBlocksAreRefused(t *testing.T) {
	ours := newAuthority(t)
	for name, test := range forgeries {
		t.Run(name, func(t *testing.T) {
			d := ours.deliverer()
			d.blocks = ours.threeBlocks(d)
			test.forge(t, d.blocks[1])
			_, p := ours.catchUp(d.blocks[0])
			_, err := p.Block(t.Context(), 1)
			checktest.Fails(t, err, d.address)
			checktest.Fails(t, err, "block 1: "+test.field+" ")
			if got, other := err, session.ErrNoBlock; errors.Is(got, other) {
				t.Fatalf("got %v, which is %v", got, other)
			}
		})
	}
}

// An orderer before Fabric 1.4.1 does not sign the position. It would have to be trusted,
// whatever the channel's rules, and this orderer would sign it in the next block.
func TestOldBlocksAreNotPulled(t *testing.T) {
	ours := newAuthority(t)
	d := ours.deliverer()
	d.blocks = ours.threeBlocks(d)
	setSignatures(d.blocks[1], ours.signedOver(d.blocks[1], nil))
	unsignedPosition(t, d.blocks[1], 5)
	_, p := ours.catchUp(d.blocks[0])
	_, err := p.Block(t.Context(), 1)
	checktest.Fails(t, err, d.address)
	checktest.Fails(t, err, "block 1: Metadata[SIGNATURES].Value is empty, as before Fabric 1.4.1")
	checktest.Fails(t, err, "join it again with a config block of Fabric 1.4.1 or later")
}

// If one of two orderers that have a block sends a forged one, the block comes from the other,
// at once.
func TestBlockAfterAForgedOneComesFromAnotherOrderer(t *testing.T) {
	ours := newAuthority(t)
	for range 8 { // the order of asking is random
		liar, honest := ours.deliverer(), ours.deliverer()
		first := ours.genesis(liar.address, honest.address)
		liar.blocks, honest.blocks = ours.following(first), ours.following(first)
		forgeries["the value moved to the signature header"].forge(t, liar.blocks[1])
		_, p := ours.catchUp(first)
		b, err := p.Block(t.Context(), 1)
		checktest.Must(t, err)
		if !proto.Equal(honest.blocks[1], b) {
			t.Fatalf("got %v, want the block of the honest orderer", b)
		}
	}
}
