package chain

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/fabric-kafka/orderer/chain/log"
)

// saying is a log whose appends all have one outcome, after something happened.
type saying struct {
	log.Log
	err    error
	before func()
}

func (s saying) Append(context.Context, []byte) error {
	s.before()
	return s.err
}

func (s saying) Close() error { return nil }

// Whatever an append came to, and whatever became of the channel meanwhile: a client is
// answered that its envelope is not ordered if, and only if, that is certain.
func TestClientsAreAnsweredWhatIsCertain(t *testing.T) {
	typed := func(c log.Class, err error) error { return &log.Error{Class: c, Op: "append", Err: err} }
	cause := errors.New("some cause")
	for _, outcome := range []struct {
		err       error
		ambiguous bool
	}{
		{typed(log.Retryable, cause), false},
		{typed(log.Fatal, cause), false},
		{typed(log.Retryable, context.DeadlineExceeded), false},
		{log.ErrClosed, false},
		{fmt.Errorf("append: %w", log.ErrClosed), false},
		{context.Canceled, false},
		{typed(log.Ambiguous, cause), true},
		{typed(log.Ambiguous, log.ErrClosed), true},
		{typed(log.Ambiguous, context.DeadlineExceeded), true},
	} {
		for name, meanwhile := range map[string]func(*Chain){
			"running": func(*Chain) {},
			"halted":  func(c *Chain) { c.end() },
			"failed":  func(c *Chain) { c.fail(errors.New("an operator is needed")) },
		} {
			c := New(newLedger(), newLedger().Metadata(), Options{})
			reported := 0
			c.opts.Events.Ambiguous = func(error) { reported++ }
			c.connection.replace(&openLog{Log: saying{err: outcome.err, before: func() { meanwhile(c) }}})
			err := c.appendSlotted(nil)
			c.end()
			is, maybe := strings.Contains(err.Error(), "the envelope is not ordered"), strings.Contains(err.Error(), "the envelope may or may not be ordered")
			if is == maybe || maybe != outcome.ambiguous || (reported == 1) != outcome.ambiguous {
				t.Errorf("%v on a chain that is %s: %v; %d ambiguous appends were reported", outcome.err, name, err, reported)
			}
		}
	}
}
