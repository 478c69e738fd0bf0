package kafka

import (
	"context"
	"net"
	"time"

	"github.com/IBM/sarama"
)

// Refuse takes a code for one by which a broker says that it has appended nothing,
// until undo is called.
func Refuse(code int16) (undo func()) {
	before := refusals
	refusals = append(refusals[:len(refusals):len(refusals)], sarama.KError(code))
	return func() { refusals = before }
}

// MaxIdle sets after how long a connection is opened again before a batch is sent by it,
// until undo is called.
func MaxIdle(d time.Duration) (undo func()) {
	before := maxIdle
	maxIdle = d
	return func() { maxIdle = before }
}

// Dialled returns the config with another way to reach an address.
func Dialled(c Config, dial func(ctx context.Context, network, address string) (net.Conn, error)) Config {
	c.dial = dial
	return c
}
