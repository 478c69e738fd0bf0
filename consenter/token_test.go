package consenter

import (
	"context"
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// program is a shell script that a test writes.
type program struct{ dir string }

func newProgram(t *testing.T, lines ...string) program {
	p := program{t.TempDir()}
	p.put(t, "program", "#!/bin/sh\ncd "+p.dir+"\necho ran >> runs\n"+strings.Join(lines, "\n")+"\n")
	return p
}

func (p program) put(t *testing.T, name, content string) {
	require.NoError(t, os.WriteFile(p.path(name), []byte(content), 0o700))
}

func (p program) path(name string) string { return filepath.Join(p.dir, name) }

func (p program) runs(t *testing.T) int {
	content, err := os.ReadFile(p.path("runs"))
	require.NoError(t, err)
	return strings.Count(string(content), "ran")
}

func jwt(end time.Time) string {
	encode := base64.RawURLEncoding.EncodeToString
	return encode([]byte(`{"alg":"none"}`)) + "." + encode(fmt.Appendf(nil, `{"sub":"orderer1","exp":%d}`, end.Unix())) + "."
}

func TestTokenIsRenewedBeforeItsEnd(t *testing.T) {
	p := newProgram(t, "cat token")
	c := newTokenCommand([]string{p.path("program")})
	now := time.Unix(1_000_000, 0)
	c.now = func() time.Time { return now }
	first, second := jwt(now.Add(100*time.Second)), jwt(now.Add(200*time.Second))

	p.put(t, "token", first+"\n")
	var all sync.WaitGroup
	for range 10 {
		all.Go(func() {
			if got, err := c.token(t.Context()); err != nil || got != first {
				t.Errorf("got %q, %v", got, err)
			}
		})
	}
	all.Wait()
	require.Equal(t, 1, p.runs(t), "all share one token")

	p.put(t, "token", second)
	now = now.Add(79 * time.Second)
	got, err := c.token(t.Context())
	require.NoError(t, err)
	require.Equal(t, first, got)
	now = now.Add(time.Second) // a fifth of its life is left
	got, err = c.token(t.Context())
	require.NoError(t, err)
	require.Equal(t, second, got)
	require.Equal(t, 2, p.runs(t))
}

func TestOpaqueTokenIsUsedOnce(t *testing.T) {
	for _, token := range []string{"opaque", "a.b.c", jwt(time.Unix(0, 0)), jwt(time.Unix(1, 0))} {
		p := newProgram(t, "echo "+token)
		c := newTokenCommand([]string{p.path("program")})
		for range 2 {
			got, err := c.token(t.Context())
			require.NoError(t, err)
			require.Equal(t, token, got)
		}
		require.Equal(t, 2, p.runs(t), token)
	}
}

// A program that fails gives no token, not even the one of before, and what it
// has printed stays its own.
func TestFailingTokenCommand(t *testing.T) {
	p := newProgram(t, "echo swordfish; echo swordfish >&2; exit 3")
	c := newTokenCommand([]string{p.path("program")})
	c.last, c.until = "stale", time.Now()
	_, err := c.token(t.Context())
	require.EqualError(t, err, "Consensus.Kafka.SASL.TokenCommand: "+p.path("program")+": exit status 3; run it by hand to see what it says")

	c = newTokenCommand([]string{"/none"})
	_, err = c.token(t.Context())
	require.ErrorContains(t, err, "Consensus.Kafka.SASL.TokenCommand: /none: fork/exec /none: no such file or directory")

	silent := newProgram(t)
	_, err = newTokenCommand([]string{silent.path("program")}).token(t.Context())
	require.EqualError(t, err, "Consensus.Kafka.SASL.TokenCommand: "+silent.path("program")+": no token")
}

func TestTokenCommandIsNotAwaitedForEver(t *testing.T) {
	p := newProgram(t, "exec sleep 60")
	c := newTokenCommand([]string{p.path("program")})
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	began := time.Now()
	_, err := c.token(ctx)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.ErrorContains(t, err, "no token in time")
	require.Less(t, time.Since(began), 10*time.Second)
	_, err = c.token(ctx) // its turn does not come, or comes too late
	require.ErrorIs(t, err, context.DeadlineExceeded)
}
