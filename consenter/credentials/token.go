package credentials

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/fabric-kafka/orderer/consenter/settings"
)

// tokenCommand runs a program for tokens. All logins of the process share a
// token until a fifth of its life is left, or a broker refuses it; then the next
// login runs the program again. A token without an expiry (RFC 7519) is used
// once.
type tokenCommand struct {
	line    []string
	now     func() time.Time
	refusal atomic.Bool   // a broker has refused a token since the program was run
	turn    chan struct{} // holds one while the fields below are in use
	last    string
	ran     time.Time // when the program was last run
	until   time.Time // when last is due for renewal
}

// refusalPause is the time between two runs of the program that only refusals cause: if a
// broker refuses every token, a fresh one does not help.
const refusalPause = 10 * time.Second

func newTokenCommand(line []string) *tokenCommand {
	return &tokenCommand{line: line, now: time.Now, turn: make(chan struct{}, 1)}
}

// token returns a token that is not due for renewal. It waits while another login runs
// the program, and for the program.
func (c *tokenCommand) token(ctx context.Context) (string, error) {
	select {
	case c.turn <- struct{}{}:
		defer func() { <-c.turn }()
	case <-ctx.Done():
		return "", c.wrap(ctx.Err())
	}
	began := c.now()
	if began.Before(c.until) && !(c.refusal.Load() && began.Sub(c.ran) >= refusalPause) {
		return c.last, nil
	}
	c.until = time.Time{}
	fresh, err := c.run(ctx)
	if err != nil {
		return "", c.wrap(err)
	}
	c.refusal.Store(false)
	c.last, c.ran, c.until = fresh, began, renewal(fresh, began)
	return fresh, nil
}

// refused records that a broker refused a token. It does not wait.
func (c *tokenCommand) refused() { c.refusal.Store(true) }

func (c *tokenCommand) wrap(err error) error {
	return fmt.Errorf("%s.SASL.TokenCommand: %s: %w", settings.Key, c.line[0], err)
}

// maxToken is the default limit of Kafka's brokers (sasl.server.max.receive.size), in bytes.
const maxToken = 512 << 10

var errTooMuch = fmt.Errorf("it prints more than %d bytes; want a token and nothing else", maxToken)

// run runs the program. Its error does not contain what the program prints, which can be a
// secret. When run returns, no process that the program started is left.
func (c *tokenCommand) run(ctx context.Context) (string, error) {
	limited := ctx
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	out := &bounded{max: maxToken + len("\r\n"), full: func() { cancel(errTooMuch) }}
	p := exec.CommandContext(ctx, c.line[0], c.line[1:]...)
	p.Stdout = out
	p.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	p.Cancel = func() error { return killGroup(p) }
	p.WaitDelay = time.Second // one of its children may hold the output open
	err := p.Run()
	_ = killGroup(p) // there may be none left
	switch {
	case errors.Is(context.Cause(ctx), errTooMuch):
		return "", errTooMuch
	case limited.Err() != nil:
		return "", fmt.Errorf("no token in time: %w", limited.Err())
	case err != nil && !errors.Is(err, exec.ErrWaitDelay): // the program itself succeeded
		return "", fmt.Errorf("%w; run it by hand to see its output", err)
	}
	return bearer(out.String())
}

// killGroup kills the process group that a program leads.
func killGroup(p *exec.Cmd) error {
	if p.Process == nil {
		return nil
	}
	err := syscall.Kill(-p.Process.Pid, syscall.SIGKILL)
	if errors.Is(err, syscall.ESRCH) {
		return os.ErrProcessDone
	}
	return err
}

// bounded is a buffer with a limit.
type bounded struct {
	strings.Builder
	max  int    // bytes
	full func() // called when more is written
}

func (b *bounded) Write(p []byte) (int, error) {
	if b.Len()+len(p) > b.max {
		b.full()
		return 0, errTooMuch
	}
	return b.Builder.Write(p)
}

// renewal returns the time when four fifths of a token's remaining life are over; now if
// its expiry is not known.
func renewal(token string, now time.Time) time.Time {
	end, err := expiry(token)
	if err != nil {
		return now
	}
	return now.Add(end.Sub(now) * 4 / 5)
}

var errOpaque = errors.New("the token has no expiry")

// expiry returns the expiry that a token states. It does not verify the token.
func expiry(token string) (time.Time, error) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return time.Time{}, errOpaque
	}
	claims := struct {
		Exp float64 `json:"exp"` // seconds of Unix time
	}{}
	text, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err == nil {
		err = json.Unmarshal(text, &claims)
	}
	if err != nil || claims.Exp <= 0 || claims.Exp > maxExpiry {
		return time.Time{}, errOpaque
	}
	return time.Unix(int64(claims.Exp), 0), nil
}

// maxExpiry is the end of the year 9999, in seconds of Unix time.
const maxExpiry = 253402300799
