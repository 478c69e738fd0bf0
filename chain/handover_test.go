package chain

import (
	"encoding/pem"
	"errors"
	"strings"
	"testing"

	ab "github.com/hyperledger/fabric-protos-go/orderer"
	"github.com/hyperledger/fabric-protos-go/orderer/etcdraft"
	"github.com/hyperledger/fabric/common/channelconfig"
	"github.com/hyperledger/fabric/protoutil"

	"github.com/fabric-kafka/orderer/chain/block"
	"github.com/fabric-kafka/orderer/chain/fabric"
	"github.com/fabric-kafka/orderer/chain/fabrictest"
	"github.com/fabric-kafka/orderer/chain/form"
	"github.com/fabric-kafka/orderer/chain/handover"
	"github.com/fabric-kafka/orderer/chain/machine"
	"github.com/fabric-kafka/orderer/chain/record"
	"github.com/fabric-kafka/orderer/chain/session"
	"github.com/fabric-kafka/orderer/chain/status"
)

func raftConsenter(name string) *etcdraft.Consenter {
	certificate := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: []byte(name)})
	return &etcdraft.Consenter{Host: name, Port: 7050, ClientTlsCert: certificate, ServerTlsCert: certificate}
}

// all returns a change that makes several changes.
func all(changes ...func(*fabric.ConfigGroup)) func(*fabric.ConfigGroup) {
	return func(g *fabric.ConfigGroup) {
		for _, change := range changes {
			change(g)
		}
	}
}

func noBrokers(g *fabric.ConfigGroup) { delete(g.Values, "KafkaBrokers") }

const (
	normal      = ab.ConsensusType_STATE_NORMAL
	maintenance = ab.ConsensusType_STATE_MAINTENANCE
)

func sharedWith(state ab.ConsensusType_State, consenters ...*etcdraft.Consenter) *ab.ConsensusType {
	return &ab.ConsensusType{Type: form.SharedType, Metadata: raftMetadata("500ms", consenters...), State: state}
}

// Who orders a channel changes in maintenance mode alone, in one update, and by verdicts that every line shares.
func TestMovesOfAChannel(t *testing.T) {
	kafka := func(state ab.ConsensusType_State) *ab.ConsensusType {
		return &ab.ConsensusType{Type: "kafka", State: state}
	}
	of := sharedWith
	one, two := raftConsenter("one"), raftConsenter("two")
	for name, c := range map[string]struct {
		from    *ab.ConsensusType
		change  func(*fabric.ConfigGroup)
		enters  bool // so that Broadcast of some lines refuses it
		refused string
	}{
		"enters":                          {kafka(maintenance), consensusType(of(maintenance)), true, ""},
		"enters and changes its batches":  {kafka(maintenance), all(consensusType(of(maintenance)), larger), true, ""},
		"enters before maintenance":       {kafka(normal), consensusType(of(maintenance)), true, "only in maintenance mode"},
		"enters out of maintenance":       {kafka(maintenance), consensusType(of(normal)), true, "only in maintenance mode"},
		"enters at once":                  {kafka(normal), consensusType(of(normal)), true, "only in maintenance mode"},
		"enters without brokers":          {kafka(maintenance), all(consensusType(of(maintenance)), noBrokers), true, "cannot be changed"},
		"from kafka to Raft":              {kafka(maintenance), all(consensusType(of(maintenance, one)), noBrokers), true, "cannot be changed"},
		"from kafka to Raft with brokers": {kafka(maintenance), consensusType(of(maintenance, one)), true, "cannot be changed"},
		"leaves":                          {of(maintenance), all(consensusType(of(maintenance, one, two)), noBrokers), false, ""},
		"leaves and keeps an empty list":  {of(maintenance), all(consensusType(of(maintenance, one)), listed()), false, ""},
		"leaves and keeps its brokers":    {of(maintenance), consensusType(of(maintenance, one)), false, "in the same update"},
		"leaves, and nobody is there":     {of(maintenance), noBrokers, false, "needs brokers"},
		"leaves, and one is there twice":  {of(maintenance), all(consensusType(of(maintenance, one, one)), noBrokers), false, "another consenter has"},
		"leaves before maintenance":       {of(normal), all(consensusType(of(maintenance, one)), noBrokers), false, "only in maintenance mode"},
		"leaves out of maintenance":       {of(maintenance), all(consensusType(of(normal, one)), noBrokers), false, "only in maintenance mode"},
		"leaves at once":                  {of(normal), all(consensusType(of(normal, one)), noBrokers), false, "only in maintenance mode"},
		"back to type kafka":              {of(maintenance), consensusType(kafka(maintenance)), true, "cannot be changed"},
	} {
		t.Run(name, func(t *testing.T) {
			r := newReal(t, startingAs(c.from))
			update := r.net.SignedBy(r.net.Orderers.Admin, r.update(c.change, "Orderer"))
			e, _, err := r.chain.support.ProcessConfigUpdateMsg(update)
			if err == nil {
				err = r.chain.validator.CheckNew(e)
			}
			if refused := c.refused != "" || c.enters && !fabrictest.ThisLine().ToRaft; (err != nil) != refused {
				t.Errorf("the client is answered %v, want %q", err, c.refused)
			}
			proposed, err := r.chain.support.ConfigtxValidator().ProposeConfigUpdate(update)
			if err != nil {
				t.Fatal(err)
			}
			e = r.net.Config(proposed)
			v := r.verdict(machine.Config, machine.CheckAgreed, e)
			if v.Stop != "" || (v.Refusal == "") != (c.refused == "") || !strings.Contains(v.Refusal, c.refused) {
				t.Errorf("verdict %+v, want %q", v, c.refused)
			}
			_, _, err = r.chain.validator.Reproduce(protoutil.MarshalOrPanic(e))
			leaves := strings.HasPrefix(name, "leaves") // Raft may not accept its consenters at another config
			if (err != nil) != (c.refused != "" || leaves) {
				t.Errorf("computed again: %v, want %q", err, c.refused)
			}
			if v := r.verdict(machine.Config, machine.CheckWriter, e); c.refused == "" && !strings.Contains(v.Refusal, "by the rules of in-tree orderers") {
				t.Errorf("the compatible rules write a config with which the channel moves: %+v", v)
			}
			if v := r.verdict(machine.Config, machine.CheckBroadcast, e); v.Refusal == "" {
				t.Errorf("the compatible rules let the channel move: %+v", v)
			}
		})
	}
}

