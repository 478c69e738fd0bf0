package load_test

import (
	"testing"

	"github.com/golang/protobuf/proto"
	cb "github.com/hyperledger/fabric-protos-go/common"
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/fabric-kafka/orderer/chain/checktest"
	"github.com/fabric-kafka/orderer/chain/record"
	"github.com/fabric-kafka/orderer/network/client/orderertest"
	"github.com/fabric-kafka/orderer/network/stress/load"
)

// What is replayed must have the shape of what orderers append: the first field of our records is the writer, and
// in-tree orderers have none.
func TestRecordsAreThoseOfOrderers(t *testing.T) {
	const writer, regular = 16, 1
	for by, first := range map[load.Writer]protowire.Number{load.Ours: writer, load.InTree: regular} {
		r, err := load.NewRecords(orderertest.Identity(t), "mychannel", 2048, 3, by)
		checktest.Must(t, err)
		if number, _, _ := protowire.ConsumeTag(r.Value(7)); number != first {
			t.Errorf("a record of writer %d begins with field %d, want %d", by, number, first)
		}
		m, err := record.Decode(r.Value(107))
		checktest.Must(t, err)
		if m.GetRegular().GetConfigSeq() != 3 || m.GetWriter() != uint32(by) {
			t.Errorf("the record is of config sequence %d and writer %d, want 3 and %d", m.GetRegular().GetConfigSeq(), m.GetWriter(), by)
		}
		e := &cb.Envelope{}
		checktest.Must(t, proto.Unmarshal(m.GetRegular().GetPayload(), e))
		if size := len(e.Payload) + len(e.Signature); size < 2045 || size > 2051 {
			t.Errorf("an envelope of %d bytes, want 2048", size)
		}
	}
}
