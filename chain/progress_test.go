package chain

import (
	"testing"
	"time"

	"github.com/fabric-kafka/orderer/chain/block"
	"github.com/fabric-kafka/orderer/chain/chaintest"
	"github.com/fabric-kafka/orderer/chain/log"
)

// Every CheckInterval an orderer publishes the offset that it would continue at from its
// ledger: what it has read beyond its last block is not on its disk.
func TestPublishesWhatIsOnDisk(t *testing.T) {
	inBubble(t, func(r *rig) {
		c := r.chain(chaintest.NewLedger(channel, chaintest.Settings{Seq: 3}))
		c.opts.Member = "ours.one"
		topic := r.broker.Open(channel, log.Settings{})
		publishes := func(next log.Offset, number uint64, rules string) {
			r.Helper()
			all, err := topic.Published(r.Context(), "ours.")
			if err != nil {
				r.Fatal(err)
			}
			if len(all) != 1 || all[0].Next != next || all[0].Block != number || time.Since(all[0].At) > DefaultCheckInterval ||
				all[0].Rules != rules || all[0].ConfigSeq != 3 || all[0].Config != block.ConfigDigest(c.support.ConfigtxValidator().ConfigProto()) {
				r.Errorf("published %+v, want offset %d after block %d, by rules %s", all, next, number, rules)
			}
		}
		c.Start()
		settle()
		publishes(0, 0, "undescribed")
		r.order(c, "a", "b", "c") // offsets 1 to 3
		settle()
		publishes(4, 1, "strict")
		time.Sleep(DefaultCheckInterval - time.Second) // a second before it publishes
		r.order(c, "d")
		publishes(4, 1, "strict")
		settle()
		publishes(6, 2, "strict")
	})
}

// An orderer without a name, or without rights, orders nevertheless.
func TestOrdersWithoutPublishing(t *testing.T) {
	inBubble(t, func(r *rig) {
		c := r.started(newLedger())
		r.order(c, "a", "b", "c")
		settle()
		all, err := r.broker.Open(channel, log.Settings{}).Published(r.Context(), "")
		if err != nil || len(all) != 0 {
			r.Errorf("published %v, %v", all, err)
		}
	})
}
