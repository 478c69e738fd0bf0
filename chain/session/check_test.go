package session_test

import (
	"errors"
	"testing"

	"github.com/fabric-kafka/orderer/chain/log"
	"github.com/fabric-kafka/orderer/chain/session"
)

// asked begins a check of the topic and has the brokers asked.
func (r *rig) asked() *session.Check {
	c := r.driver.Check()
	c.Ask(r.Context())
	return c
}

// check checks the topic; the error ends the session.
func (r *rig) check() error { return r.driver.Apply(r.asked()) }

// checks fails the test unless the answers to a check have this outcome.
func (r *rig) checks(c *session.Check, want session.Outcome, says ...string) {
	r.Helper()
	r.followed(session.Continue, r.driver.Apply(c), want, says...)
}

// begun returns a rig whose session has read these envelopes.
func begun(t *testing.T, texts ...string) *rig {
	r := newRig(t)
	r.reads()
	r.continues(texts...)
	return r
}

// continues has more envelopes read within the session.
func (r *rig) continues(texts ...string) {
	r.Helper()
	r.orders(texts...)
	for int(r.driver.NextOffset()) < r.broker.Len(channelID) {
		if outcome, err := r.advance(r.Context()); outcome != session.Continue || err != nil {
			r.Fatalf("outcome %d, error %v", outcome, err)
		}
	}
}

// What is read while the brokers are asked is beyond the end that they report.
func TestACheckIsAboutThePast(t *testing.T) {
	r := begun(t, "a", "b")
	c := r.asked()
	r.continues("c", "d")
	r.checks(c, session.Continue)
	r.continues("e", "f")
	r.holds("a b; c d; e f")
}

// A log that was shorter than what had been read when it was asked is another one, even if it has grown since.
func TestACheckFindsAShorterLog(t *testing.T) {
	r := begun(t, "a", "b", "c", "d")
	r.broker.CutTail(channelID, 3)
	c := r.asked()
	r.orders("e", "f", "g")
	r.checks(c, session.Stop, "ends at offset 3", "records below 5")
}

// A topic that was recreated is found by its id.
func TestACheckFindsAnotherTopic(t *testing.T) {
	r := begun(t, "a", "b")
	r.broker.Recreate(channelID)
	r.checks(r.asked(), session.Stop, "is not the same as before")
}

// A topic that disappears is waited for: brokers that have just started may not know it yet.
func TestACheckFindsNoTopic(t *testing.T) {
	r := begun(t, "a", "b")
	r.broker.Delete(channelID)
	r.checks(r.asked(), session.Retry, "the channel stops if that lasts")
}

// The topic loses records that are not read yet.
func TestACheckFindsATrimmedLog(t *testing.T) {
	r := begun(t, "a", "b")
	r.orders("c", "d", "e", "f")
	r.broker.Trim(channelID, 5)
	c := r.asked()
	r.checks(c, session.CatchUp)
}

// Records that were read while the brokers were asked are not missed if the topic has lost them by then.
func TestACheckMissesNothingThatWasRead(t *testing.T) {
	r := begun(t)
	c := r.driver.Check()
	r.continues("a", "b")
	r.broker.Trim(channelID, 3)
	c.Ask(t.Context())
	r.checks(c, session.Continue)
	r.holds("a b")
}

// Brokers that do not answer end the session: the next one waits for them.
func TestACheckWithoutAnAnswer(t *testing.T) {
	r := begun(t)
	r.broker.Stop()
	r.checks(r.asked(), session.Retry)
	r.broker.Resume()
	r.orders("a", "b")
	r.reads()
	r.holds("a b")
}

// The answers to a check of an earlier session say nothing about this one.
func TestACheckOfAnEarlierSession(t *testing.T) {
	r := begun(t)
	c := r.driver.Check()
	r.broker.Stop()
	c.Ask(t.Context())
	r.broker.Resume()
	r.orders("a", "b")
	r.reads()
	r.checks(c, session.Continue)
	r.driver.Close()
	r.checks(c, session.Continue)
}

// A copy that is appended while the brokers are asked may be above the end that they report: it is not lost.
func TestACopyIsNotLostWhileTheBrokersAreAsked(t *testing.T) {
	r := stale(t)
	if err := r.driver.Connect(t.Context()); err != nil {
		t.Fatal(err)
	}
	c := r.asked()
	if _, err := r.driver.Advance(t.Context(), t.Context()); err != nil {
		t.Fatal(err)
	}
	r.checks(c, session.Continue)
	r.reads()
	if n := r.broker.Len(channelID); n != 4 {
		t.Errorf("%d records, want 4: one of them the copy", n)
	}
	r.holds("config; config")
}

// One that was appended before, and that a later check does not find below the end, is appended again.
func TestACheckFindsThatACopyWasLost(t *testing.T) {
	r := stale(t)
	if err := r.driver.Connect(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := r.driver.Advance(t.Context(), t.Context()); err != nil {
		t.Fatal(err)
	}
	r.broker.CutTail(channelID, 3)
	c := r.driver.Check()
	c.Ask(t.Context())
	if err := r.driver.Apply(c); err != nil && !errors.Is(err, log.ErrNewLeader) {
		t.Fatal(err)
	}
	r.reads()
	if n := r.broker.Len(channelID); n != 4 {
		t.Errorf("%d records, want 4: one of them the copy", n)
	}
	r.holds("config; config")
}
