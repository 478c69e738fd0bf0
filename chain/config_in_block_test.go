package chain

import (
	"fmt"
	"testing"
	"time"

	"github.com/hyperledger/fabric/orderer/common/types"
	"github.com/hyperledger/fabric/protoutil"

	"github.com/fabric-kafka/orderer/chain/chaintest"
	"github.com/fabric-kafka/orderer/chain/fabric"
	"github.com/fabric-kafka/orderer/chain/log"
	"github.com/fabric-kafka/orderer/chain/record"
)

// disguised returns a channel of the compatible rules with a config envelope in a record of class
// NORMAL, which these rules put into a normal block.
func (r *rig) disguised(e *fabric.Envelope) (*ledger, *Chain) {
	r.Helper()
	l := newLedger()
	c := r.compatible(l)
	r.order(c, "a", "b", "c")
	settle()
	value, err := record.Encode(record.NewRegular(protoutil.MarshalOrPanic(e), l.Sequence(), record.Regular_NORMAL))
	if err != nil {
		r.Fatal(err)
	}
	r.broker.Write(channel, value)
	time.Sleep(time.Minute) // until it is cut, alone
	for i := range 2 {
		if err := c.Configure(configEnvelope(fmt.Sprint("k", i), 0, l.Sequence()+1), l.Sequence()); err != nil {
			r.Fatal(err)
		}
		settle()
	}
	return l, c
}

// compatible starts the chain of a ledger by the compatible rules.
func (r *rig) compatible(l *ledger, pullers ...Puller) *Chain {
	r.Helper()
	c := r.chain(l)
	c.opts.AllowUndescribed = true
	for _, p := range pullers {
		c.opts.NewPuller = func(Support) (Puller, error) { return p, nil }
	}
	c.Start()
	settle()
	return c
}

// A block is a config block if it was written as one, whatever its only envelope claims to be: an orderer that pulls
// such a block, or starts after one, writes the same ledger as those that read the record.
func TestAConfigInANormalBlock(t *testing.T) {
	for name, e := range map[string]*fabric.Envelope{
		"that would apply":     configEnvelope("disguised", 0, 1),
		"that would not apply": configEnvelope("disguised", 7, 9),
		"of a system channel":  chaintest.EnvelopeOf(channel, fabric.TypeOrdererTransaction, []byte("x")),
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(r *rig) {
				l, _ := r.disguised(e)
				heights := len(l.Stored())
				if l.Sequence() != 2 || heights < 5 {
					r.Fatalf("sequence %d: %s", l.Sequence(), l.Contents())
				}
				for height := 2; height < heights; height++ {
					again := l.UpTo(height)
					c := r.compatible(again)
					r.reports(c, types.StatusActive)
					r.equalLedgers(l, again)
					c.Halt()
				}
				r.broker.Trim(channel, log.Offset(l.Stored()[heights-2].Position().LastOffsetPersisted))
				again := l.UpTo(2)
				c := r.compatible(again, &chaintest.Puller{From: []*ledger{l}})
				r.reports(c, types.StatusActive)
				r.equalLedgers(l, again)
				c.Halt()
			})
		})
	}
}

// The same for a block of an in-tree orderer, which names no window of records: the first start looks for the block's
// envelopes in the topic.
func TestALedgerThatEndsInADisguisedConfig(t *testing.T) {
	inBubble(t, func(r *rig) {
		l, _ := r.disguised(configEnvelope("disguised", 0, 1))
		again := l.UpTo(3)
		again.SetMetadata([]byte{0x08, byte(again.Stored()[2].Position().LastOffsetPersisted)})
		c := r.compatible(again)
		r.reports(c, types.StatusActive)
		if again.Height() != l.Height() || again.Sequence() != l.Sequence() {
			r.Errorf("it holds %s, want %s", again.Contents(), l.Contents())
		}
		c.Halt()
	})
}

// In-tree orderers also order an envelope without a payload in a record of class NORMAL, and so do ours by their
// rules. An orderer that pulls such a block, or starts after one, writes the same ledger.
func TestAnEnvelopeWithoutAPayload(t *testing.T) {
	inBubble(t, func(r *rig) {
		l, _ := r.disguised(&fabric.Envelope{Signature: []byte("of nothing")})
		heights := len(l.Stored())
		r.broker.Trim(channel, log.Offset(l.Stored()[heights-2].Position().LastOffsetPersisted))
		again := l.UpTo(2)
		c := r.compatible(again, &chaintest.Puller{From: []*ledger{l}})
		r.reports(c, types.StatusActive)
		r.equalLedgers(l, again)
	})
}
