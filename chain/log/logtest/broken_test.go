package logtest_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/fabric-kafka/orderer/chain/log"
	"github.com/fabric-kafka/orderer/chain/log/logtest"
	"github.com/fabric-kafka/orderer/chain/log/memlog"
)

// broken is a log that violates the contract, and the test of the suite that must
// fail on it.
type broken struct {
	name  string
	test  string
	alter func(*altered)
}

var errBroken = errors.New("broken")

func sound(*altered) {}

var topics = []broken{
	{"creates a topic when asked for its identity", "no topic", func(a *altered) {
		a.identity = func(ctx context.Context) (log.Identity, error) {
			return log.Identity{}, errors.Join(a.Log.Create(ctx), errBroken)
		}
	}},
	{"reads a topic that does not exist", "no topic", func(a *altered) {
		a.bounds = func(context.Context) (log.Bounds, error) { return log.Bounds{}, nil }
	}},
	{"recreates a topic that exists", "create", func(a *altered) {
		a.create = func(context.Context) error { a.broker.Recreate(a.topic); return nil }
	}},
	{"creates several partitions", "create", func(a *altered) {
		a.create = func(context.Context) error { a.broker.Make(a.topic, 3); return nil }
	}},
	{"uses the name of a topic as its id", "recreate", func(a *altered) {
		a.identity = func(ctx context.Context) (log.Identity, error) {
			id, err := a.Log.Identity(ctx)
			id.TopicID = a.topic
			return id, err
		}
	}},
	{"caches the source of records", "recreate", func(a *altered) {
		a.reads(func(r *alteredReader) {
			id, err := a.Log.Identity(context.Background())
			r.source = func(context.Context) (string, error) { return id.TopicID, err }
		})
	}},
	{"forgets that records were trimmed", "trim", func(a *altered) {
		a.bounds = func(ctx context.Context) (log.Bounds, error) {
			b, err := a.Log.Bounds(ctx)
			return log.Bounds{End: b.End}, err
		}
	}},
	{"reads from the start of a trimmed log", "trim", clamped},
}

// clamped reads from the nearest offset that exists.
func clamped(a *altered) {
	a.read = func(ctx context.Context, from log.Offset) (log.Reader, error) {
		b, err := a.Log.Bounds(ctx)
		if err != nil {
			return nil, err
		}
		return a.Log.Read(ctx, min(max(from, b.Start), b.End))
	}
}

var appends = []broken{
	{"appends twice", "append and read", func(a *altered) {
		a.append = func(ctx context.Context, value []byte) error {
			return errors.Join(a.Log.Append(ctx, value), a.Log.Append(ctx, value))
		}
	}},
	{"changes a value", "append and read", func(a *altered) {
		a.append = func(ctx context.Context, value []byte) error { return a.Log.Append(ctx, append(value, '!')) }
	}},
	{"reports bounds beyond the end of the log", "append and read", func(a *altered) {
		a.bounds = func(ctx context.Context) (log.Bounds, error) {
			b, err := a.Log.Bounds(ctx)
			return log.Bounds{Start: b.Start, End: b.End + 1}, err
		}
	}},
	{"drops an empty value", "unusual values", func(a *altered) {
		a.append = func(ctx context.Context, value []byte) error {
			if len(value) == 0 {
				return nil
			}
			return a.Log.Append(ctx, value)
		}
	}},
	{"accepts a record that is too large", "too large", func(a *altered) {
		a.append = a.broker.Open(a.topic, log.Settings{}).Append
	}},
	{"classifies a record that is too large as fatal", "too large", func(a *altered) {
		a.append = func(ctx context.Context, value []byte) error {
			err := a.Log.Append(ctx, value)
			if errors.Is(err, log.ErrTooLarge) {
				return &log.Error{Class: log.Fatal, Op: "append", Err: log.ErrTooLarge}
			}
			return err
		}
	}},
	{"reports the offset of the next record", "offsets of appends", func(a *altered) { a.shift = 1 }},
	{"appends some records twice", "concurrent appends", every(50, func(a *altered, ctx context.Context, value []byte) error {
		return errors.Join(a.Log.Append(ctx, value), a.Log.Append(ctx, value))
	})},
	{"appends one caller's record as another's", "concurrent appends", every(50, func(a *altered, ctx context.Context, value []byte) error {
		return a.Log.Append(ctx, fmt.Append(nil, "00-", string(value[3:])))
	})},
	{"acknowledges in an outage", "outage", acknowledging},
	{"acknowledges after Close in an outage", "close in an outage", acknowledging},
	{"does not name what an append awaits", "outage", func(a *altered) {
		a.append = func(ctx context.Context, value []byte) error {
			if err := a.Log.Append(ctx, value); err != nil {
				return &log.Error{Class: log.ClassOf(err), Op: "append", Err: errBroken}
			}
			return nil
		}
	}},
}

