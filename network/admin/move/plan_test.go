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
		way        way
		is         form.Consensus
		normal     step
		maintained step
		refused    string
	}{
		"change-type, kafka":              {way{from: kafka, to: shared}, ofKafka, toMaintenance, toChange, ""},
		"change-type, shared":             {way{from: kafka, to: shared}, ofShared, done, toNormal, ""},
		"change-type, Raft":               {way{from: kafka, to: shared}, ofRaft, done, done, "ordered by Raft"},
		"aborted, kafka":                  {way{from: kafka, to: shared, abort: true}, ofKafka, done, toNormal, ""},
		"aborted, shared":                 {way{from: kafka, to: shared, abort: true}, ofShared, done, done, "nothing to abort"},
		"leave, kafka":                    {way{from: shared, to: raft}, ofKafka, done, done, "moves a channel of type etcdraft through Kafka to Raft"},
		"leave, shared":                   {way{from: shared, to: raft}, ofShared, toMaintenance, toChange, ""},
		"leave, Raft":                     {way{from: shared, to: raft}, ofRaft, done, toNormal, ""},
		"leave, BFT":                      {way{from: shared, to: raft}, form.Consensus{Type: "BFT"}, done, done, `ordered by "BFT"`},
		"leave, Raft that does not start": {way{from: shared, to: raft}, form.Consensus{Type: "etcdraft", Metadata: withoutConsenters}, done, done, `ordered by "etcdraft"`},
	} {
		for state, want := range map[fabric.ConsensusState]step{fabric.StateNormal: c.normal, fabric.StateMaintenance: c.maintained} {
			is := c.is
			is.State = state
			got, err := c.way.next(is)
			if got != want || (err == nil) != (c.refused == "") || err != nil && !strings.Contains(err.Error(), c.refused) {
				t.Errorf("%s, %s: %s, %v; want %s, %q", name, state, got, err, want, c.refused)
			}
		}
	}
}
