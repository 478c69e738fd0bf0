package conn

import (
	"context"
	"crypto/sha256"
	"crypto/sha512"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/IBM/sarama"
	"github.com/xdg-go/scram"
)

// Mechanisms of SASL.
const (
	Plain       = sarama.SASLTypePlaintext
	ScramSHA256 = sarama.SASLTypeSCRAMSHA256
	ScramSHA512 = sarama.SASLTypeSCRAMSHA512
	OAuthBearer = sarama.SASLTypeOAuth
)

// SASL is how a client logs in. Password and Token are called at every login, including
// those that a broker requires on an open connection, and concurrently by the clients of a
// process. What they return is used once and never kept.
type SASL struct {
	Mechanism string
	User      string                                // not with OAUTHBEARER
	Password  func() (string, error)                // not with OAUTHBEARER
	Token     func(context.Context) (string, error) // of OAUTHBEARER; the context ends after DialTimeout
	Refused   func()                                // called by any goroutine when a broker refuses a login; must not block; may be nil
}

// Validate returns what is wrong with the settings; a nil SASL is valid.
func (s *SASL) Validate() error {
	mechanisms := []string{Plain, ScramSHA256, ScramSHA512, OAuthBearer}
	switch {
	case s == nil:
		return nil
	case !slices.Contains(mechanisms, s.Mechanism):
		return fmt.Errorf("SASL mechanism %q is not one of %s", s.Mechanism, strings.Join(mechanisms, ", "))
	case s.Mechanism == OAuthBearer && s.Token == nil:
		return errors.New("SASL without a token")
	case s.Mechanism != OAuthBearer && (s.User == "" || s.Password == nil):
		return errors.New("SASL without a user or a password")
	}
	return nil
}

// unused stands for the password in sarama's configuration: the real one is read at each
// login.
const unused = "-"

func (s *SASL) configure(c *sarama.Config, g *Gate) {
	c.Net.SASL.Enable = true
	c.Net.SASL.Mechanism = sarama.SASLMechanism(s.Mechanism)
	c.Net.SASL.User, c.Net.SASL.Password = s.User, unused
	c.Net.SASL.SCRAMClientGeneratorFunc = func() sarama.SCRAMClient { return &scramClient{sasl: s} }
	c.Net.SASL.TokenProvider = tokens{sasl: s, done: g.done, timeout: g.config.DialTimeout}
}

// refuse reports that a broker refused a login.
func (s *SASL) refuse() {
	if s != nil && s.Refused != nil {
		s.Refused()
	}
}

const credentials = "an operator to make this orderer's broker credentials readable"

func (s *SASL) password() (string, error) {
	password, err := s.Password()
	if err != nil {
		return "", &AccessError{err, credentials}
	}
	return password, nil
}

// plain returns the client's message for a login with PLAIN.
func (s *SASL) plain() ([]byte, error) {
	password, err := s.password()
	return []byte("\x00" + s.User + "\x00" + password), err
}

// tokens provides the tokens of one client.
type tokens struct {
	sasl    *SASL
	done    context.Context
	timeout time.Duration
}

func (t tokens) Token() (*sarama.AccessToken, error) {
	ctx, cancel := context.WithTimeout(t.done, t.timeout)
	defer cancel()
	token, err := t.sasl.Token(ctx)
	if err != nil {
		return nil, &AccessError{err, credentials}
	}
	return &sarama.AccessToken{Token: token}, nil
}

// minIterations is Kafka's minimum: a server that poses as a broker must not get a proof that makes
// guessing passwords cheap.
const minIterations = 4096

// scramClient is one login with SCRAM.
type scramClient struct {
	sasl         *SASL
	conversation *scram.ClientConversation
}

// Begin reads the password from its source, not from sarama's configuration.
func (c *scramClient) Begin(user, _, authorization string) error {
	password, err := c.sasl.password()
	if err != nil {
		return err
	}
	hash := scram.HashGeneratorFcn(sha256.New)
	if c.sasl.Mechanism == ScramSHA512 {
		hash = sha512.New
	}
	client, err := hash.NewClient(user, password, authorization)
	if err != nil {
		return &AccessError{err, credentials}
	}
	c.conversation = client.WithMinIterations(minIterations).NewConversation()
	return nil
}

// Step answers the broker, and finally verifies that the broker knows the password too.
func (c *scramClient) Step(challenge string) (string, error) {
	response, err := c.conversation.Step(challenge)
	if err != nil {
		return "", &AccessError{fmt.Errorf("log in with %s: %w", c.sasl.Mechanism, err),
			"brokers that know the password of user " + c.sasl.User}
	}
	return response, nil
}

func (c *scramClient) Done() bool { return c.conversation.Done() }
