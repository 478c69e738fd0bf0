package status_test

import (
	"errors"
	"testing"

	"github.com/fabric-kafka/orderer/chain/status"
)

// When envelopes are accepted.
func TestReadiness(t *testing.T) {
	cause := errors.New("the brokers are down")
	for _, test := range []struct {
		phase     status.Phase
		described bool
		want      error
	}{
		{status.Starting, false, status.ErrNotReady},
		{status.Reading, false, status.ErrNotReady},
		{status.Reading, true, nil},
		{status.CutOff, true, status.ErrNotReady},
		{status.Pulling, true, status.ErrNotReady},
		{status.Waiting, false, status.ErrNotReady},
		{status.Failed, true, status.ErrFailed},
		{status.Halted, true, status.ErrHalted},
	} {
		r := status.Readiness{RulesKnown: test.described}
		r.To(test.phase, cause)
		if err := r.Ready(); !errors.Is(err, test.want) || (err == nil) != (test.want == nil) {
			t.Errorf("phase %d: %v, want %v", test.phase, err, test.want)
		}
	}
}

// A channel that has stopped can be halted, and nothing else.
func TestFinalPhases(t *testing.T) {
	r := status.Readiness{}
	if !r.To(status.Failed, errors.New("deleted")) || r.To(status.Reading, nil) || !r.Final() {
		t.Errorf("%+v", r)
	}
	if !r.To(status.Halted, nil) || r.To(status.Failed, nil) || !r.Final() {
		t.Errorf("%+v", r)
	}
}
