package chain

import (
	"slices"
	"strings"
	"testing"

	cb "github.com/hyperledger/fabric-protos-go/common"
	pb "github.com/hyperledger/fabric-protos-go/peer"
	"github.com/hyperledger/fabric/protoutil"

	"github.com/fabric-kafka/orderer/chain/fabric"
	"github.com/fabric-kafka/orderer/chain/fabrictest"
	"github.com/fabric-kafka/orderer/chain/guard"
	"github.com/fabric-kafka/orderer/chain/machine"
	"github.com/fabric-kafka/orderer/chain/record"
	"github.com/fabric-kafka/orderer/chain/session"
)

// transacted is an endorser transaction of a client, changed before it is signed;
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

// survives says how a peer flags a transaction, and whether its process does not end.
func (r *real) survives(e *fabric.Envelope) (code pb.TxValidationCode, err error) {
	err = guard.Call(func() error { code = r.validates(protoutil.MarshalOrPanic(e)); return nil })
	return code, err
}

// A transaction that ends the process of every peer, or for which they refuse the
// block that it is in, is in no block; one that they flag is its client's concern.
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
			value, err := record.Encode(record.NewRegular(protoutil.MarshalOrPanic(e), 1, record.Regular_NORMAL))
			if err != nil {
				t.Fatal(err)
			}
			if got := written(r.taken(machine.Strict, value)); got != c.ordered {
				t.Errorf("in a block by the strict rules: %t", got)
			}
			_, err = session.Value(e, 0, machine.Normal)
			if refused := err != nil && strings.Contains(err.Error(), "no peer would take a block with it"); refused == c.ordered {
				t.Errorf("the client is answered: %v", err)
			}
		})
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

// What ends a peer's process, as its release in go.mod does: were it mended there, the
// rule could go.
func TestUnendorsedActionEndsAPeer(t *testing.T) {
	r := newReal(t, fabrictest.NewNetwork(nil))
	e := r.transacted(func(_ *cb.Payload, _ *pb.Transaction, a *pb.ChaincodeActionPayload) { a.Action = nil })
	if code, died := r.survives(e); died == nil {
		t.Errorf("it flags it %s", code)
	}
}
