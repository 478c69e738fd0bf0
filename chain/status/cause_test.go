package status_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/fabric-kafka/orderer/chain/guard"
	"github.com/fabric-kafka/orderer/chain/log"
	"github.com/fabric-kafka/orderer/chain/machine"
	"github.com/fabric-kafka/orderer/chain/status"
)

// An error has the cause that it names, or else the one that its type implies. The error of a
// broker that does not answer has none: there is nothing to look up.
func TestCauseOf(t *testing.T) {
	outage := &log.Error{Class: log.Retryable, Err: errors.New("no broker answers")}
	fault := status.Fault{Cause: status.CauseDisk, Err: outage}
	for _, test := range []struct {
		err  error
		want status.Cause
	}{
		{nil, ""},
		{outage, ""},
		{fmt.Errorf("%w: %w", status.ErrNotReady, fault), status.CauseDisk},
		{status.Stopped{Err: fault}, status.CauseDisk},
		{guard.NoVerdict(errors.New("an unknown capability")), status.Cause(machine.HaltNoVerdict)},
		{&log.Error{Class: log.Fatal, Err: errors.New("a batch")}, status.CauseUnreadable},
		{&log.Error{Class: log.Fatal, Err: log.ErrClosed}, ""},
		{status.Stopped{Err: errors.New("an effect")}, status.CauseInternal},
	} {
		if got := status.CauseOf(test.err); got != test.want {
			t.Errorf("%v: %q, want %q", test.err, got, test.want)
		}
	}
}
