package chain

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hyperledger/fabric/orderer/common/types"

	"github.com/fabric-kafka/orderer/chain/fabric"
	"github.com/fabric-kafka/orderer/chain/log/memlog"
	"github.com/fabric-kafka/orderer/chain/machine"
	"github.com/fabric-kafka/orderer/chain/record"
	"github.com/fabric-kafka/orderer/chain/session"
)

// Two orderers accept updates computed on the same config. Both may apply, one
// of them computed again; an update of the same key twice applies once.
func TestConfigsThatRace(t *testing.T) {
	inBubble(t, func(r *rig) {
		a, b := newLedger(), newLedger()
		c, d := r.started(a), r.started(b)
		for _, e := range []*fabric.Envelope{configEnvelope("one", 0, 1), configEnvelope("two", 0, 1), configEnvelope("one", 0, 1), configEnvelope("three", 0, 1)} {
			if err := errors.Join(c.Configure(e, 0), d.Order(envelope("between"), 0)); err != nil {
				r.Fatal(err)
			}
		}
		settle()
		r.equalLedgers(a, b)
		for _, key := range []string{"one", "two", "three"} {
			if n := strings.Count(a.Contents(), key+" @"); n != 1 {
				r.Errorf("update %s is in %d blocks: %s", key, n, a.Contents())
			}
		}
		if n := strings.Count(a.Contents(), "between"); n != 4 {
			r.Errorf("%d envelopes ordered, want 4: %s", n, a.Contents())
		}
	})
}

// An envelope whose writer has lost the right through a config update is refused by all.
func TestStaleEnvelopeIsJudgedInPlace(t *testing.T) {
	inBubble(t, func(r *rig) {
		a, b := newLedger(), newLedger()
		c, _ := r.started(a), r.started(b)
		err := errors.Join(c.Configure(configEnvelope("rights", 0, 1), 0), c.Order(envelope("not at 1"), 0), c.Order(envelope("still good"), 0))
		if err != nil {
			r.Fatal(err)
		}
		settle()
		r.equalLedgers(a, b)
		r.holds(a, "rights @1; still good @4")
	})
}

// A config that leaves Kafka ends the chain here, and no block follows.
func TestMigration(t *testing.T) {
	inBubble(t, func(r *rig) {
		l := newLedger()
		c := r.started(l)
		if err := errors.Join(c.Configure(configEnvelope("etcdraft", 0, 1), 0), c.Order(envelope("late"), 0)); err != nil {
			r.Fatal(err)
		}
		settle()
		r.holds(l, "etcdraft @1")
		if err := c.Order(envelope("x"), 0); !errors.Is(err, session.ErrMigrated) {
			r.Errorf("order: %v", err)
		}
	})
}

// traffic orders envelopes and configs, with pauses.
func (r *rig) traffic(c *Chain) {
	for i := range 12 {
		_ = c.Order(envelope(fmt.Sprint("n", i)), uint64(i/6)) // refusals are part of it
		if i%5 == 3 {
			_ = c.Configure(configEnvelope(fmt.Sprint("k", i), 0, 1), 0)
		}
		if i%4 == 0 {
			time.Sleep(3 * time.Second)
		}
	}
	settle()
}

// An orderer that crashed after any block writes the same blocks from there on.
func TestRestartFromEveryBlock(t *testing.T) {
	inBubble(t, func(r *rig) {
		l := newLedger()
		c := r.started(l)
		r.traffic(c)
		c.Halt()
		heights := len(l.Stored())
		if heights < 6 {
			r.Fatalf("too few blocks to mean anything: %s", l.Contents())
		}
		for height := 1; height <= heights; height++ {
			again := l.UpTo(height)
			d := r.started(again)
			settle()
			d.Halt()
			r.equalLedgers(l, again)
		}
	})
}

// Every operation on the log fails once, before or after it took effect: blocks
// of two orderers stay equal, and what was acknowledged is there, once.
func TestEachOperationFails(t *testing.T) {
	for _, after := range []bool{false, true} {
		for n := 1; ; n++ {
			reached := true
			inBubble(t, func(r *rig) { reached = failNth(r, n, after) })
			if !reached {
				t.Logf("after=%v: %d operations", after, n-1)
				break
			}
		}
	}
}

// failNth reports whether there was an n-th operation.
func failNth(r *rig, n int, after bool) bool {
	failed := false
	r.broker.SetFault(func(_, _ string, now int) *memlog.Failure {
		if now != n {
			return nil
		}
		failed = true
		return &memlog.Failure{Err: errors.New("this one fails"), After: after}
	})
	a, b := newLedger(), newLedger()
	c, d := r.chain(a), r.chain(b)
	c.Start()
	d.Start()
	settle()
	var acknowledged []string
	for i, at := range []*Chain{c, d, c, d, c} {
		if s := fmt.Sprint("n", i); at.Order(envelope(s), 0) == nil {
			acknowledged = append(acknowledged, s)
		}
	}
	_ = c.Configure(configEnvelope("k", 0, 1), 0)
	_ = d.Configure(configEnvelope("m", 0, 1), 0)
	settle()
	r.equalLedgers(a, b)
	words := strings.Fields(a.Contents())
	for _, s := range acknowledged {
		if slices.Index(words, s) < 0 || slices.Index(words, s) != lastIndex(words, s) {
			r.Errorf("operation %d, after=%v: %s is not there exactly once: %s", n, after, s, a.Contents())
		}
	}
	return failed
}

func lastIndex(words []string, s string) int {
	for i := len(words) - 1; i >= 0; i-- {
		if words[i] == s {
			return i
		}
	}
	return -1
}

// A block from a release with other limits for windows states which records its window has: it is understood and
// compared.
func TestWindowsOfAnotherRelease(t *testing.T) {
	for name, test := range map[string]struct {
		alter func([]byte) []byte
		want  types.Status
	}{
		"as it was": {func(b []byte) []byte { return b }, types.StatusActive},
		"altered":   {func(b []byte) []byte { return append(b, 0x7a, 0) }, types.StatusFailed},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(r *rig) {
				l := newLedger()
				c := r.started(l)
				r.order(c, "a", "b", "c")
				for range 5 {
					r.broker.Write(channel, make([]byte, 5<<20)) // more than a window holds
				}
				r.order(c, "d", "e", "f")
				settle()
				c.Halt()
				m, err := session.Position(l.Height(), l.Metadata())
				if err != nil {
					r.Fatal(err)
				}
				w, first := machine.Window{}, machine.Offset(4) // after block 1
				if m.FirstOffset <= first {
					r.Fatalf("the window begins at %d", m.FirstOffset)
				}
				for at := first; at <= m.Offset; at++ {
					value := r.broker.Values(channel)[at]
					if at == first {
						value = test.alter(value)
					}
					w = w.With(at, record.DigestOf(value), 0)
				}
				m.FirstOffset, m.RecordsDigest = w.FirstOffset, w.RecordsDigest
				value, err := session.EncodeMetadata(m)
				if err != nil {
					r.Fatal(err)
				}
				l.SetMetadata(value)
				again := r.chain(l)
				again.Start()
				settle()
				r.reports(again, test.want)
				again.Halt()
			})
		})
	}
}