// Fabric knows changes of the consensus type from capability V1_4_2 on, and orderers without it would refuse the config.
func TestEntryNeedsACapability(t *testing.T) {
	for capability, refused := range map[string]string{"V1_1": "only with an orderer capability of V1_4_2 or later", "V1_4_2": ""} {
		r := newReal(t, fabrictest.NewNetwork(func(_ *fabrictest.Network, root *fabric.ConfigGroup) {
			consensusType(&ab.ConsensusType{Type: "kafka", State: maintenance})(root.Groups["Orderer"])
			fabrictest.Put(root.Groups["Orderer"], channelconfig.CapabilitiesValue(map[string]bool{capability: true}))
		}))
		update := r.net.SignedBy(r.net.Orderers.Admin, r.update(consensusType(sharedWith(maintenance)), "Orderer"))
		proposed, err := r.chain.support.ConfigtxValidator().ProposeConfigUpdate(update)
		if err != nil {
			t.Fatal(err)
		}
		e := r.net.Config(proposed)
		v := r.verdict(machine.Config, machine.CheckAgreed, e)
		if v.Stop != "" || (v.Refusal == "") != (refused == "") || !strings.Contains(v.Refusal, refused) {
			t.Errorf("%s: verdict %+v, want %q", capability, v, refused)
		}
		if _, _, err := r.chain.validator.Reproduce(protoutil.MarshalOrPanic(e)); (err == nil) != (refused == "") {
			t.Errorf("%s: computed again: %v, want %q", capability, err, refused)
		}
	}
}

func listed(brokers ...string) func(*fabric.ConfigGroup) {
	return func(g *fabric.ConfigGroup) {
		g.Values["KafkaBrokers"].Value = protoutil.MarshalOrPanic(&ab.KafkaBrokers{Brokers: brokers})
	}
}

func larger(g *fabric.ConfigGroup) {
	g.Values["BatchTimeout"].Value = protoutil.MarshalOrPanic(&ab.BatchTimeout{Timeout: "7s"})
}

