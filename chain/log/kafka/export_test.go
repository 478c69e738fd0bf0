package kafka

import (
	"context"
	"net"
	"time"

	"github.com/IBM/sarama"
)

// Refuse makes a code count as a refusal, which implies that nothing was appended, until
// undo is called.
func Refuse(code int16) (undo func()) {
	before := refusals
	refusals = append(refusals[:len(refusals):len(refusals)], sarama.KError(code))
	return func() { refusals = before }
}

// MaxIdle sets how long a connection may be idle before it is reopened to send a batch,
// until undo is called.
func MaxIdle(d time.Duration) (undo func()) {
	before := maxIdle
	maxIdle = d
	return func() { maxIdle = before }
}

// WithDial returns the config with another dial function.
func WithDial(c Config, dial func(ctx context.Context, network, address string) (net.Conn, error)) Config {
	c.dial = dial
	return c
}

// How answers are read.
var (
	CommitResult = commitResult
	Committed    = committedIn
	SpokenIn     = spokenIn
)
