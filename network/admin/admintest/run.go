package admintest

import (
	"bytes"
	"strings"
	"testing"

	"github.com/fabric-kafka/orderer/network/admin"
)

// Run runs osnkafka and returns its exit code and what it has printed.
func Run(t *testing.T, args ...string) (code int, out, errs string) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	code = admin.Main(t.Context(), args, &stdout, &stderr)
	return code, stdout.String(), stderr.String()
}

// Runs runs osnkafka, fails the test unless it ends with the code and prints all of this, and
// returns what it has printed to the standard output.
func Runs(t *testing.T, code int, prints []string, args ...string) string {
	t.Helper()
	got, out, errs := Run(t, args...)
	if got != code {
		t.Errorf("osnkafka %s: exit code %d, want %d\n%s%s", strings.Join(args, " "), got, code, out, errs)
	}
	for _, want := range prints {
		if !strings.Contains(out+errs, want) {
			t.Errorf("osnkafka %s: %q is not in:\n%s%s", strings.Join(args, " "), want, out, errs)
		}
	}
	return out
}
