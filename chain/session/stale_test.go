package session_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/fabric-kafka/orderer/chain/log"
	"github.com/fabric-kafka/orderer/chain/session"
)

// stale returns a rig whose topic has a config record that was validated at a config older
// than the one in force.
func stale(t *testing.T) *rig {
	r := newRig(t)
	r.reads()
	r.configures("first", 0)
	r.reads()
	r.configures("second", 0)
	return r
}

// A stale update was acknowledged: it is computed again at the config in force, appended, and gets into a block.
func TestStaleConfigIsResubmitted(t *testing.T) {
	r := stale(t)
	r.reads()
	r.holds("config; config")
	if n := r.broker.Len(channelID); n != 4 {
		t.Errorf("%d records, want 4: one of them the copy", n)
	}
}

// Every orderer appends a copy of a stale update; copies that are stale in turn are not copied again, or they would
// multiply.
func TestAnUpdateIsResubmittedOnce(t *testing.T) {
	r := stale(t)
	r.configures("second", 0)
	r.reads()
	if n := r.broker.Len(channelID); n != 5 {
		t.Errorf("%d records, want 5: one of them a copy", n)
	}
}

// What can prevent the copy, and what happens to the update.
func TestWhatPreventsACopy(t *testing.T) {
	for _, test := range []struct {
		name      string
		reproduce error
		append    error
		want      session.Outcome
		skipped   bool
	}{
		{name: "it is no longer valid", reproduce: errors.New("version conflict"), want: session.Continue, skipped: true},
		{name: "this orderer cannot sign", reproduce: session.ErrUnable, want: session.Retry},
		{name: "this build does not know it", reproduce: session.ErrUnknown, want: session.Stop},
		{name: "the brokers are down", append: &log.Error{Class: log.Retryable, Err: errors.New("no leader")}, want: session.Retry},
		{name: "the outcome is unknown", append: &log.Error{Class: log.Ambiguous, Err: errors.New("timed out")}, want: session.Retry},
		{name: "the topic does not accept it", append: &log.Error{Class: log.Rejected, Err: log.ErrTooLarge}, want: session.Continue, skipped: true},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := stale(t)
			r.reproduce, r.append = test.reproduce, test.append
			r.ends(test.want)
			if len(r.skipped) != 0 != test.skipped {
				t.Errorf("skipped: %v", r.skipped)
			}
			if test.want != session.Retry {
				return
			}
			r.reproduce, r.append = nil, nil
			r.reads()
			r.holds("config; config")
		})
	}
}

// An unclean election may lose what was acknowledged and not read. The orderer that appended it appends it again, once
// it has read to where the log ended.
func TestACopyThatWasLostIsAppendedAgain(t *testing.T) {
	r := stale(t)
	if err := r.driver.Connect(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := r.driver.Advance(t.Context(), t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := r.broker.Len(channelID); n != 4 {
		t.Fatalf("%d records, want 4: one of them the copy", n)
	}
	r.broker.CutTail(channelID, 3)
	r.reads()
	if n := r.broker.Len(channelID); n != 4 {
		t.Errorf("%d records, want 4: one of them the copy", n)
	}
	r.holds("config; config")
	if slices.Contains(r.skipped, "garbage@3") {
		t.Errorf("skipped: %v", r.skipped)
	}
}

// So is the time-to-cut of what is pending: its timer is armed again.
func TestTheTimerOfWhatIsPendingIsArmedAgain(t *testing.T) {
	r := newRig(t)
	r.reads()
	r.orders("a")
	r.reads()
	r.armed = 0
	wait := r.over()
	if err := r.driver.Connect(t.Context()); err != nil {
		t.Fatal(err)
	}
	if outcome, err := r.driver.Advance(t.Context(), wait); outcome != session.Due || err != nil {
		t.Fatalf("outcome %d, error %v", outcome, err)
	}
	if r.armed != 1 {
		t.Errorf("the timer runs for block %d", r.armed)
	}
}
