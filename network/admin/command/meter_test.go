package command

import (
	"bytes"
	"context"
	"errors"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fabric-kafka/orderer/chain/log"
	"github.com/fabric-kafka/orderer/chain/log/memlog"
	"github.com/fabric-kafka/orderer/network/inspect"
)

// pass lets the fake clock of a synctest bubble advance.
func pass(d time.Duration) { time.Sleep(d) }

// Work may take as long as it needs while something arrives, and reports its progress.
func TestMeterEndsWorkWithoutProgress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		m, stop := newMeter(t.Context(), time.Minute, &out)
		defer stop()
		child, cancel := context.WithCancel(m)
		defer cancel()
		for range 120 {
			pass(30 * time.Second)
			m.block()
			m.record()
		}
		if m.Err() != nil || !bytes.HasPrefix(out.Bytes(), []byte("1 blocks and 0 records read so far\n")) || bytes.Count(out.Bytes(), []byte("\n")) != 120 {
			t.Errorf("after an hour: %v, %s", m.Err(), out.String())
		}
		_ = m.without(func() error { pass(time.Hour); return nil })
		pass(59 * time.Second)
		if m.Err() != nil {
			t.Errorf("after a pause: %v", m.Err())
		}
		pass(2 * time.Second)
		<-child.Done()
		if !errors.Is(m.Err(), context.DeadlineExceeded) || !errors.Is(child.Err(), context.DeadlineExceeded) {
			t.Errorf("without progress: %v, %v", m.Err(), child.Err())
		}
	})
}

func TestMeterEndsWithTheCommand(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	m, stop := newMeter(ctx, time.Minute, io.Discard)
	defer stop()
	cancel()
	<-m.Done()
	if !errors.Is(m.Err(), context.Canceled) {
		t.Error(m.Err())
	}
}

// noTrim makes a [Topic] of a log that tests read only.
type noTrim struct{ log.Log }

func (noTrim) Since(context.Context, time.Time) (log.Offset, error) { panic("not called") }
func (noTrim) Trim(context.Context, log.Offset) error               { panic("not called") }

func TestMeterCountsRecords(t *testing.T) {
	broker := memlog.NewBroker()
	broker.Write("mine", make([][]byte, 5)...)
	m, stop := newMeter(t.Context(), time.Minute, io.Discard)
	defer stop()
	topic := metered{noTrim{broker.Open("mine", log.Settings{})}, m}
	defer topic.Close()
	if err := inspect.Records(m, topic, func(inspect.Record) error { return nil }); err != nil || m.records != 5 {
		t.Errorf("%d records, %v", m.records, err)
	}
}
