package producer_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/IBM/sarama"

	"github.com/fabric-kafka/orderer/chain/log"
	"github.com/fabric-kafka/orderer/chain/log/kafka/kafkatest"
	"github.com/fabric-kafka/orderer/chain/log/logtest"
)

func TestAnswers(t *testing.T) {
	t.Parallel()
	logtest.RunAnswers(t, kafkatest.NewHasty(t))
}

func TestCrowd(t *testing.T) {
	t.Parallel()
	logtest.RunCrowd(t, kafkatest.NewHasty(t))
}

// A producer that gives up a batch in doubt connects again, and leaks nothing.
func TestProducersLeakNothing(t *testing.T) {
	h := kafkatest.NewHasty(t)
	var begin sync.Once
	fault := logtest.Left(t, h, 1000, func(l log.Log, _ int) error {
		begin.Do(func() { h.Fault(kafkatest.Fault{Key: kafkatest.KeyProduce, Code: kafkatest.CodeDuplicateSequence}) })
		if err := l.Append(context.Background(), []byte("lost or not")); log.ClassOf(err) != log.Ambiguous {
			return fmt.Errorf("got %w, want an ambiguous append", err)
		}
		return nil
	})
	if fault != "" {
		t.Error(fault)
	}
}

// answers returns the answers with one of the codes.
func answers(codes ...int16) []logtest.Answer {
	return slices.DeleteFunc(logtest.Answers(), func(a logtest.Answer) bool { return !slices.Contains(codes, a.Code) })
}

// credulous opens logs that consider a code a refusal, which implies that nothing was appended.
type credulous struct {
	kafkatest.Harness
	code int16
}

func (h credulous) Open(t *testing.T, topic string, s log.Settings) log.Log {
	return credulousLog{h.Harness.Open(t, topic, s), sarama.KError(h.code)}
}

type credulousLog struct {
	log.Log
	refusal sarama.KError
}

func (l credulousLog) Append(ctx context.Context, value []byte) error {
	err := l.Log.Append(ctx, value)
	var known *log.Error
	if !errors.As(err, &known) || !errors.Is(err, l.refusal) {
		return err
	}
	e := *known
	e.Class = log.Retryable
	return &e
}

// A code that a broker may also give after an append must not be considered a refusal.
func TestAnswersDetectsAWrongClassifier(t *testing.T) {
	t.Parallel()
	for _, code := range []int16{kafkatest.CodeUnknownTopic, kafkatest.CodeNotLeader, kafkatest.CodeTimedOut, kafkatest.CodeStorageError} {
		faults := logtest.Faults(t, credulous{kafkatest.NewHasty(t), code}, answers(code, kafkatest.CodeTopicAuthorization)...)
		if len(faults) == 0 {
			t.Errorf("the suite does not detect that code %d is considered a refusal", code)
		}
	}
}

// forgetful opens logs that consider nothing sent once the caller has left.
type forgetful struct{ kafkatest.Harness }

func (h forgetful) Open(t *testing.T, topic string, s log.Settings) log.Log {
	return forgetfulLog{h.Harness.Open(t, topic, s)}
}

type forgetfulLog struct{ log.Log }

func (l forgetfulLog) Append(ctx context.Context, value []byte) error {
	if err := l.Log.Append(ctx, value); err == nil || ctx.Err() == nil {
		return err
	}
	return ctx.Err()
}

func TestAnswersDetectsForgottenAttempts(t *testing.T) {
	t.Parallel()
	if faults := logtest.Faults(t, forgetful{kafkatest.NewHasty(t)}, answers(kafkatest.CodeTimedOut)...); len(faults) == 0 {
		t.Error("the suite detects nothing")
	}
}
