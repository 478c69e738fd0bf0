package session_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/fabric-kafka/orderer/chain/chaintest"
	"github.com/fabric-kafka/orderer/chain/log"
	"github.com/fabric-kafka/orderer/chain/machine"
	"github.com/fabric-kafka/orderer/chain/session"
)

// A client is answered SUCCESS only for what is in the log, and learns what is not known.
func TestAppendError(t *testing.T) {
	if err := session.AppendError(nil); err != nil {
		t.Error(err)
	}
	for class, test := range map[log.Class]struct {
		says    string
		retried bool
	}{
		log.Rejected:  {"does not take the envelope", false},
		log.Ambiguous: {"may or may not be ordered", true},
		log.Retryable: {"is not ordered", true},
		log.Fatal:     {"is not ordered", true},
	} {
		err := session.AppendError(&log.Error{Class: class, Err: errors.New("x")})
		if err == nil || !strings.Contains(err.Error(), test.says) || errors.Is(err, session.ErrNotReady) != test.retried {
			t.Errorf("class %d: %v, want %q", class, err, test.says)
		}
	}
}

// Broadcast accepts envelopes that no peer would take a block with.
func TestValueRefusesWhatPeersDoNotTake(t *testing.T) {
	e := chaintest.Envelope(channelID, "a")
	if _, err := session.Value(e, 0, machine.Normal); err != nil {
		t.Error(err)
	}
	e.Signature = nil
	if _, err := session.Value(e, 0, machine.Normal); err == nil || !strings.Contains(err.Error(), "no signature") {
		t.Errorf("without a signature: %v", err)
	}
	e = chaintest.Envelope(channelID, "a")
	e.Payload = []byte{0xff}
	if _, err := session.Value(e, 0, machine.Normal); err == nil {
		t.Error("a payload that does not decode is ordered")
	}
}

// When envelopes are taken.
func TestReadiness(t *testing.T) {
	cause := errors.New("the brokers are away")
	for _, test := range []struct {
		phase     session.Phase
		described bool
		want      error
	}{
		{session.Starting, false, session.ErrNotReady},
		{session.Reading, false, session.ErrNotReady},
		{session.Reading, true, nil},
		{session.CutOff, true, session.ErrNotReady},
		{session.Pulling, true, session.ErrNotReady},
		{session.Waiting, false, session.ErrNotReady},
		{session.Failed, true, session.ErrFailed},
		{session.Halted, true, session.ErrHalted},
	} {
		r := session.Readiness{RulesKnown: test.described}
		r.To(test.phase, cause)
		if err := r.Ready(); !errors.Is(err, test.want) || (err == nil) != (test.want == nil) {
			t.Errorf("phase %d: %v, want %v", test.phase, err, test.want)
		}
	}
}

// A channel that has stopped can be halted, and nothing else.
func TestFinalPhases(t *testing.T) {
	r := session.Readiness{}
	if !r.To(session.Failed, errors.New("deleted")) || r.To(session.Reading, nil) || !r.Final() {
		t.Errorf("%+v", r)
	}
	if !r.To(session.Halted, nil) || r.To(session.Failed, nil) || !r.Final() {
		t.Errorf("%+v", r)
	}
}
