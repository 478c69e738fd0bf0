package kafka

import (
	"context"
	"net"
	"time"
)

// WithMaxIdle returns the config with another limit of how long a connection may be idle
// before it is reopened to send a batch.
func WithMaxIdle(c Config, d time.Duration) Config {
	c.maxIdle = d
	return c
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
)
