package chain

import (
	"context"

	"github.com/fabric-kafka/orderer/chain/log"
)

// topic is the connection as sessions use it. The loop's.
type topic struct {
	*connection
	answered func() // is called when something came from the brokers
	late     int    // appends in a row that a time limit has ended
	surveyed bool   // the preflight has found the topic fit
}

// Open returns the topic as the channel config in force has it.
func (t *topic) Open() (log.Log, error) {
	opened, err := t.open()
	if err != nil {
		return nil, err
	}
	return watchedLog{opened, t.answered}, nil
}

// Current reports whether the log that Open returned is still the one to use.
func (t *topic) Current() (bool, error) { return t.isCurrent() }

// Append appends with the time limit of a client's append at first. A session repeats it until
// it is acknowledged, and each attempt that the limit ends may still add a record to the
// topic: the limit doubles with each of them.
func (t *topic) Append(ctx context.Context, value []byte) error {
	timed, cancel := context.WithTimeout(ctx, t.opts.AppendTimeout<<t.late)
	defer cancel()
	err := t.connection.append(timed, value)
	switch {
	case err == nil:
		t.late = 0
	case ctx.Err() == nil && timed.Err() != nil:
		t.late = min(t.late+1, mostDoubled)
	}
	return err
}

// mostDoubled keeps a time limit from overflowing: 10 s become a week.
const mostDoubled = 16