// every alters every n-th append.
func every(n int, alter func(*altered, context.Context, []byte) error) func(*altered) {
	return func(a *altered) {
		turn := make(chan int, 1)
		turn <- 0
		a.append = func(ctx context.Context, value []byte) error {
			count := <-turn + 1
			turn <- count
			if count%n == 0 {
				return alter(a, ctx, value)
			}
			return a.Log.Append(ctx, value)
		}
	}
}

func acknowledging(a *altered) {
	a.append = func(ctx context.Context, value []byte) error {
		_ = a.Log.Append(ctx, value)
		return nil
	}
}

var reads = []broken{
	{"reads from the beginning", "read positions", func(a *altered) {
		a.read = func(ctx context.Context, from log.Offset) (log.Reader, error) { return a.Log.Read(ctx, min(from, 0)) }
	}},
	{"reads from anywhere", "read positions", clamped},
	{"does not wait for a record", "a waiting read", func(a *altered) {
		a.reads(func(r *alteredReader) {
			r.next = func(ctx context.Context) (log.Record, error) {
				ctx, cancel := context.WithTimeout(ctx, time.Millisecond)
				defer cancel()
				record, err := r.Reader.Next(ctx)
				if ctx.Err() != nil {
					return record, &log.Error{Class: log.Retryable, Op: "read", Err: log.ErrNoRecord}
				}
				return record, err
			}
		})
	}},
	{"returns a record although the context has ended", "a waiting read", func(a *altered) {
		a.reads(func(r *alteredReader) {
			r.next = func(ctx context.Context) (log.Record, error) {
				if ctx.Err() != nil {
					ctx = context.Background()
				}
				return r.Reader.Next(ctx)
			}
		})
	}},
	{"keeps waiting after the reader is closed", "a waiting read", func(a *altered) {
		a.reads(func(r *alteredReader) { r.close = func() error { return nil } })
	}},
	{"keeps waiting after the log is closed", "close", func(a *altered) { a.close = func() error { return nil } }},
	{"appends after the log is closed", "close", func(a *altered) {
		a.append = func(ctx context.Context, value []byte) error {
			return a.broker.Open(a.topic, log.Settings{}).Append(ctx, value)
		}
	}},
	{"follows a new leader", "new leader", following},
	{"follows a new leader while it waits", "new leader while waiting", following},
	{"returns ErrNewLeader only once", "new leader", func(a *altered) {
		a.reads(func(r *alteredReader) {
			reported := false
			r.next = func(ctx context.Context) (log.Record, error) {
				if reported {
					return log.Record{}, &log.Error{Class: log.Fatal, Op: "read", Err: errBroken}
				}
				record, err := r.Reader.Next(ctx)
				reported = errors.Is(err, log.ErrNewLeader)
				return record, err
			}
		})
	}},
	{"does not name what a reader awaits", "outage", func(a *altered) {
		a.reads(func(r *alteredReader) {
			r.next = func(ctx context.Context) (log.Record, error) {
				record, err := r.Reader.Next(ctx)
				if err != nil {
					err = &log.Error{Class: log.ClassOf(err), Op: "read", Err: errBroken}
				}
				return record, err
			}
		})
	}},
	{"returns a source in an outage", "outage", func(a *altered) {
		a.reads(func(r *alteredReader) { r.source = func(context.Context) (string, error) { return "", nil } })
	}},
}

