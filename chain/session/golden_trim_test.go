package session_test

import (
	"context"
	"testing"

	"github.com/fabric-kafka/orderer/chain/log"
	"github.com/fabric-kafka/orderer/chain/log/memlog"
	"github.com/fabric-kafka/orderer/chain/session"
	"github.com/fabric-kafka/orderer/chain/session/golden"
)

// TestTrimmedIntoTheLastBlock: a topic that has lost the first records of the ledger's last block, which an in-tree
// orderer wrote, still has the next record. A ledger with blocks from other orderers usually ends like that.
func TestTrimmedIntoTheLastBlock(t *testing.T) {
	eachVector(t, func(t *testing.T, v *golden.Vector) {
		m, all, tried := newMemory(), values(t, v), 0
		for height := 3; height < len(v.Blocks) && tried < 20; height++ {
			before, err := session.Position(uint64(height)-1, all[height-2])
			if err != nil {
				t.Fatal(err)
			}
			last, err := session.Position(uint64(height), all[height-1])
			if err != nil {
				t.Fatal(err)
			}
			if last.Offset-before.Offset < 2 {
				continue
			}
			tried++
			r := newReplay(t, v, nil, m)
			b := memlog.NewBroker()
			b.Write(v.Name, v.Records...)
			b.Trim(v.Name, log.Offset(last.Offset))
			r.channel.log = b.Open(v.Name, log.Settings{})
			r.takeOver(height, all)
			e := session.New(r.host(), r.start(), session.Settings{AllowUndescribed: true}, session.Events{})
			if err := e.Connect(context.Background()); err != nil {
				t.Fatalf("block %d: %v", height-1, err)
			}
		}
		if tried < 5 {
			t.Errorf("%d blocks", tried)
		}
	})
}
