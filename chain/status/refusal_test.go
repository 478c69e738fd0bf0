package status_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/fabric-kafka/orderer/chain/log"
	"github.com/fabric-kafka/orderer/chain/status"
)

// A client gets SUCCESS only for what is in the log, and learns when the outcome is not known.
func TestAppendError(t *testing.T) {
	if err := status.AppendError(nil); err != nil {
		t.Error(err)
	}
	for class, test := range map[log.Class]struct {
		says    string
		retried bool
	}{
		log.Rejected:  {"does not accept the envelope", false},
		log.Ambiguous: {"may or may not be ordered", true},
		log.Retryable: {"is not ordered", true},
		log.Fatal:     {"is not ordered", true},
	} {
		err := status.AppendError(&log.Error{Class: class, Err: errors.New("x")})
		if err == nil || !strings.Contains(err.Error(), test.says) || errors.Is(err, status.ErrNotReady) != test.retried {
			t.Errorf("class %d: %v, want %q", class, err, test.says)
		}
	}
}

// An error has its word through whatever wraps it, and none if it is about something else.
func TestRefusalOf(t *testing.T) {
	for want, err := range map[status.Refusal]error{
		status.RefusalHalted:   status.ErrHalted,
		status.RefusalFailed:   fmt.Errorf("%w: deleted", status.ErrFailed),
		status.RefusalNotReady: fmt.Errorf("%w: no broker", status.ErrNotReady),
		status.RefusalBusy:     status.Refused{Refusal: status.RefusalBusy, Err: fmt.Errorf("%w: full", status.ErrNotReady)},
		"":                     errors.New("something else"),
	} {
		if got := status.RefusalOf(err); got != want {
			t.Errorf("%v: %q, want %q", err, got, want)
		}
	}
}
