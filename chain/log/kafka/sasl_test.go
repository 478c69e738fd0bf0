package kafka_test

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fabric-kafka/orderer/chain/log"
	"github.com/fabric-kafka/orderer/chain/log/kafka"
	"github.com/fabric-kafka/orderer/chain/log/kafka/conn"
	"github.com/fabric-kafka/orderer/chain/log/kafka/kafkatest"
)

const user = "orderer"

// secret is the content of a file.
type secret struct {
	text  atomic.Pointer[string] // nil: cannot be read
	reads atomic.Int32
}

func (s *secret) put(text string) { s.text.Store(&text) }

func (s *secret) read() (string, error) {
	s.reads.Add(1)
	if text := s.text.Load(); text != nil {
		return *text, nil
	}
	return "", &fs.PathError{Op: "open", Path: "/run/secrets/password", Err: fs.ErrNotExist}
}

// guarded is a cluster with one user, and a log that logs in as that user.
func guarded(t *testing.T, mechanism string) (*kafkatest.Cluster, *secret, log.Log) {
	t.Helper()
	c := kafkatest.Start(t, kafkatest.Options{Users: map[string]string{user: "first"}, Mechanism: mechanism})
	s := &secret{}
	s.put("first")
	l, err := kafka.Open(kafka.Config{
		Brokers:      c.Addresses(),
		RetryBackoff: 10 * time.Millisecond,

		MaxDecompressedBytes: kafkatest.MaxDecompressedBytes,
		SASL:                 &conn.SASL{Mechanism: mechanism, User: user, Password: s.read},
	}, "topic")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return c, s, l
}

// A producer and a reader continue with their clients after the password was changed: it is
// read at each login.
func TestPasswordIsReadAtEachLogin(t *testing.T) {
	t.Parallel()
	for _, mechanism := range []string{conn.Plain, conn.ScramSHA256, conn.ScramSHA512} {
		t.Run(mechanism, func(t *testing.T) {
			c, s, l := guarded(t, mechanism)
			kafkatest.Must(t, l.Create(t.Context()))
			kafkatest.Must(t, l.Append(t.Context(), []byte("a")))
			r, err := l.Read(t.Context(), 0)
			kafkatest.Must(t, err)
			defer r.Close()
			is(t, r, "a")

			c.Stop()
			c.Users[user] = "second, of another length"
			s.put("second, of another length")
			before := s.reads.Load()
			c.Resume()
			kafkatest.Must(t, l.Append(t.Context(), []byte("b")))
			is(t, r, "b")
			if s.reads.Load() == before {
				t.Error("it has logged in again without reading the password")
			}
		})
	}
}

func is(t *testing.T, r log.Reader, want string) {
	t.Helper()
	if got, err := kafkatest.Next(t, r); got != want || err != nil {
		t.Fatalf("got %q, %v, want %q", got, err, want)
	}
}

// Every operation names the file that it could not read, and works once it can.
func TestUnreadablePassword(t *testing.T) {
	t.Parallel()
	for _, mechanism := range []string{conn.Plain, conn.ScramSHA256} {
		t.Run(mechanism, func(t *testing.T) {
			_, s, l := guarded(t, mechanism)
			kafkatest.Must(t, l.Create(t.Context()))
			s.text.Store(nil)
			for what, err := range operations(t, l) {
				kafkatest.MustFail(t, what, err, log.Retryable, "open /run/secrets/password: file does not exist",
					"; waiting for an operator to make this orderer's broker credentials readable")
				if !errors.Is(err, fs.ErrNotExist) {
					t.Errorf("%s: %v does not wrap the error of the file", what, err)
				}
			}
			s.put("first")
			kafkatest.Must(t, l.Append(t.Context(), []byte("a")))
		})
	}
}

// operations returns the errors of the calls that need a new connection.
func operations(t *testing.T, l log.Log) map[string]error {
	_, identity := l.Identity(t.Context())
	_, bounds := l.Bounds(t.Context())
	_, survey := l.Survey(t.Context())
	_, read := l.Read(t.Context(), 0)
	ctx, cancel := context.WithTimeout(t.Context(), time.Second) // an append retries until then
	defer cancel()
	return map[string]error{"append": l.Append(ctx, []byte("a")), "create": l.Create(t.Context()),
		"identity": identity, "bounds": bounds, "survey": survey, "read": read}
}

// The embedded broker closes the connection instead of answering, as some brokers do.
func TestWrongPassword(t *testing.T) {
	t.Parallel()
	for _, mechanism := range []string{conn.Plain, conn.ScramSHA256, conn.ScramSHA512} {
		_, s, l := guarded(t, mechanism)
		s.put("wrong")
		_, err := l.Identity(t.Context())
		kafkatest.MustFail(t, mechanism, err, log.Retryable, " closed the connection during login: EOF; waiting for an operator "+
			"to check this orderer's user and password, and the broker's log")
		if !errors.Is(err, io.EOF) {
			t.Errorf("%v does not wrap EOF", err)
		}
	}
}

// The embedded broker does not support tokens.
func TestUnsupportedMechanism(t *testing.T) {
	t.Parallel()
	c := kafkatest.Start(t, kafkatest.Options{Users: map[string]string{user: "first"}})
	l, err := kafka.Open(kafka.Config{Brokers: c.Addresses(), RetryBackoff: time.Millisecond, MaxDecompressedBytes: kafkatest.MaxDecompressedBytes, SASL: &conn.SASL{
		Mechanism: conn.OAuthBearer, Token: func(context.Context) (string, error) { return "token", nil },
	}}, "topic")
	kafkatest.Must(t, err)
	defer l.Close()
	_, err = l.Identity(t.Context())
	kafkatest.MustFail(t, "identity", err, log.Retryable, " does not support the SASL mechanism OAUTHBEARER; it supports \"PLAIN\", \"SCRAM-SHA-256\", \"SCRAM-SHA-512\"",
		"; waiting for an operator to choose another mechanism (SASL.Mechanism), or to enable it at the brokers")
}

func TestMissingLogin(t *testing.T) {
	t.Parallel()
	c := kafkatest.Start(t, kafkatest.Options{Users: map[string]string{user: "first"}})
	l, err := kafka.Open(kafka.Config{Brokers: c.Addresses(), RetryBackoff: time.Millisecond}, "topic")
	kafkatest.Must(t, err)
	defer l.Close()
	_, err = l.Identity(t.Context())
	kafkatest.MustFail(t, "identity", err, log.Retryable, " closed the connection without an answer: EOF",
		"; waiting for running brokers whose listener has this orderer's TLS and SASL settings")
}

func TestFaultsOfSASLAreNamed(t *testing.T) {
	for fault, s := range map[string]conn.SASL{
		`SASL mechanism "GSSAPI" is not one of PLAIN, SCRAM-SHA-256, SCRAM-SHA-512, OAUTHBEARER`: {Mechanism: "GSSAPI"},
		"SASL without a token":              {Mechanism: conn.OAuthBearer, User: user},
		"SASL without a user or a password": {Mechanism: conn.Plain, User: user},
	} {
		_, err := kafka.Open(kafka.Config{Brokers: []string{"localhost:9092"}, SASL: &s}, "topic")
		if want := "kafka config: " + fault; err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}
