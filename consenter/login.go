package consenter

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/fabric-kafka/orderer/chain/log/kafka"
)

// load returns how the orderer logs in, and nil if SASL is off. What it logs in
// with is read at every log-in. Files are read once: the error names one that
// cannot be used. A command is not run.
func (s SASL) load() (*kafka.SASL, error) {
	switch {
	case s.Mechanism == "":
		return nil, nil
	case s.Mechanism != kafka.OAuthBearer:
		password := secretFile{"SASL.PasswordFile", s.PasswordFile}.read
		_, err := password()
		return &kafka.SASL{Mechanism: s.Mechanism, User: s.User, Password: password}, err
	case len(s.TokenCommand) > 0:
		c := newTokenCommand(s.TokenCommand)
		return &kafka.SASL{Mechanism: s.Mechanism, Token: c.token}, nil
	}
	file := secretFile{"SASL.TokenFile", s.TokenFile}
	_, err := file.read()
	return &kafka.SASL{Mechanism: s.Mechanism, Token: func(context.Context) (string, error) { return file.token() }}, err
}

// exposed says whether who listens on the network learns the secret.
func (c Config) exposed() bool {
	return !c.TLS.Enabled && (c.SASL.Mechanism == kafka.Plain || c.SASL.Mechanism == kafka.OAuthBearer)
}

// secretFile holds a secret and a line end at most. It may be replaced at any time.
type secretFile struct {
	key  string // that names it
	name string
}

func (f secretFile) read() (string, error) {
	content, err := os.ReadFile(f.name)
	secret := strings.TrimRight(string(content), "\r\n")
	if err == nil && secret == "" {
		err = fmt.Errorf("%s is empty", f.name)
	}
	if err != nil {
		return "", fmt.Errorf("%s.%s: %w", Key, f.key, err)
	}
	return secret, nil
}

func (f secretFile) token() (string, error) {
	token, err := f.read()
	if err != nil {
		return "", err
	}
	if token, err = bearer(token); err != nil {
		return "", fmt.Errorf("%s.%s: %s: %w", Key, f.key, f.name, err)
	}
	return token, nil
}

// bearer is a token without the space around it. What else a token may hold is
// between those who make it and the brokers.
func bearer(text string) (string, error) {
	token := strings.TrimSpace(text)
	if token == "" {
		return "", errors.New("no token")
	}
	for _, c := range token {
		if c <= ' ' || c > '~' {
			return "", errors.New("not a token: want one line of printable ASCII characters without spaces")
		}
	}
	return token, nil
}
