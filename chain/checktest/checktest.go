// Package checktest has the two checks of errors that most tests need.
package checktest

import (
	"strings"
	"testing"
)

// Must fails the test if there is an error.
func Must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// Fails fails the test unless there is an error that contains the text.
func Fails(t testing.TB, err error, says string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), says) {
		t.Fatalf("got the error %v, want one with %q", err, says)
	}
}
