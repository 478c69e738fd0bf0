package kafka_test

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fabric-kafka/orderer/chain/log"
	"github.com/fabric-kafka/orderer/chain/log/kafka"
	"github.com/fabric-kafka/orderer/chain/log/kafka/kafkatest"
)

const user = "orderer"

// secret is what a file would hold.
type secret struct {
	held  atomic.Pointer[string] // nil: it cannot be read
	reads atomic.Int32
}

func (s *secret) put(text string) { s.held.Store(&text) }

func (s *secret) read() (string, error) {
	s.reads.Add(1)
	if text := s.held.Load(); text != nil {
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

		MaxDecompressedBytes: maxUnpacked,
		SASL:                 &kafka.SASL{Mechanism: mechanism, User: user, Password: s.read},
	}, "topic")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return c, s, l
}

// A producer and a reader go on after the password was changed, each with the
// client that it has: it is asked for at each log-in.
func TestPasswordIsAskedForAtEachLogIn(t *testing.T) {
	t.Parallel()
	for _, mechanism := range []string{kafka.Plain, kafka.ScramSHA256, kafka.ScramSHA512} {
		t.Run(mechanism, func(t *testing.T) {
			c, s, l := guarded(t, mechanism)
			must(t, l.Create(t.Context()))
			must(t, l.Append(t.Context(), []byte("a")))
			r, err := l.Read(t.Context(), 0)
			must(t, err)
			defer r.Close()
			is(t, r, "a")

			c.Stop()
			c.Users[user] = "second, of another length"
			s.put("second, of another length")
			before := s.reads.Load()
			c.Resume()
			must(t, l.Append(t.Context(), []byte("b")))
			is(t, r, "b")
			if s.reads.Load() == before {
				t.Error("it has logged in again without asking")
			}
		})
	}
}

func is(t *testing.T, r log.Reader, want string) {
	t.Helper()
	if got, err := next(t, r); got != want || err != nil {
		t.Fatalf("got %q, %v, want %q", got, err, want)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// Every operation says which file it could not read and comes to no harm.
func TestPasswordThatCannotBeRead(t *testing.T) {
	t.Parallel()
	for _, mechanism := range []string{kafka.Plain, kafka.ScramSHA256} {
		t.Run(mechanism, func(t *testing.T) {
			_, s, l := guarded(t, mechanism)
			must(t, l.Create(t.Context()))
			s.held.Store(nil)
			for what, err := range operations(t, l) {
				mustFail(t, what, err, log.Retryable, "open /run/secrets/password: file does not exist",
					"; awaiting an operator, to make readable what this orderer logs in to the brokers with")
				if !errors.Is(err, fs.ErrNotExist) {
					t.Errorf("%s: %v does not wrap the error of the file", what, err)
				}
			}
			s.put("first")
			must(t, l.Append(t.Context(), []byte("a")))
		})
	}
}

// operations are the outcomes of what needs a new connection.
func operations(t *testing.T, l log.Log) map[string]error {
	_, identity := l.Identity(t.Context())
	_, bounds := l.Bounds(t.Context())
	_, survey := l.Survey(t.Context())
	_, read := l.Read(t.Context(), 0)
	ctx, cancel := context.WithTimeout(t.Context(), time.Second) // which an append waits for, whatever it meets
	defer cancel()
	return map[string]error{"append": l.Append(ctx, []byte("a")), "create": l.Create(t.Context()),
		"identity": identity, "bounds": bounds, "survey": survey, "read": read}
}

func mustFail(t *testing.T, what string, err error, class log.Class, says ...string) {
	t.Helper()
	if err == nil || log.ClassOf(err) != class {
		t.Errorf("%s: %v, want an error of class %v", what, err, class)
		return
	}
	for _, s := range says {
		if !strings.Contains(err.Error(), s) {
			t.Errorf("%s: %v\nwant it to say %q", what, err, s)
		}
	}
}

// The embedded broker ends the connection instead of answering, as others do.
func TestWrongPassword(t *testing.T) {
	t.Parallel()
	for _, mechanism := range []string{kafka.Plain, kafka.ScramSHA256, kafka.ScramSHA512} {
		_, s, l := guarded(t, mechanism)
		s.put("wrong")
		_, err := l.Identity(t.Context())
		mustFail(t, mechanism, err, log.Retryable, " ended the connection at the log-in: EOF; awaiting an operator, "+
			"to look at this orderer's user and password, and at the broker's log")
		if !errors.Is(err, io.EOF) {
			t.Errorf("%v does not wrap EOF", err)
		}
	}
}

// The embedded broker knows nothing of tokens.
func TestMechanismThatIsOff(t *testing.T) {
	t.Parallel()
	c := kafkatest.Start(t, kafkatest.Options{Users: map[string]string{user: "first"}})
	l, err := kafka.Open(kafka.Config{Brokers: c.Addresses(), RetryBackoff: time.Millisecond, MaxDecompressedBytes: maxUnpacked, SASL: &kafka.SASL{
		Mechanism: kafka.OAuthBearer, Token: func(context.Context) (string, error) { return "token", nil },
	}}, "topic")
	must(t, err)
	defer l.Close()
	_, err = l.Identity(t.Context())
	mustFail(t, "identity", err, log.Retryable, " does not take the SASL mechanism OAUTHBEARER; it takes \"PLAIN\", \"SCRAM-SHA-256\", \"SCRAM-SHA-512\"",
		"; awaiting an operator to choose another mechanism (SASL.Mechanism), or to enable it at the brokers")
}

func TestLogInIsMissing(t *testing.T) {
	t.Parallel()
	c := kafkatest.Start(t, kafkatest.Options{Users: map[string]string{user: "first"}})
	l, err := kafka.Open(kafka.Config{Brokers: c.Addresses(), RetryBackoff: time.Millisecond}, "topic")
	must(t, err)
	defer l.Close()
	_, err = l.Identity(t.Context())
	mustFail(t, "identity", err, log.Retryable, " ended the connection without an answer: EOF",
		"; awaiting brokers that run, at a listener with the TLS and SASL that this orderer is set to")
}

func TestFaultsOfSASLAreNamed(t *testing.T) {
	for fault, s := range map[string]kafka.SASL{
		`SASL mechanism "GSSAPI" is not one of PLAIN, SCRAM-SHA-256, SCRAM-SHA-512, OAUTHBEARER`: {Mechanism: "GSSAPI"},
		"SASL without a token":              {Mechanism: kafka.OAuthBearer, User: user},
		"SASL without a user or a password": {Mechanism: kafka.Plain, User: user},
	} {
		_, err := kafka.Open(kafka.Config{Brokers: []string{"localhost:9092"}, SASL: &s}, "topic")
		if want := "kafka config: " + fault; err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}
