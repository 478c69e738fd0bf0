package chain

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/hyperledger/fabric/orderer/common/types"

	"github.com/fabric-kafka/orderer/chain/chaintest"
	"github.com/fabric-kafka/orderer/chain/log/memlog"
)

// long waits for an hour, in which everything happens that is due.
func long() { time.Sleep(time.Hour) }

// large orders envelopes, each of which fills a block, and returns their ledger.
func (r *rig) large(n int) *ledger {
	l := chaintest.NewLedger(channel, chaintest.Settings{Count: 1})
	c := r.started(l)
	for i := range n {
		r.order(c, fmt.Sprint(i, strings.Repeat("x", 100<<10)))
	}
	settle()
	c.Halt()
	if len(l.Stored()) != n+1 {
		r.Fatalf("%d blocks, want %d", len(l.Stored()), n+1)
	}
	return l
}

// continues waits until a chain is active and orders through it.
func (r *rig) continues(c *Chain, l *ledger) {
	r.Helper()
	long()
	r.reports(c, types.StatusActive)
	height := len(l.Stored())
	r.order(c, "one more")
	long()
	if len(l.Stored()) != height+1 {
		r.Errorf("%d blocks, want %d", len(l.Stored()), height+1)
	}
}

// comesThrough orders until it succeeds, and waits until what it ordered is in a block.
func (r *rig) comesThrough(c *Chain, l *ledger) {
	r.Helper()
	var err error
	for end := time.Now().Add(6 * time.Hour); time.Now().Before(end); time.Sleep(time.Second) {
		if err = c.Order(envelope("one more"), 0); err == nil {
			break
		}
	}
	long()
	if err != nil || !strings.Contains(l.Contents(), "one more") {
		r.Errorf("order: %v; %d blocks", err, len(l.Stored()))
	}
}

// slowly carries 8 KB a second.
var slowly = memlog.Pace{Byte: 120 * time.Microsecond}

// A restart reads the last records again. However long that takes on the link, the channel continues.
func TestConnectsThroughASlowLink(t *testing.T) {
	inBubble(t, func(r *rig) {
		l := r.large(70)
		r.broker.SetPace(slowly)
		c := r.chain(l)
		c.Start()
		r.continues(c, l)
		c.Halt()
	})
}

// breaking breaks the connections of all readers at this interval.
func (r *rig) breaking(every time.Duration) {
	broke := time.Now()
	r.broker.SetFault(func(op, _ string, _ int) *memlog.Failure {
		if op != "next" || time.Since(broke) < every {
			return nil
		}
		broke = time.Now()
		return &memlog.Failure{Err: errors.New("connection reset")}
	})
}

// A check that a broken connection has interrupted continues where it was. A large record
// takes 12 s, and the check as a whole some minutes.
func TestConnectsThroughALinkThatBreaks(t *testing.T) {
	inBubble(t, func(r *rig) {
		l := r.large(70)
		r.broker.SetPace(slowly)
		r.breaking(30 * time.Second)
		c := r.chain(l)
		c.Start()
		r.comesThrough(c, l)
		r.broker.SetFault(nil)
		c.Halt()
	})
}

// Skipped records are checked as well, however many there are.
func TestConnectsAfterManyRecords(t *testing.T) {
	inBubble(t, func(r *rig) {
		l := newLedger()
		c := r.started(l)
		r.order(c, "a", "b", "c")
		for i := range 4000 {
			r.broker.Write(channel, fmt.Append(nil, "garbage", i))
		}
		settle()
		r.broker.SetPace(memlog.Pace{Record: 20 * time.Millisecond})
		r.broker.Elect(channel)
		settle()
		r.breaking(30 * time.Second)
		r.broker.Elect(channel)
		r.comesThrough(c, l)
		r.broker.SetFault(nil)
		c.Halt()
	})
}

// What was checked is not read again as long as the topic and its leader are the same and
// no connection was lost. After an outage it is read again, once.
func TestAnIdleChannelReadsNothing(t *testing.T) {
	inBubble(t, func(r *rig) {
		l := r.large(10)
		opened := r.broker.Read()
		c := r.started(l)
		settle()
		once := r.broker.Read().Records - opened.Records
		for name, happens := range map[string]func(){
			"nothing":     func() {},
			"an outage":   func() { r.broker.Stop(); settle(); r.broker.Resume() },
			"an election": func() { r.broker.Elect(channel) },
		} {
			before := r.broker.Read()
			happens()
			long()
			r.reports(c, types.StatusActive)
			now := r.broker.Read()
			if read := now.Records - before.Records; (read == 0) != (name == "nothing") || read > once {
				r.Errorf("after %s %d records, %d bytes were read in an hour; at the start %d", name, read, now.Bytes-before.Bytes, once)
			}
		}
		c.Halt()
	})
}

// One record may take longer than any check, at the start and later.
func TestOneRecordTakesLong(t *testing.T) {
	inBubble(t, func(r *rig) {
		l := r.large(3)
		r.broker.SetPace(memlog.Pace{Record: 20 * time.Minute})
		c := r.chain(l)
		c.Start()
		time.Sleep(24 * time.Hour)
		r.reports(c, types.StatusActive)
		r.order(c, "one more")
		time.Sleep(24 * time.Hour)
		if len(l.Stored()) != 5 {
			r.Errorf("%d blocks, want 5", len(l.Stored()))
		}
		c.Halt()
	})
}

// A topic that was recreated with the same records is detected by the regular check, although nothing is
// read from it.
func TestAnIdleChannelKnowsItsTopic(t *testing.T) {
	inBubble(t, func(r *rig) {
		l := newLedger()
		c := r.started(l)
		r.order(c, "a", "b", "c")
		settle()
		values := r.broker.Values(channel)
		r.broker.Recreate(channel)
		r.broker.Write(channel, values...)
		time.Sleep(2 * DefaultCheckInterval)
		r.reports(c, types.StatusFailed)
	})
}
