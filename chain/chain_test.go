package chain

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hyperledger/fabric/orderer/common/types"
	"go.uber.org/goleak"

	"github.com/fabric-kafka/orderer/chain/chaintest"
	"github.com/fabric-kafka/orderer/chain/log"
	"github.com/fabric-kafka/orderer/chain/log/memlog"
	"github.com/fabric-kafka/orderer/chain/status"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// rig is one broker and the chains of a channel on it.
type rig struct {
	*testing.T
	broker *memlog.Broker
}

// inBubble runs a test with a clock of its own. Whatever it leaves running fails it.
func inBubble(t *testing.T, f func(*rig)) {
	synctest.Test(t, func(t *testing.T) { f(&rig{t, memlog.NewBroker()}) })
}

// chain creates the chain of a ledger, and halts it at the end of the test.
func (r *rig) chain(l *ledger) *Chain {
	c := New(l, l.Metadata(), Options{
		OpenLog: func(_ []string, topic string, _ uint32) (log.Log, error) {
			return r.broker.Open(topic, log.Settings{MaxMessageBytes: 1 << 20}), nil
		},
		AppendTimeout: 2 * time.Second,
		ReadyTimeout:  time.Second,
	})
	c.validator = newLenient(l)
	r.Cleanup(c.Halt)
	return c
}

// started creates and starts the chain of a ledger, and waits until it is ready.
func (r *rig) started(l *ledger) *Chain {
	r.Helper()
	c := r.chain(l)
	c.Start()
	if err := c.WaitReady(); err != nil {
		r.Fatal(err)
	}
	return c
}

func (r *rig) order(c *Chain, texts ...string) {
	r.Helper()
	for _, s := range texts {
		if err := c.Order(envelope(s), c.support.Sequence()); err != nil {
			r.Fatalf("order %q: %v", s, err)
		}
	}
}

// settle waits for a minute, in which everything happens that is due.
func settle() {
	time.Sleep(time.Minute)
	synctest.Wait()
}

func (r *rig) holds(l *ledger, want string) {
	r.Helper()
	if got := l.Contents(); got != want {
		r.Errorf("the ledger holds\n%s, want\n%s", got, want)
	}
}

// equalLedgers compares headers, data and metadata.
func (r *rig) equalLedgers(a, b *ledger) {
	r.Helper()
	if err := chaintest.Differ(a, b); err != nil {
		r.Fatal(err)
	}
}

func (r *rig) reports(c *Chain, want types.Status) {
	r.Helper()
	if relation, got := c.StatusReport(); got != want || relation != types.ConsensusRelationConsenter {
		r.Errorf("status %s %s, want consenter %s", relation, got, want)
	}
}

func closed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// Offset 0 is the description. Three envelopes fill a block; a fourth waits for
// the timer's record.
func TestOrdersByCountAndByTime(t *testing.T) {
	inBubble(t, func(r *rig) {
		l := newLedger()
		c := r.started(l)
		r.order(c, "a", "b", "c", "d")
		settle()
		r.holds(l, "a b c @3; d @5")
		r.reports(c, types.StatusActive)
	})
}

// The timer of each orderer has its own delay; the first record cuts for all.
func TestOrderersCutTheSameBlocks(t *testing.T) {
	inBubble(t, func(r *rig) {
		a, b := newLedger(), newLedger()
		c, d := r.started(a), r.started(b)
		for i := range 10 {
			r.order(c, fmt.Sprint("c", i))
			r.order(d, fmt.Sprint("d", i))
			time.Sleep(time.Duration(i*150) * time.Millisecond)
		}
		settle()
		r.equalLedgers(a, b)
		if n := strings.Count(a.Contents(), "c") + strings.Count(a.Contents(), "d"); n != 20 {
			r.Errorf("%d envelopes ordered, want 20: %s", n, a.Contents())
		}
	})
}

func TestOutage(t *testing.T) {
	inBubble(t, func(r *rig) {
		l := newLedger()
		c := r.started(l)
		r.order(c, "a", "b", "c")
		settle()
		before := c.Errored()
		r.broker.Stop()
		time.Sleep(time.Second)
		r.reports(c, types.StatusInactive)
		if closed(before) {
			r.Error("readers were disconnected at once")
		}
		for what, err := range map[string]error{"ready": c.WaitReady(), "order": c.Order(envelope("lost"), 0)} {
			if !errors.Is(err, status.ErrNotReady) || !strings.Contains(err.Error(), memlog.ErrOutage.Error()) || !strings.Contains(err.Error(), "waiting for") {
				r.Errorf("%s in an outage: %v", what, err)
			}
		}
		settle()
		if !closed(before) {
			r.Error("readers still wait after the grace")
		}
		r.broker.Resume()
		settle()
		if closed(c.Errored()) {
			r.Error("readers are still disconnected after the recovery")
		}
		r.order(c, "d")
		settle()
		r.holds(l, "a b c @3; d @5")
		r.reports(c, types.StatusActive)
	})
}

func TestStartWhileKafkaIsDown(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.broker.Stop()
		c := r.chain(newLedger())
		c.Start()
		if err := c.WaitReady(); !errors.Is(err, status.ErrNotReady) {
			r.Fatalf("ready: %v", err)
		}
		settle()
		r.broker.Resume()
		settle()
		r.order(c, "a")
	})
}

// A time-to-cut that cannot be posted is posted again.
func TestLostCutIsRepeated(t *testing.T) {
	inBubble(t, func(r *rig) {
		l := newLedger()
		c := r.started(l)
		failures := 0
		r.order(c, "a")
		r.broker.SetFault(func(op, _ string, _ int) *memlog.Failure {
			if op != "append" || failures == 5 {
				return nil
			}
			failures++
			return &memlog.Failure{Err: errors.New("no leader")}
		})
		settle()
		if failures != 5 {
			r.Fatalf("%d attempts failed, want 5", failures)
		}
		r.holds(l, "a @2")
	})
}

// What a client learns about each kind of failure.
func TestOrderNeverLies(t *testing.T) {
	for _, test := range []struct {
		name string
		fail memlog.Failure
		says string
	}{
		{"before", memlog.Failure{Err: errors.New("no leader")}, "the envelope is not ordered"},
		{"after", memlog.Failure{Err: errors.New("timed out"), After: true}, "may or may not be ordered"},
		{"too large", memlog.Failure{Err: &log.Error{Class: log.Rejected, Op: "append", Err: log.ErrTooLarge}}, "does not accept the envelope"},
	} {
		t.Run(test.name, func(t *testing.T) {
			inBubble(t, func(r *rig) {
				c := r.started(newLedger())
				r.broker.SetFault(func(op, _ string, _ int) *memlog.Failure {
					if op == "append" {
						return &test.fail
					}
					return nil
				})
				if err := c.Order(envelope("a"), 0); err == nil || !strings.Contains(err.Error(), test.says) {
					r.Errorf("got %v, want it to say %q", err, test.says)
				}
			})
		})
	}
}
