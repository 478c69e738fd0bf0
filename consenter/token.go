package consenter

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"time"
)

// tokenCommand runs a program for tokens. All log-ins of the process share a
// token until a fifth of its life is left; then the next log-in runs the program
// again. A token that does not tell its end (RFC 7519) is used once.
type tokenCommand struct {
	line  []string
	now   func() time.Time
	turn  chan struct{} // holds one while the fields below are in use
	last  string
	until time.Time // last is used
}

func newTokenCommand(line []string) *tokenCommand {
	return &tokenCommand{line: line, now: time.Now, turn: make(chan struct{}, 1)}
}

// token waits for another log-in that runs the program, and for the program. It
// never returns a token that is due for renewal.
func (c *tokenCommand) token(ctx context.Context) (string, error) {
	select {
	case c.turn <- struct{}{}:
		defer func() { <-c.turn }()
	case <-ctx.Done():
		return "", c.wrap(ctx.Err())
	}
	began := c.now()
	if began.Before(c.until) {
		return c.last, nil
	}
	fresh, err := c.run(ctx)
	if err != nil {
		return "", c.wrap(err)
	}
	c.last, c.until = fresh, renewal(fresh, began)
	return fresh, nil
}

func (c *tokenCommand) wrap(err error) error {
	return fmt.Errorf("%s.SASL.TokenCommand: %s: %w", Key, c.line[0], err)
}

// run keeps to itself what the program prints: it can be a secret.
func (c *tokenCommand) run(ctx context.Context) (string, error) {
	p := exec.CommandContext(ctx, c.line[0], c.line[1:]...)
	p.WaitDelay = time.Second // a child of it may hold the output open
	var out strings.Builder
	p.Stdout = &out
	err := p.Run()
	switch {
	case ctx.Err() != nil:
		return "", fmt.Errorf("no token in time: %w", ctx.Err())
	case err != nil:
		return "", fmt.Errorf("%w; run it by hand to see what it says", err)
	}
	return bearer(out.String())
}

// renewal is when four fifths of what is left of a token's life are over.
func renewal(token string, now time.Time) time.Time {
	end, err := expiry(token)
	if err != nil {
		return now
	}
	return now.Add(end.Sub(now) * 4 / 5)
}

var errOpaque = errors.New("the token does not tell its end")

// expiry is the end of a token by its own word. It is no check of the token.
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

// maxExpiry is the end of the year 9999.
const maxExpiry = 253402300799