// following opens another reader where the old leader's reader ends.
func following(a *altered) {
	a.reads(func(r *alteredReader) {
		next := log.Offset(0)
		r.next = func(ctx context.Context) (log.Record, error) {
			record, err := r.Reader.Next(ctx)
			if errors.Is(err, log.ErrNewLeader) {
				if r.Reader, err = a.Log.Read(ctx, next); err != nil {
					return record, err
				}
				record, err = r.Reader.Next(ctx)
			}
			next = record.Offset + 1
			return record, err
		}
	})
}

var progress = []broken{
	{"keeps the highest progress", "progress", func(a *altered) {
		a.publish = func(ctx context.Context, p log.Progress) error {
			if p.Next == 0 {
				return nil
			}
			return a.Log.Publish(ctx, p)
		}
	}},
	{"loses the hashes that were published", "progress", func(a *altered) {
		a.publish = func(ctx context.Context, p log.Progress) error {
			p.Hashes = nil
			return a.Log.Publish(ctx, p)
		}
	}},
	{"returns the progress of all members", "progress", func(a *altered) {
		a.published = func(ctx context.Context, _ string) ([]log.Progress, error) { return a.Log.Published(ctx, "") }
	}},
	{"returns the progress of another topic", "progress", func(a *altered) {
		one := a.broker.Open(strings.TrimSuffix(a.topic, "-other"), log.Settings{})
		a.publish, a.published = one.Publish, one.Published
	}},
	{"returns progress unsorted", "progress", func(a *altered) {
		a.published = func(ctx context.Context, prefix string) ([]log.Progress, error) {
			all, err := a.Log.Published(ctx, prefix)
			if len(all) == 2 {
				all[0], all[1] = all[1], all[0]
			}
			return all, err
		}
	}},
}

func all() (all []broken) {
	for _, some := range [][]broken{topics, appends, reads, progress} {
		all = append(all, some...)
	}
	return all
}

// variable is the environment variable with the name of the broken log that a process of
// this test runs the suite on.
const variable = "LOGTEST_BROKEN"

// TestBrokenLog runs the suite on the log that the environment names: see [TestBroken].
func TestBrokenLog(t *testing.T) {
	name := os.Getenv(variable)
	for _, b := range append(all(), broken{"sound", "", sound}) {
		if b.name == name {
			logtest.Run(t, harness{memlog.NewBroker(), b.alter})
			return
		}
	}
	if name != "" {
		t.Fatalf("no log is named %q", name)
	}
}

// TestBroken runs the suite, in a process of its own, on each log that violates the
// contract, which must fail the test for that violation, and on the sound log that they
// are derived from, which must pass all tests.
func TestBroken(t *testing.T) {
	if out, err := suite(t, broken{"sound", "", sound}); err != nil || !strings.Contains(out, "--- PASS: TestBrokenLog/close_in_an_outage") {
		t.Fatalf("the sound log does not pass: %v\n%s", err, out)
	}
	tests := map[string]bool{}
	for _, b := range all() {
		tests[b.test] = true
		t.Run(b.name, func(t *testing.T) {
			t.Parallel()
			out, err := suite(t, b)
			name := "TestBrokenLog/" + strings.ReplaceAll(b.test, " ", "_")
			failed, hangs := strings.Contains(out, "--- FAIL: "+name), strings.Contains(out, "test timed out") && strings.Contains(out, name+" (")
			if err == nil || !failed && !hangs {
				t.Errorf("%q passes, or another test fails: %v\n%s", b.test, err, out)
			}
		})
	}
	if want := 16; len(tests) < want {
		t.Errorf("%d tests of the suite fail on some log, want all %d", len(tests), want)
	}
}

// suite runs the suite, or the one test that should fail, in a process of its own.
func suite(t *testing.T, b broken) (out string, err error) {
	t.Helper()
	only := "^TestBrokenLog$"
	if b.test != "" {
		only += "/^" + strings.ReplaceAll(b.test, " ", "_") + "$"
	}
	// A log that does not wait when it should makes the suite wait forever.
	c := exec.CommandContext(t.Context(), os.Args[0], "-test.run", only, "-test.v", "-test.timeout", "10s")
	c.Env = append(os.Environ(), variable+"="+b.name)
	text, err := c.CombinedOutput()
	return string(text), err
}
