package chain

import (
	"errors"
	"slices"
	"strings"
	"testing"

	cb "github.com/hyperledger/fabric-protos-go/common"
	"github.com/hyperledger/fabric/protoutil"

	"github.com/fabric-kafka/orderer/chain/fabric"
	"github.com/fabric-kafka/orderer/chain/status"
)

// altered is a ledger that Fabric replicated from somebody who changed what no hash and no signature covers.
type altered struct {
	*ledger
	alter func(*fabric.Block)
}

func (a altered) Block(n uint64) *fabric.Block {
	b := a.ledger.Block(n)
	if b != nil && n == a.Height()-1 {
		a.alter(b)
	}
	return b
}

// begun starts the chain of such a ledger, with what Fabric's registrar reads from it.
func (r *rig) begun(a altered) *Chain {
	r.Helper()
	metadata := a.Metadata()
	if m, err := protoutil.GetConsenterMetadataFromBlock(a.Block(a.Height() - 1)); err == nil {
		metadata = m.GetValue()
	}
	d := New(a, metadata, r.chain(a.ledger).opts)
	d.validator = newLenient(a.ledger)
	r.Cleanup(d.Halt)
	d.Start()
	return d
}

func setOrderer(b *fabric.Block, position ...byte) {
	b.Metadata.Metadata[cb.BlockMetadataIndex_ORDERER] = protoutil.MarshalOrPanic(&fabric.Metadata{Value: position})
}

// withoutValue moves what a block's signatures cover out of the value.
func withoutValue(b *fabric.Block) {
	m := &fabric.Metadata{}
	if err := fabric.Unmarshal(b.Metadata.Metadata[cb.BlockMetadataIndex_SIGNATURES], m); err != nil {
		panic(err)
	}
	header := slices.Concat(m.Value, protoutil.MarshalOrPanic(&fabric.SignatureHeader{Creator: []byte("orderer"), Nonce: []byte("n")}))
	b.Metadata.Metadata[cb.BlockMetadataIndex_SIGNATURES] = protoutil.MarshalOrPanic(&fabric.Metadata{Signatures: []*cb.MetadataSignature{{SignatureHeader: header}}})
}

// oldBlock turns a block into one from before Fabric 1.4.1.
func oldBlock(b *fabric.Block, position ...byte) {
	b.Metadata.Metadata[cb.BlockMetadataIndex_SIGNATURES] = protoutil.MarshalOrPanic(&fabric.Metadata{})
	setOrderer(b, position...)
}

// If a ledger was written by Fabric's own replication, its last block says where to continue.
func TestALedgerWhosePositionIsForged(t *testing.T) {
	for says, alter := range map[string]func(*fabric.Block){
		"Metadata[SIGNATURES].Signatures[0].SignatureHeader has": func(b *fabric.Block) { withoutValue(b); setOrderer(b, 0x08, 20) },
		"Metadata[ORDERER] holds what no orderer before":         func(b *fabric.Block) { oldBlock(b, 0x08, 5, 0x80, 1, 1) },
		"Metadata[ORDERER] is missing":                           func(b *fabric.Block) { oldBlock(b); b.Metadata.Metadata = b.Metadata.Metadata[:1] },
		"Metadata[SIGNATURES] is missing":                        func(b *fabric.Block) { b.Metadata.Metadata = nil },
		"but its config is the record at offset":                 func(b *fabric.Block) { oldBlock(b, 0x08, 6) },
	} {
		t.Run(says, func(t *testing.T) {
			inBubble(t, func(r *rig) {
				l, _ := r.history()
				before := l.UpTo(4) // ends in a config block, at offset 5
				contents := before.Contents()
				c := r.begun(altered{before, alter})
				settle()
				if err := c.WaitReady(); !errors.Is(err, status.ErrFailed) || !strings.Contains(err.Error(), says) {
					r.Errorf("got %v, want it to say %q", err, says)
				}
				r.holds(before, contents)
			})
		})
	}
}

// The metadata of block 0 is not signed: whoever gave the block to the operator may have written it.
func TestAPositionInBlock0IsRefused(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.history()
		fresh := newLedger()
		d := r.begun(altered{fresh, func(b *fabric.Block) { oldBlock(b, 0x08, 9, 0x80, 1, 1) }})
		settle()
		if err := d.WaitReady(); !errors.Is(err, status.ErrFailed) || !strings.Contains(err.Error(), "block 0 names a position") {
			r.Errorf("got %v", err)
		}
		r.holds(fresh, "")
	})
}

// The topic is identified by the hash of block 0's header: another config below the same header would
// give this orderer other limits and policies on the same topic.
func TestAnotherConfigInBlock0IsRefused(t *testing.T) {
	inBubble(t, func(r *rig) {
		d := r.begun(altered{newLedger(), func(b *fabric.Block) {
			b.Data = &cb.BlockData{Data: [][]byte{protoutil.MarshalOrPanic(configEnvelope("count", 0, 1))}}
		}})
		if err := d.WaitReady(); !errors.Is(err, status.ErrFailed) || !strings.Contains(err.Error(), "block 0 does not match the data hash") {
			r.Errorf("got %v", err)
		}
	})
}

// A ledger that an orderer from before Fabric 1.4.1 wrote is continued.
func TestALedgerOfOldBlocksIsContinued(t *testing.T) {
	inBubble(t, func(r *rig) {
		l, _ := r.history()
		r.broker.CutTail(channel, 6)
		before := l.UpTo(4)
		d := r.begun(altered{before, func(b *fabric.Block) {
			if b.Header.Number == 3 {
				oldBlock(b, 0x08, 5)
			}
		}})
		settle()
		r.order(d, "x", "y", "z")
		settle()
		r.holds(before, "a0 b0 c0 @3; d0 @4; k0 @5; x y z @8")
	})
}
