package move

import (
	"encoding/pem"
	"strings"
	"testing"

	"github.com/hyperledger/fabric-protos-go/orderer/etcdraft"
	"github.com/hyperledger/fabric/protoutil"

	"github.com/fabric-kafka/orderer/chain/fabric"
	"github.com/fabric-kafka/orderer/chain/form"
)

// What is next depends on nothing but the config in force, so that a command can be interrupted anywhere.
func TestNext(t *testing.T) {
	options := &etcdraft.Options{TickInterval: "500ms", ElectionTick: 10, HeartbeatTick: 1, MaxInflightBlocks: 5}
	certificate := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: []byte("DER")})
	withoutConsenters := protoutil.MarshalOrPanic(&etcdraft.ConfigMetadata{Options: options})
	withConsenters := protoutil.MarshalOrPanic(&etcdraft.ConfigMetadata{Options: options, Consenters: []*etcdraft.Consenter{
		{Host: "o", Port: 1, ClientTlsCert: certificate, ServerTlsCert: certificate},
	}})
	some := []string{"kafka:9092"}
	ofKafka := form.Consensus{Type: "kafka", Brokers: some}
	ofShared := form.Consensus{Type: "etcdraft", Brokers: some, Metadata: withoutConsenters}
	ofRaft := form.Consensus{Type: "etcdraft", Metadata: withConsenters}
	for name, c := range map[string]struct {
		transition transition
		is         form.Consensus
		normal     step
		maintained step
		refused    string
	}{
		"change-type, kafka":              {transition{from: kafka, to: shared, by: toType}, ofKafka, toMaintenance, toType, ""},
		"change-type, shared":             {transition{from: kafka, to: shared, by: toType}, ofShared, done, toNormal, ""},
		"change-type, Raft":               {transition{from: kafka, to: shared, by: toType}, ofRaft, done, done, "ordered by Raft"},
		"aborted, kafka":                  {transition{from: kafka, to: shared, by: toType, abort: true}, ofKafka, done, toNormal, ""},
		"aborted, shared":                 {transition{from: kafka, to: shared, by: toType, abort: true}, ofShared, done, done, "nothing to abort"},
		"leave, kafka":                    {transition{from: shared, to: raft, by: toRaft}, ofKafka, done, done, "moves a channel from Kafka (type etcdraft) to Raft"},
		"leave, shared":                   {transition{from: shared, to: raft, by: toRaft}, ofShared, toMaintenance, toRaft, ""},
		"leave, Raft":                     {transition{from: shared, to: raft, by: toRaft}, ofRaft, done, toNormal, ""},
		"leave, BFT":                      {transition{from: shared, to: raft, by: toRaft}, form.Consensus{Type: "BFT"}, done, done, `ordered by "BFT"`},
		"leave, Raft that does not start": {transition{from: shared, to: raft, by: toRaft}, form.Consensus{Type: "etcdraft", Metadata: withoutConsenters}, done, done, `ordered by "etcdraft"`},
	} {
		for state, want := range map[fabric.ConsensusState]step{fabric.StateNormal: c.normal, fabric.StateMaintenance: c.maintained} {
			is := c.is
			is.State = state
			got, err := c.transition.next(is)
			if got != want || (err == nil) != (c.refused == "") || err != nil && !strings.Contains(err.Error(), c.refused) {
				t.Errorf("%s, %s: %s, %v; want %s, %q", name, state, got, err, want, c.refused)
			}
		}
	}
}
