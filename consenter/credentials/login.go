package credentials

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/fabric-kafka/orderer/chain/log/kafka/conn"
	"github.com/fabric-kafka/orderer/consenter/settings"
)

// LoadSASL returns the credentials for the brokers; nil if SASL is off. Passwords and tokens
// are read at every login. LoadSASL reads files once: its error names an unusable one. It
// does not run a command.
func LoadSASL(s settings.SASL) (*conn.SASL, error) {
	switch {
	case s.Mechanism == "":
		return nil, nil
	case s.Mechanism != conn.OAuthBearer:
		password := secretFile{"SASL.PasswordFile", s.PasswordFile}.password
		_, err := password()
		return &conn.SASL{Mechanism: s.Mechanism, User: s.User, Password: password}, err
	case len(s.TokenCommand) > 0:
		c := newTokenCommand(s.TokenCommand)
		return &conn.SASL{Mechanism: s.Mechanism, Token: c.token, Refused: c.refused}, nil
	}
	file := secretFile{"SASL.TokenFile", s.TokenFile}
	_, err := file.token()
	return &conn.SASL{Mechanism: s.Mechanism, Token: func(context.Context) (string, error) { return file.token() }}, err
}

// Exposed reports whether the password or token crosses the network in clear text.
func Exposed(t settings.TLS, s settings.SASL) bool {
	return !t.Enabled && (s.Mechanism == conn.Plain || s.Mechanism == conn.OAuthBearer)
}

// secretFile is a file that holds a secret and perhaps a line end. It may be replaced at
// any time.
type secretFile struct {
	key  string // of orderer.yaml
	name string
}

// password returns the secret without the line end.
func (f secretFile) password() (string, error) { return f.read(checkPassword) }

// token returns the secret without the space around it.
func (f secretFile) token() (string, error) { return f.read(bearer) }

func (f secretFile) read(as func(text string) (string, error)) (string, error) {
	secret, err := readFile(f.name, func(content []byte) (string, error) {
		text := strings.TrimRight(string(content), "\r\n")
		if text == "" {
			return "", errors.New("it is empty")
		}
		return as(text)
	})
	if err != nil {
		return "", fmt.Errorf("%s.%s: %w", settings.Key, f.key, err)
	}
	return secret, nil
}

// checkPassword refuses text that cannot be meant as a password, or that PLAIN and SCRAM
// cannot send.
func checkPassword(text string) (string, error) {
	switch {
	case !utf8.ValidString(text):
		return "", errors.New("not a password: want UTF-8")
	case strings.HasPrefix(text, byteOrderMark):
		return "", errors.New("not a password: it begins with a byte order mark; want the file without it")
	case strings.ContainsFunc(text, unicode.IsControl):
		return "", errors.New("not a password: want one line without control characters")
	case strings.TrimSpace(text) == "":
		return "", errors.New("not a password: it holds only blanks")
	case strings.Contains(text, "-----BEGIN"):
		return "", errors.New("not a password: it holds a key or a certificate")
	}
	return text, nil
}

// bearer returns a token without the space around it. Its issuer and the brokers decide what
// else a token may contain.
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
