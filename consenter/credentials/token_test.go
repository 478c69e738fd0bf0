package credentials

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/fabric-kafka/orderer/chain/checktest"
	"github.com/fabric-kafka/orderer/consenter/settings"
)

// program is a shell script that a test writes.
type program struct{ dir string }

func newProgram(t *testing.T, lines ...string) program {
	p := program{t.TempDir()}
	p.put(t, "program", "#!/bin/sh\ncd "+p.dir+"\necho ran >> runs\n"+strings.Join(lines, "\n")+"\n")
	return p
}

func (p program) put(t *testing.T, name, content string) {
	checktest.Must(t, os.WriteFile(p.path(name), []byte(content), 0o700))
}

func (p program) path(name string) string { return filepath.Join(p.dir, name) }

func (p program) runs(t *testing.T) int {
	content, err := os.ReadFile(p.path("runs"))
	checktest.Must(t, err)
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
	if got, want := p.runs(t), 1; !reflect.DeepEqual(got, want) {
		t.Fatalf("all share one token: got %v, want %v", got, want)
	}

	p.put(t, "token", second)
	now = now.Add(79 * time.Second)
	got, err := c.token(t.Context())
	checktest.Must(t, err)
	if got, want := got, first; !reflect.DeepEqual(got, want) {
		t.Fatalf("got %v, want %v", got, want)
	}
	now = now.Add(time.Second) // a fifth of its life is left
	got, err = c.token(t.Context())
	checktest.Must(t, err)
	if got, want := got, second; !reflect.DeepEqual(got, want) {
		t.Fatalf("got %v, want %v", got, want)
	}
	if got, want := p.runs(t), 2; !reflect.DeepEqual(got, want) {
		t.Fatalf("got %v, want %v", got, want)
	}
}

func TestOpaqueTokenIsUsedOnce(t *testing.T) {
	for _, token := range []string{"opaque", "a.b.c", jwt(time.Unix(0, 0)), jwt(time.Unix(1, 0))} {
		p := newProgram(t, "echo "+token)
		c := newTokenCommand([]string{p.path("program")})
		for range 2 {
			got, err := c.token(t.Context())
			checktest.Must(t, err)
			if got, want := got, token; !reflect.DeepEqual(got, want) {
				t.Fatalf("got %v, want %v", got, want)
			}
		}
		if got, want := p.runs(t), 2; !reflect.DeepEqual(got, want) {
			t.Fatalf("%v: got %v, want %v", token, got, want)
		}
	}
}

// A program that fails gives no token, not even the previous one, and its output is not
// repeated in the error.
func TestFailingTokenCommand(t *testing.T) {
	p := newProgram(t, "echo swordfish; echo swordfish >&2; exit 3")
	c := newTokenCommand([]string{p.path("program")})
	c.last, c.until = "stale", time.Now()
	_, err := c.token(t.Context())
	if got, want := err, "Consensus.Kafka.SASL.TokenCommand: "+p.path("program")+": exit status 3; run it by hand to see its output"; fmt.Sprint(got) != want {
		t.Fatalf("got %q, want %q", got, want)
	}

	c = newTokenCommand([]string{"/none"})
	_, err = c.token(t.Context())
	checktest.Fails(t, err, "Consensus.Kafka.SASL.TokenCommand: /none: fork/exec /none: no such file or directory")

	silent := newProgram(t)
	_, err = newTokenCommand([]string{silent.path("program")}).token(t.Context())
	if got, want := err, "Consensus.Kafka.SASL.TokenCommand: "+silent.path("program")+": no token"; fmt.Sprint(got) != want {
		t.Fatalf("got %q, want %q", got, want)
	}
}

func TestTokenCommandHasATimeLimit(t *testing.T) {
	p := newProgram(t, "exec sleep 60")
	c := newTokenCommand([]string{p.path("program")})
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	began := time.Now()
	_, err := c.token(ctx)
	if got, want := err, context.DeadlineExceeded; !errors.Is(got, want) {
		t.Fatalf("got %v, want %v", got, want)
	}
	checktest.Fails(t, err, "no token in time")
	if got, limit := time.Since(began), 10*time.Second; got >= limit {
		t.Fatalf("got %v, want less than %v", got, limit)
	}
	_, err = c.token(ctx) // its turn does not come, or comes too late
	if got, want := err, context.DeadlineExceeded; !errors.Is(got, want) {
		t.Fatalf("got %v, want %v", got, want)
	}
}

// A program that never stops printing neither fills the memory nor blocks the login.
func TestOutputOfTokenCommandIsBounded(t *testing.T) {
	p := newProgram(t, `exec cat /dev/zero`)
	c := newTokenCommand([]string{p.path("program")})
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := c.token(ctx)
	runtime.ReadMemStats(&after)
	if got, want := err, "Consensus.Kafka.SASL.TokenCommand: "+p.path("program")+": it prints more than 524288 bytes; want a token and nothing else"; fmt.Sprint(got) != want {
		t.Fatalf("got %q, want %q", got, want)
	}
	if got, limit := after.TotalAlloc-before.TotalAlloc, uint64(16<<20); got >= limit {
		t.Fatalf("bytes allocated: got %v, want less than %v", got, limit)
	}
}

