package command

import (
	"context"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/fabric-kafka/orderer/chain/log"
)

// meterInterval is how often a long command reports its progress.
const meterInterval = 10 * time.Second

// meter is the context of a command's work. It ends when no block and no record has arrived
// for the limit: how long all of the work takes depends on the length of the channel, not on
// whether brokers and orderers answer.
type meter struct {
	context.Context // the command's; Done and Err are the meter's own

	limit time.Duration
	out   io.Writer // gets the progress
	timer *time.Timer
	done  chan struct{}

	mu              sync.Mutex
	err             error // why done was closed
	blocks, records int
	shown           time.Time
}

// newMeter starts a meter; stop releases it.
func newMeter(ctx context.Context, limit time.Duration, out io.Writer) (m *meter, stop func()) {
	m = &meter{Context: ctx, limit: limit, out: out, done: make(chan struct{}), shown: time.Now()}
	m.timer = time.AfterFunc(limit, func() { m.end(context.DeadlineExceeded) })
	detach := context.AfterFunc(ctx, func() { m.end(ctx.Err()) })
	return m, func() {
		detach()
		m.timer.Stop()
		m.end(context.Canceled)
	}
}

// Deadline reports that no time is set.
func (m *meter) Deadline() (time.Time, bool) { return time.Time{}, false }

// Done returns a channel that is closed when the work is to end.
func (m *meter) Done() <-chan struct{} { return m.done }

// Err returns why the work is to end: context.DeadlineExceeded at the limit.
func (m *meter) Err() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.err
}

func (m *meter) end(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.err == nil {
		m.err = err
		close(m.done)
	}
}

// block counts a block that has arrived.
func (m *meter) block() { m.arrived(&m.blocks) }

// record counts a record that has arrived.
func (m *meter) record() { m.arrived(&m.records) }

func (m *meter) arrived(count *int) {
	m.timer.Reset(m.limit)
	m.mu.Lock()
	defer m.mu.Unlock()
	*count++
	if time.Since(m.shown) >= meterInterval {
		m.shown = time.Now()
		fmt.Fprintf(m.out, "%d blocks and %d records read so far\n", m.blocks, m.records)
	}
}

// without calls f, whose time does not count: a reader of the output may pause.
func (m *meter) without(f func() error) error {
	m.timer.Stop()
	defer m.timer.Reset(m.limit)
	return f()
}

// metered is a topic whose records are counted when they arrive.
type metered struct {
	Topic
	meter *meter
}

func (m metered) Read(ctx context.Context, from log.Offset) (log.Reader, error) {
	r, err := m.Topic.Read(ctx, from)
	if err != nil {
		return nil, err
	}
	return meteredReader{r, m.meter}, nil
}

type meteredReader struct {
	log.Reader
	meter *meter
}

func (m meteredReader) Next(ctx context.Context) (log.Record, error) {
	r, err := m.Reader.Next(ctx)
	if err == nil {
		m.meter.record()
	}
	return r, err
}
