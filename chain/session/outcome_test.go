package session_test

import (
	"errors"
	"testing"

	"github.com/fabric-kafka/orderer/chain/log"
	"github.com/fabric-kafka/orderer/chain/session"
	"github.com/fabric-kafka/orderer/chain/status"
)

// What follows a failure of the log, and which phase it reports.
func TestAfterAFailureOfTheLog(t *testing.T) {
	for _, test := range []struct {
		name  string
		err   error
		want  session.Outcome
		phase status.Phase
	}{
		{"retryable", &log.Error{Class: log.Retryable, Err: errors.New("no leader")}, session.Retry, status.CutOff},
		{"of unknown outcome", &log.Error{Class: log.Ambiguous, Err: errors.New("timed out")}, session.Retry, status.CutOff},
		{"without a class", errors.New("unknown"), session.Retry, status.CutOff},
		{"out of range", &log.Error{Class: log.Fatal, Err: log.ErrOutOfRange}, session.Retry, status.CutOff},
		{"fatal", &log.Error{Class: log.Fatal, Err: errors.New("not authorized")}, session.Stop, status.Reading},
		{"new leader", &log.Error{Class: log.Retryable, Err: log.ErrNewLeader}, session.Reconnect, status.Reading},
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
