package kafkatest

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/fabric-kafka/orderer/chain/log"
)

// Must fails the test at once if there is an error.
func Must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// MustFail fails the test unless the error is of the class and its text contains each of says.
func MustFail(t testing.TB, what string, err error, class log.Class, says ...string) {
	t.Helper()
	if err == nil || log.ClassOf(err) != class {
		t.Errorf("%s: %v, want an error of class %v", what, err, class)
		return
	}
	for _, s := range says {
		if !strings.Contains(err.Error(), s) {
			t.Errorf("%s: %v\nwant it to contain %q", what, err, s)
		}
	}
}

// Eventually waits for an effect of another goroutine, or of a broker.
func Eventually(t testing.TB, what string, happens func() bool) {
	t.Helper()
	for until := time.Now().Add(30 * time.Second); !happens(); time.Sleep(time.Millisecond) {
		if time.Now().After(until) {
			t.Fatalf("it never happens that %s", what)
		}
	}
}

// Append appends values, one after the other.
func Append(t testing.TB, l log.Log, values ...string) {
	t.Helper()
	for _, v := range values {
		Must(t, l.Append(t.Context(), []byte(v)))
	}
}

// Read opens a reader, and closes it at the end of the test.
func Read(t testing.TB, l log.Log, from log.Offset) log.Reader {
	t.Helper()
	r, err := l.Read(t.Context(), from)
	Must(t, err)
	t.Cleanup(func() { _ = r.Close() })
	return r
}

// Next reads one record, retrying after errors that lose nothing.
func Next(t testing.TB, r log.Reader) (string, error) {
	for {
		record, err := r.Next(t.Context())
		if err == nil || log.ClassOf(err) != log.Retryable || errors.Is(err, log.ErrNewLeader) || t.Context().Err() != nil {
			return string(record.Value), err
		}
	}
}

// Copies counts the values in a topic.
func Copies(t testing.TB, l log.Log) map[string]int {
	t.Helper()
	b, err := l.Bounds(t.Context())
	Must(t, err)
	r := Read(t, l, b.Start)
	counted := map[string]int{}
	for range b.End - b.Start {
		value, err := Next(t, r)
		Must(t, err)
		counted[value]++
	}
	return counted
}
