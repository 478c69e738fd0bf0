package chain

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/hyperledger/fabric/common/channelconfig"
	"github.com/hyperledger/fabric/protoutil"

	"github.com/fabric-kafka/orderer/chain/fabric"
	"github.com/fabric-kafka/orderer/chain/fabrictest"
	"github.com/fabric-kafka/orderer/chain/guard"
	"github.com/fabric-kafka/orderer/chain/machine"
	"github.com/fabric-kafka/orderer/chain/record"
	"github.com/fabric-kafka/orderer/chain/session"
	"github.com/fabric-kafka/orderer/chain/status"
)

// ready starts the chain and waits until it is ready.
func (r *real) ready() {
	r.Helper()
	r.chain.Start()
	if err := r.chain.WaitReady(); err != nil {
		r.Fatal(err)
	}
}

// appends writes a record that none of our orderers would.
func (r *real) appends(e *fabric.Envelope, class record.Regular_Class, seq uint64) {
	r.Helper()
	value, err := record.Encode(record.NewRegular(protoutil.MarshalOrPanic(e), seq, class))
	if err == nil {
		err = r.topic.Append(context.Background(), value)
	}
	if err != nil {
		r.Fatal(err)
	}
}

// At a record that crashes every in-tree orderer, the channel stops by the compatible rules, with the offset and the
// reason; the process and its other channels continue.
func TestDeadlyRecordStopsTheChannel(t *testing.T) {
	for name, class := range map[string]record.Regular_Class{"unclassified": record.Regular_UNKNOWN, "stale": record.Regular_CONFIG} {
		t.Run(name, func(t *testing.T) {
			net := fabrictest.NewNetwork(nil)
			r, other := newRealWith(t, net, session.Settings{AllowUndescribed: true}), newReal(t, net)
			r.ready()
			other.ready()
			r.order(r.proposed(r.larger()))
			bare := inside(t, r.proposed(r.larger()))
			bare.LastUpdate = nil
			r.appends(net.Config(bare), class, 0)
			r.eventually(func() bool { return closed(r.chain.Errored()) })
			err := r.chain.Order(r.transacted(nil), 1)
			if !errors.Is(err, status.ErrFailed) || !strings.Contains(err.Error(), "the record at offset 2 ") || !strings.Contains(err.Error(), "in-tree orderers crash on it") {
				t.Errorf("order: %v", err)
			}
			if r.chain.support.Height() != 2 {
				t.Errorf("%d blocks", r.chain.support.Height())
			}
			if err := other.chain.Order(other.transacted(nil), 0); err != nil {
				t.Errorf("the other channel: %v", err)
			}
		})
	}
}

// order appends a config and waits until it is in force, and then in the ledger.
func (r *real) order(e *fabric.Envelope) {
	r.Helper()
	height := r.chain.support.Height()
	if err := r.chain.Configure(e, r.chain.support.Sequence()); err != nil {
		r.Fatal(err)
	}
	r.eventually(func() bool { return r.chain.support.Height() > height })
}

// Fabric's processor may fail at an update that it processes again; by the strict rules another orderer may resubmit
// it, and nothing stops.
func TestDeadlyRecordIsSkippedByTheStrictRules(t *testing.T) {
	net := fabrictest.NewNetwork(func(_ *fabrictest.Network, root *fabric.ConfigGroup) {
		fabrictest.Put(root.Groups["Orderer"], channelconfig.BatchSizeValue(10, 16<<20, 1<<19))
	})
	r := newReal(t, net)
	meta := protoutil.MarshalOrPanic(&fabric.ImplicitMetaPolicy{SubPolicy: "/Channel/Application/PeerMSP"})
	fails := r.forged(r.update(func(g *fabric.ConfigGroup) { g.Policies["Readers"].Policy.Value = meta }, "Application"), func(*fabric.ConfigGroup) {})
	bare := inside(t, fails)
	bare.LastUpdate = nil
	update := protoutil.MarshalOrPanic(&fabric.ConfigUpdate{ChannelId: fabrictest.ChannelID})
	deep := r.forged(append(update, fabrictest.Nest(nil, 1500000, 2)...), func(*fabric.ConfigGroup) {})
	payload, err := protoutil.UnmarshalPayload(deep.Payload)
	if err != nil {
		t.Fatal(err)
	}
	payload.Data = fabrictest.Nest(fabrictest.Nest(nil, 1500000, 2), 1, 1) // in the config, not in the update
	deeper := net.Orderer.Envelope(protoutil.MarshalOrPanic(payload))
	r.ready()
	r.order(r.proposed(r.larger()))
	for _, e := range []*fabric.Envelope{fails, net.Config(bare), deep, deeper} {
		for seq := range uint64(3) {
			r.appends(e, record.Regular_CONFIG, seq)
			r.appends(e, record.Regular_UNKNOWN, seq)
		}
	}
	r.order(r.proposed(r.larger()))
	if r.chain.support.Height() != 3 {
		t.Errorf("%d blocks, want the two configs", r.chain.support.Height())
	}
}

// The block writer panics on a block that it cannot write; the chain then stops.
func TestPanicOfTheBlockWriterStopsTheChannel(t *testing.T) {
	r := newReal(t, fabrictest.NewNetwork(nil))
	e := r.proposed(r.larger())
	r.write(e)
	err := r.chain.ledger.WriteConfig(session.Block{Number: 2, Config: true, Envelopes: [][]byte{protoutil.MarshalOrPanic(e)}})
	if !errors.Is(err, guard.ErrNoVerdict) || !strings.Contains(err.Error(), "WriteConfigBlock") {
		t.Errorf("a config that is in force already: %v", err)
	}
	if v := (machine.Verdict{}); r.verdict(machine.Config, machine.CheckWriter, r.proposed(r.larger())) != v {
		t.Error("the validator no longer answers")
	}
}
