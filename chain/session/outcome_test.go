package session_test

import (
	"errors"
	"testing"

	"github.com/fabric-kafka/orderer/chain/log"
	"github.com/fabric-kafka/orderer/chain/session"
)

// What follows a failure of the log, and which phase it reports.
func TestAfterAFailureOfTheLog(t *testing.T) {
	for _, test := range []struct {
		name  string
		err   error
		want  session.Outcome
		phase session.Phase
	}{
		{"retryable", &log.Error{Class: log.Retryable, Err: errors.New("no leader")}, session.Retry, session.CutOff},
		{"of unknown outcome", &log.Error{Class: log.Ambiguous, Err: errors.New("timed out")}, session.Retry, session.CutOff},
		{"without a class", errors.New("unknown"), session.Retry, session.CutOff},
		{"out of range", &log.Error{Class: log.Fatal, Err: log.ErrOutOfRange}, session.Retry, session.CutOff},
		{"fatal", &log.Error{Class: log.Fatal, Err: errors.New("not authorized")}, session.Stop, session.Reading},
		{"new leader", &log.Error{Class: log.Retryable, Err: log.ErrNewLeader}, session.Reconnect, session.Reading},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := newRig(t)
			r.reads()
			if got := r.driver.After(test.err); got != test.want || r.phase != test.phase {
				t.Errorf("outcome %d in phase %d, want %d in %d", got, r.phase, test.want, test.phase)
			}
		})
	}
}

// A topic whose settings are not safe is read once they are.
func TestUnsafeSettingsAreAwaited(t *testing.T) {
	r := newRig(t)
	r.survey = errors.New("one replica")
	r.ends(session.Retry, "one replica")
	if n := r.broker.Len(channelID); n != 0 {
		t.Errorf("%d records", n)
	}
	r.survey = nil
	r.reads()
}