// moved writes the config block of an update, with the metadata of our blocks, and returns it.
func (r *real) moved(change func(*fabric.ConfigGroup)) *fabric.Block {
	r.Helper()
	return r.movedBy(record.RuleSet_RULE_SET_STRICT, change)
}

func (r *real) movedBy(rules record.RuleSet, change func(*fabric.ConfigGroup)) *fabric.Block {
	r.Helper()
	proposed, err := r.chain.support.ConfigtxValidator().ProposeConfigUpdate(r.net.Signed(r.update(change, "Orderer")))
	if err != nil {
		r.Fatal(err)
	}
	value, err := record.EncodeMetadata(&record.Metadata{LastOffsetPersisted: 7, RuleSet: rules, TopicId: "t"})
	if err != nil {
		r.Fatal(err)
	}
	number := r.chain.support.Height()
	err = r.chain.ledger.WriteConfig(session.Block{
		Number: machine.BlockNumber(number), Envelopes: [][]byte{protoutil.MarshalOrPanic(r.net.Config(proposed))}, Config: true, Metadata: value,
	})
	if err != nil {
		r.Fatal(err)
	}
	handover.AwaitHeight(r.chain.support, number+1)
	return r.chain.support.Block(number)
}

// The block by which a channel enters names the position in the topic, which Fabric's block writer would drop: an
// orderer that restarts after it continues there. Its config is in force, and later blocks refer to it.
func TestEntryKeepsThePosition(t *testing.T) {
	r := newReal(t, startingAs(&ab.ConsensusType{Type: "kafka", State: maintenance}))
	b := r.moved(consensusType(&ab.ConsensusType{Type: form.SharedType, State: maintenance, Metadata: raftMetadata("500ms")}))
	metadata, err := block.ConsenterMetadata(b)
	if err != nil || !session.Strict(metadata) {
		t.Fatalf("metadata %x, %v", metadata, err)
	}
	if err := handover.CheckLast(r.config(), 2, metadata); err != nil {
		t.Error(err)
	}
	if got := r.chain.ledger.Config(); got.Seq != 1 || !got.ThroughKafka || got.ConsensusType != form.SharedType {
		t.Errorf("in force: %+v", got)
	}
	if err := block.Verify(r.chain.support, 1, b); err != nil {
		t.Error(err)
	}
	next := r.moved(consensusType(&ab.ConsensusType{Type: form.SharedType, State: normal, Metadata: raftMetadata("500ms")}))
	for number, b := range []*fabric.Block{b, next} {
		index, err := protoutil.GetLastConfigIndexFromBlock(b)
		if err != nil || index != uint64(number+1) {
			t.Errorf("block %d names config block %d, %v", number+1, index, err)
		}
	}
}

// An update to a channel that has left gets the answer that the channel has stopped, and no judgment of ours.
func TestUpdateOfAChannelThatHasLeft(t *testing.T) {
	raft := &ab.ConsensusType{Type: form.SharedType, State: maintenance, Metadata: raftMetadata("500ms", raftConsenter("one"))}
	r := newReal(t, startingAs(raft))
	update := func() error {
		_, _, err := r.chain.support.ProcessConfigUpdateMsg(r.net.SignedBy(r.net.Orderers.Admin, r.update(larger, "Orderer")))
		return err
	}
	if err := update(); err == nil {
		t.Error("a channel of ours takes consenters")
	}
	r.chain.fail(session.ErrMigrated)
	if err := update(); err != nil {
		t.Error(err)
	}
}

// Fabric's Raft takes a block without metadata for the last one of another consenter.
func TestExitLeavesNoPosition(t *testing.T) {
	r := newReal(t, startingAs(&ab.ConsensusType{Type: form.SharedType, State: maintenance, Metadata: raftMetadata("500ms")}))
	b := r.moved(all(consensusType(&ab.ConsensusType{Type: form.SharedType, State: maintenance, Metadata: raftMetadata("500ms", raftConsenter("one"))}), noBrokers))
	if metadata, err := block.ConsenterMetadata(b); err != nil || len(metadata) > 0 {
		t.Errorf("metadata %x, %v", metadata, err)
	}
	if c := r.chain.ledger.Config(); c.ThroughKafka {
		t.Errorf("in force: %+v", c)
	}
}

