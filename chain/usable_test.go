package chain

import (
	"strings"
	"testing"

	"github.com/hyperledger/fabric/orderer/common/types"

	"github.com/fabric-kafka/orderer/chain/chaintest"
	"github.com/fabric-kafka/orderer/chain/session"
)

// A list that was accepted once is in the ledger for ever: the chain connects to
// what can be connected to, though no new list may have such entries.
func TestUsableEntriesOfAnOldListAreUsed(t *testing.T) {
	inBubble(t, func(r *rig) {
		l := chaintest.NewLedger(channel, chaintest.Settings{Brokers: []string{
			":9092", " kafka:9092", "kafka:0", "kafka_1:9093", "kafka", "", "[::1]:9094", "kafka:99999", "kafka:9092", "tcp://kafka:9092", "kafka:http"}})
		c, opened := r.opening(l)
		r.order(c, "a", "b", "c")
		if got, want := opened(), "kafka:9092,kafka_1:9093,[::1]:9094"; got != want {
			r.Errorf("logs of %s were opened, want %s", got, want)
		}
		r.holds(l, "a b c @3")
	})
}

// Without any the channel has stopped, and says what to do; a config update cannot
// be the remedy, since it would have to be ordered.
func TestChannelWithoutUsableBrokersStops(t *testing.T) {
	for _, list := range [][]string{{":9092"}, {}, {"kafka:0", "kafka"}, {" "}} {
		inBubble(t, func(r *rig) {
			l := chaintest.NewLedger(channel, chaintest.Settings{Brokers: list})
			c := r.chain(l)
			c.Start()
			settle()
			r.reports(c, types.StatusFailed)
			err := c.WaitReady()
			const fact = "the channel config names no broker that can be connected to"
			if err == nil || !strings.Contains(err.Error(), fact) || session.CauseOf(err) != session.CauseNoBroker {
				r.Errorf("%q: got %v, cause %q, want it to say %q", list, err, session.CauseOf(err), fact)
			}
			if !closed(c.Errored()) {
				r.Error("clients wait for blocks of a channel that has stopped")
			}
		})
	}
}

// The way out: this orderer's own list, and an update that corrects the channel's.
func TestOwnBrokersMendAChannelWithoutUsableOnes(t *testing.T) {
	inBubble(t, func(r *rig) {
		l := chaintest.NewLedger(channel, chaintest.Settings{Brokers: []string{":9092"}})
		c, opened := r.opening(l, "mine:9092")
		r.order(c, "a", "b", "c")
		if err := c.Configure(configEnvelope("brokers:kafka:9092", 0, 1), 0); err != nil {
			r.Fatal(err)
		}
		settle()
		r.holds(l, "a b c @3; brokers:kafka:9092 @4")
		r.reports(c, types.StatusActive)
		c.Halt()

		next, reopened := r.opening(l)
		r.order(next, "d", "e", "f")
		if got, want := opened()+"; "+reopened(), "mine:9092; kafka:9092"; got != want {
			r.Errorf("logs of %s were opened, want %s", got, want)
		}
		r.holds(l, "a b c @3; brokers:kafka:9092 @4; d e f @7")
	})
}
