package chain

import (
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hyperledger/fabric/orderer/common/types"

	"github.com/fabric-kafka/orderer/chain/log"
	"github.com/fabric-kafka/orderer/chain/status"
)

var (
	ageing = log.Finding{Setting: "retention.ms", Value: "604800000", Want: "-1", Result: log.Flawed, Risk: "records are deleted", Remedy: "kafka-configs.sh ..."}
	hidden = log.Finding{Setting: "cleanup.policy", Value: "no rights", Want: "delete", Result: log.Unknown}
	sound  = log.Finding{Setting: "partitions", Value: "1", Want: "1", Result: log.Fit}
)

// surveyed returns a chain with a preflight, on a broker where every survey has these findings; reported counts the
// surveys that were reported.
func (r *rig) surveyed(l *ledger, how Preflight, found ...log.Finding) (c *Chain, reported *atomic.Int64) {
	r.broker.SetFindings(found...)
	c, reported = r.chain(l), &atomic.Int64{}
	c.opts.Preflight = how
	c.opts.Events.Surveyed = func([]log.Finding, error) { reported.Add(1) }
	c.Start()
	return c, reported
}

// The channel waits for the setting to be fixed, reports that to every caller, and starts by itself. A flaw that
// appears later does not stop it until a restart.
func TestPreflightEnforced(t *testing.T) {
	inBubble(t, func(r *rig) {
		l := newLedger()
		c, reported := r.surveyed(l, PreflightEnforce, sound, ageing, hidden)
		settle()
		r.reports(c, types.StatusInactive)
		for what, err := range map[string]error{"ready": c.WaitReady(), "order": c.Order(envelope("early"), 0)} {
			if !errors.Is(err, status.ErrNotReady) || !strings.Contains(err.Error(), ageing.String()) || strings.Contains(err.Error(), hidden.Setting) {
				r.Errorf("%s: %v", what, err)
			}
		}
		if reported.Load() < 10 {
			r.Errorf("%d surveys in a minute", reported.Load())
		}

		r.broker.SetFindings(hidden)
		time.Sleep(2 * DefaultRetryMax)
		r.order(c, "a", "b", "c")
		settle()
		r.holds(l, "a b c @3")
		r.reports(c, types.StatusActive)

		r.broker.SetFindings(ageing)
		settle()
		r.order(c, "d")
		r.reports(c, types.StatusActive)
		c.Halt()
		again, _ := r.surveyed(l, PreflightEnforce, ageing)
		if err := again.WaitReady(); err == nil || !strings.Contains(err.Error(), "the preflight refuses the channel's topic") {
			r.Errorf("after a restart: %v", err)
		}
	})
}

// The newest record was stamped a year ahead. That would last for a year if it
// kept orderers out, since then none of them could append another.
func TestPreflightDoesNotRefuseClocks(t *testing.T) {
	ahead := log.Finding{Setting: "clocks", Value: "8760h0m0s after this orderer's", Result: log.Warned}
	inBubble(t, func(r *rig) {
		c, reported := r.surveyed(newLedger(), PreflightEnforce, sound, ahead)
		if err := c.WaitReady(); err != nil {
			t.Fatal(err)
		}
		r.order(c, "a")
		if reported.Load() == 0 {
			t.Error("nothing was reported")
		}
	})
}

// A warning does not keep the channel waiting; off does not survey at all.
func TestPreflightWarnsOrIsOff(t *testing.T) {
	for how, looks := range map[Preflight]bool{Options{}.withDefaults().Preflight: true, PreflightOff: false} {
		inBubble(t, func(r *rig) {
			c, reported := r.surveyed(newLedger(), how, ageing)
			if err := c.WaitReady(); err != nil {
				r.Fatal(err)
			}
			settle()
			if (reported.Load() > 0) != looks {
				r.Errorf("preflight %q: %d surveys", how, reported.Load())
			}
		})
	}
}