// What only Broadcast looks at: whether Raft accepts the consenters here and now, and whether in-tree orderers may be there.
func TestMoveAtBroadcast(t *testing.T) {
	leave := all(consensusType(&ab.ConsensusType{Type: form.SharedType, State: maintenance, Metadata: raftMetadata("500ms", raftConsenter("one"))}), noBrokers)
	enter := consensusType(&ab.ConsensusType{Type: form.SharedType, State: maintenance, Metadata: raftMetadata("500ms")})
	for name, c := range map[string]struct {
		kind   string
		change func(*fabric.ConfigGroup)
		raft   func(*fabric.Envelope) error
		want   string
	}{
		"leaves":                 {form.SharedType, leave, func(*fabric.Envelope) error { return nil }, ""},
		"leaves, and Raft fails": {form.SharedType, leave, func(*fabric.Envelope) error { return errors.New("unknown authority") }, "unknown authority"},
		"leaves for nobody":      {form.SharedType, leave, nil, "no consenter of type"},
		"a batch timeout":        {form.SharedType, larger, nil, ""},
		"enters":                 {"kafka", enter, nil, "osnkafka upgrade-rules"}, // after the genesis block, which nobody has cut
	} {
		is := &ab.ConsensusType{Type: c.kind, State: maintenance}
		if c.kind == form.SharedType {
			is.Metadata = raftMetadata("500ms")
		}
		r := newReal(t, startingAs(is))
		r.chain.opts.Handover.Raft = c.raft
		proposed, err := r.chain.support.ConfigtxValidator().ProposeConfigUpdate(r.net.Signed(r.update(c.change, "Orderer")))
		if err != nil {
			t.Fatal(err)
		}
		if err := handover.CheckNew(r.chain.support, r.net.Config(proposed), r.chain.opts.Handover); (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
	for rules, want := range map[record.RuleSet]string{record.RuleSet_RULE_SET_STRICT: "", record.RuleSet_RULE_SET_COMPATIBLE: "osnkafka upgrade-rules"} {
		r := newReal(t, startingAs(&ab.ConsensusType{Type: "kafka", State: maintenance}))
		r.movedBy(rules, larger)
		proposed, err := r.chain.support.ConfigtxValidator().ProposeConfigUpdate(r.net.Signed(r.update(enter, "Orderer")))
		if err != nil {
			t.Fatal(err)
		}
		if err := handover.CheckNew(r.chain.support, r.net.Config(proposed), handover.Local{}); (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("after a block of rule set %s: %v, want %q", rules, err, want)
		}
		if err := handover.CheckNew(r.chain.support, r.net.Config(proposed), handover.Local{ExcludeShared: true}); err == nil || !strings.Contains(err.Error(), "SharedType") {
			t.Errorf("where the settings exclude the type: %v", err)
		}
	}
}

// An envelope that was acknowledged before maintenance mode, and is read in it, is ordered: Broadcast accepts none in that mode.
func TestAcknowledgedBeforeMaintenance(t *testing.T) {
	r := newReal(t, startingAs(&ab.ConsensusType{Type: "kafka", State: maintenance}))
	e := r.transacted(nil)
	if _, err := r.chain.support.ProcessNormalMsg(e); err == nil {
		t.Error("Broadcast accepts it in maintenance mode")
	}
	if v := r.verdict(machine.Normal, machine.CheckAgreed, e); v != (machine.Verdict{}) {
		t.Errorf("%+v", v)
	}
}

// An orderer whose settings exclude the shared type stops with the block by which the channel enters it.
func TestEntryWhereItIsExcluded(t *testing.T) {
	r := newReal(t, startingAs(&ab.ConsensusType{Type: "kafka", State: maintenance}))
	r.chain.opts.Handover.ExcludeShared = true
	enter := consensusType(&ab.ConsensusType{Type: form.SharedType, State: maintenance, Metadata: raftMetadata("500ms")})
	proposed, err := r.chain.support.ConfigtxValidator().ProposeConfigUpdate(r.net.Signed(r.update(enter, "Orderer")))
	if err != nil {
		t.Fatal(err)
	}
	err = r.chain.ledger.WriteConfig(session.Block{Number: 1, Envelopes: [][]byte{protoutil.MarshalOrPanic(r.net.Config(proposed))}, Config: true})
	if status.CauseOf(err) != status.CauseSharedType || r.chain.support.Height() != 2 {
		t.Errorf("%v, at height %d", err, r.chain.support.Height())
	}
}
