package memlog_test

import (
	"context"
	"errors"
	"sync"
	"testing"

	"github.com/fabric-kafka/orderer/chain/log"
	"github.com/fabric-kafka/orderer/chain/log/logtest"
	"github.com/fabric-kafka/orderer/chain/log/memlog"
)

var _ logtest.Scripter = harness{}

// named is the name of an answer, as an error.
type named string

func (n named) Error() string { return string(n) }

func (h harness) Script(_ *testing.T, topic string, answers ...logtest.Answer) {
	var mu sync.Mutex
	h.broker.SetFault(func(op, name string, _ int) *memlog.Failure {
		mu.Lock()
		defer mu.Unlock()
		if op != "append" || name != topic || len(answers) == 0 {
			return nil
		}
		a := answers[0]
		if len(answers) > 1 {
			answers = answers[1:]
		}
		if a == logtest.Acknowledged {
			return nil
		}
		return &memlog.Failure{Err: named(a.Name), After: a.Append, Unsure: !a.Certain, Again: a.Retried}
	})
}

func TestAnswers(t *testing.T) {
	logtest.RunAnswers(t, harness{memlog.NewBroker()})
}

func TestCrowd(t *testing.T) {
	logtest.RunCrowd(t, harness{memlog.NewBroker()})
}

// lying opens logs that misreport the outcome of an append.
type lying struct {
	harness
	append func(ctx context.Context, l log.Log, value []byte) error
}

func (h lying) Open(t *testing.T, topic string, s log.Settings) log.Log {
	return lyingLog{h.harness.Open(t, topic, s), h.append}
}

type lyingLog struct {
	log.Log
	append func(context.Context, log.Log, []byte) error
}

func (l lyingLog) Append(ctx context.Context, value []byte) error { return l.append(ctx, l.Log, value) }

// last returns the last answer; the zero value if there was none.
func last(err error) (a logtest.Answer) {
	var name named
	if errors.As(err, &name) {
		for _, a := range logtest.Answers() {
			if a.Name == string(name) {
				return a
			}
		}
	}
	return logtest.Answer{}
}

// The suite detects each kind of client that misreports an append.
func TestAnswersDetectsLies(t *testing.T) {
	for name, lie := range map[string]func(context.Context, log.Log, []byte) error{
		"considers only the last answer": func(ctx context.Context, l log.Log, value []byte) error {
			err := l.Append(ctx, value)
			if last(err).Certain {
				return &log.Error{Class: log.Retryable, Op: "append", Err: err}
			}
			return err
		},
		"considers NOT_LEADER_OR_FOLLOWER a refusal": func(ctx context.Context, l log.Log, value []byte) error {
			err := l.Append(ctx, value)
			if last(err).Code == 6 {
				return &log.Error{Class: log.Retryable, Op: "append", Err: err}
			}
			return err
		},
		"considers a duplicate an acknowledgement": func(ctx context.Context, l log.Log, value []byte) error {
			err := l.Append(ctx, value)
			if last(err).Code == 46 {
				return nil
			}
			return err
		},
		"appends again after MESSAGE_TOO_LARGE": func(ctx context.Context, l log.Log, value []byte) error {
			err := l.Append(ctx, value)
			if last(err).Code == 10 {
				return l.Append(ctx, value)
			}
			return err
		},
		"does not try again": func(ctx context.Context, l log.Log, value []byte) error {
			err := l.Append(ctx, value)
			if err == nil && value[0] == 'N' {
				return &log.Error{Class: log.Ambiguous, Op: "append", Err: errors.New("gave up")}
			}
			return err
		},
		"calls everything ambiguous": func(ctx context.Context, l log.Log, value []byte) error {
			if err := l.Append(ctx, value); err != nil {
				return &log.Error{Class: log.Ambiguous, Op: "append", Err: err}
			}
			return nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			faults := logtest.Faults(t, lying{harness{memlog.NewBroker()}, lie}, logtest.Answers()...)
			if len(faults) == 0 {
				t.Error("the suite detects nothing")
			} else {
				t.Logf("%d faults, such as: %s", len(faults), faults[0])
			}
		})
	}
}
