package memlog_test

import (
	"context"
	"testing"

	"github.com/fabric-kafka/orderer/chain/log"
	"github.com/fabric-kafka/orderer/chain/log/logtest"
	"github.com/fabric-kafka/orderer/chain/log/memlog"
)

// leaking opens logs that keep what a reader has fetched, or a goroutine per reader, until
// the log is closed.
type leaking struct {
	harness
	goroutines bool
}

func (h leaking) Open(t *testing.T, topic string, s log.Settings) log.Log {
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	return leakingLog{h.harness.Open(t, topic, s), ctx, h.goroutines}
}

type leakingLog struct {
	log.Log
	life       context.Context
	goroutines bool
}

func (l leakingLog) Read(ctx context.Context, from log.Offset) (log.Reader, error) {
	if l.goroutines {
		go func() { <-l.life.Done() }()
	} else {
		fetched := make([]byte, 64<<10)
		context.AfterFunc(l.life, func() { clear(fetched) })
	}
	return l.Log.Read(ctx, from)
}

func TestSoakDetectsLeaks(t *testing.T) {
	for _, goroutines := range []bool{false, true} {
		if fault := logtest.Soak(t, leaking{harness{memlog.NewBroker()}, goroutines}, 300); fault == "" {
			t.Errorf("goroutines=%v: the soak detects nothing", goroutines)
		}
	}
}