// The largest token that brokers accept by default is accepted.
func TestLargeToken(t *testing.T) {
	p := newProgram(t, `cat token`)
	p.put(t, "token", strings.Repeat("x", maxToken))
	got, err := newTokenCommand([]string{p.path("program")}).token(t.Context())
	checktest.Must(t, err)
	if got := got; len(got) != maxToken {
		t.Fatalf("got %v, want %d of them", got, maxToken)
	}
}

// openPipe is a pipe that a program opens: read returns once no process that it started is
// left.
func (p program) openPipe(t *testing.T) (opened, ended <-chan struct{}) {
	checktest.Must(t, syscall.Mkfifo(p.path("fifo"), 0o600))
	began, over := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(over)
		f, err := os.Open(p.path("fifo")) // waits for the other side
		close(began)
		if err == nil {
			_, _ = io.Copy(io.Discard, f)
			_ = f.Close()
		}
	}()
	return began, over
}

func within(t *testing.T, c <-chan struct{}, what string) {
	t.Helper()
	select {
	case <-c:
	case <-time.After(30 * time.Second):
		t.Fatal("not in time: " + what)
	}
}

// Every process that the program started ends with it, even one that keeps the output open.
func TestTokenCommandLeavesNothingBehind(t *testing.T) {
	token := jwt(time.Now().Add(time.Hour))
	for name, c := range map[string]struct {
		lines  []string
		cancel bool
		err    string
	}{
		"cut off":                {[]string{"sleep 300 &", "wait"}, true, "no token in time"},
		"a child has the output": {[]string{"(sleep 300; echo) &", "echo " + token}, false, ""},
		"a child is silent":      {[]string{"sleep 300 < /dev/null > /dev/null 2>&1 &", "echo " + token}, false, ""},
		"fails":                  {[]string{"sleep 300 < /dev/null > /dev/null 2>&1 &", "exit 1"}, false, "exit status 1"},
		"ignores signals":        {[]string{"trap '' TERM INT HUP", "sleep 300 &", "wait"}, true, "no token in time"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newProgram(t, append([]string{"exec 3> fifo"}, c.lines...)...)
			opened, ended := p.openPipe(t)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			if c.cancel {
				go func() { <-opened; cancel() }()
			}
			got, err := newTokenCommand([]string{p.path("program")}).token(ctx)
			if c.err == "" {
				checktest.Must(t, err)
				if got, want := got, token; !reflect.DeepEqual(got, want) {
					t.Fatalf("got %v, want %v", got, want)
				}
			} else {
				checktest.Fails(t, err, c.err)
			}
			within(t, ended, "a child of the program is left")
		})
	}
}

// A token that brokers refuse is not used for the rest of its life; and a broker that
// refuses every token does not cause the program to run all the time.
func TestRefusedTokenIsRenewed(t *testing.T) {
	p := newProgram(t, "cat token")
	c := newTokenCommand([]string{p.path("program")})
	now := time.Unix(1_000_000, 0)
	c.now = func() time.Time { return now }
	expect := func(want string, runs int) {
		t.Helper()
		got, err := c.token(t.Context())
		checktest.Must(t, err)
		if got, want := got, want; !reflect.DeepEqual(got, want) {
			t.Fatalf("got %v, want %v", got, want)
		}
		if got, want := p.runs(t), runs; !reflect.DeepEqual(got, want) {
			t.Fatalf("got %v, want %v", got, want)
		}
	}
	first, second := jwt(now.Add(time.Hour)), jwt(now.Add(2*time.Hour))
	p.put(t, "token", first)
	expect(first, 1)
	p.put(t, "token", second)
	expect(first, 1)
	now = now.Add(time.Minute)
	c.refused()
	expect(second, 2)
	expect(second, 2)
	for range 5 { // refused, too
		c.refused()
		expect(second, 2)
	}
	now = now.Add(refusalPause)
	expect(second, 3)

	c.refused()
	now = now.Add(refusalPause)
	p.put(t, "program", "#!/bin/sh\nexit 1\n")
	for range 2 {
		_, err := c.token(t.Context())
		checktest.Fails(t, err, "exit status 1")
	}
}

// A broker's refusal of a login reaches the program's token.
func TestSASLReportsRefusals(t *testing.T) {
	p := newProgram(t, "cat token")
	p.put(t, "token", jwt(time.Now().Add(time.Hour)))
	auth, err := LoadSASL(settings.SASL{Mechanism: "OAUTHBEARER", TokenCommand: []string{p.path("program")}})
	checktest.Must(t, err)
	if auth.Refused == nil {
		t.Fatalf("got none")
	}
	auth.Refused()
}
