package credentials

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/fabric-kafka/orderer/consenter/settings"
)

func TestPasswordIsTheFileWithoutItsLineEnd(t *testing.T) {
	file := filepath.Join(t.TempDir(), "password")
	put := func(content string) { require.NoError(t, os.WriteFile(file, []byte(content), 0o600)) }
	put("first")
	auth, err := LoadSASL(settings.SASL{Mechanism: "SCRAM-SHA-512", User: "orderer1", PasswordFile: file})
	require.NoError(t, err)
	require.Equal(t, "SCRAM-SHA-512", auth.Mechanism)
	require.Equal(t, "orderer1", auth.User)
	for content, want := range map[string]string{"secret": "secret", "secret\n": "secret", " a b \r\n": " a b "} {
		put(content)
		got, err := auth.Password()
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
}

func TestSecretThatCannotBeReadIsNamed(t *testing.T) {
	file := filepath.Join(t.TempDir(), "secret")
	password := settings.SASL{Mechanism: "PLAIN", User: "orderer1", PasswordFile: file}
	token := settings.SASL{Mechanism: "OAUTHBEARER", TokenFile: file}
	_, err := LoadSASL(password)
	require.EqualError(t, err, "Consensus.Kafka.SASL.PasswordFile: open "+file+": no such file or directory")
	_, err = LoadSASL(token)
	require.EqualError(t, err, "Consensus.Kafka.SASL.TokenFile: open "+file+": no such file or directory")

	require.NoError(t, os.WriteFile(file, []byte("secret"), 0o600))
	passwords, err := LoadSASL(password)
	require.NoError(t, err)
	tokens, err := LoadSASL(token)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(file, []byte("\n"), 0o600))
	_, err = passwords.Password()
	require.EqualError(t, err, "Consensus.Kafka.SASL.PasswordFile: "+file+": it is empty", "and not the one of before")
	_, err = tokens.Token(t.Context())
	require.EqualError(t, err, "Consensus.Kafka.SASL.TokenFile: "+file+": it is empty")
}

func TestTokenIsOneWord(t *testing.T) {
	file := filepath.Join(t.TempDir(), "token")
	put := func(content string) { require.NoError(t, os.WriteFile(file, []byte(content), 0o600)) }
	put("first")
	auth, err := LoadSASL(settings.SASL{Mechanism: "OAUTHBEARER", TokenFile: file})
	require.NoError(t, err)
	put(" a.b.c\n")
	got, err := auth.Token(t.Context())
	require.NoError(t, err)
	require.Equal(t, "a.b.c", got)
	for _, content := range []string{"a b", "a\nb", "a\x01auth=Bearer b", "\u00e9"} {
		put(content)
		_, err = auth.Token(t.Context())
		require.EqualError(t, err, "Consensus.Kafka.SASL.TokenFile: "+file+
			": not a token: want one line of printable ASCII characters without spaces")
	}
	put("  \n")
	_, err = auth.Token(t.Context())
	require.EqualError(t, err, "Consensus.Kafka.SASL.TokenFile: "+file+": no token")
}

func TestSecretsInClearTextAreNoticed(t *testing.T) {
	for mechanism, want := range map[string]bool{"": false, "PLAIN": true, "OAUTHBEARER": true, "SCRAM-SHA-256": false, "SCRAM-SHA-512": false} {
		require.Equal(t, want, Exposed(settings.TLS{}, settings.SASL{Mechanism: mechanism}), mechanism)
		require.False(t, Exposed(settings.TLS{Enabled: true}, settings.SASL{Mechanism: mechanism}), mechanism)
	}
}

// A secret is one line of text: anything else was not meant for a broker, and PLAIN
// separates user and password with a NUL.
func TestUnsuitableSecretsAreRefused(t *testing.T) {
	const secret = "swordfish"
	for name, content := range map[string]string{
		"nothing":             "",
		"a line end":          "\r\n",
		"blanks":              "  \n",
		"two lines":           secret + "\n" + secret + "\n",
		"an empty first line": "\n" + secret,
		"a NUL":               secret + "\x00admin",
		"a control character": secret + "\x1b[0m",
		"a tab":               secret + "\t",
		"a byte order mark":   "\ufeff" + secret,
		"UTF-16":              "\xff\xfes\x00w\x00",
		"Latin 1":             secret + "\xe9",
		"a key":               "-----BEGIN PRIVATE KEY-----",
		"too much":            strings.Repeat(secret, 1<<20),
	} {
		file := filepath.Join(t.TempDir(), "password")
		require.NoError(t, os.WriteFile(file, []byte(content), 0o600))
		for key, login := range map[string]settings.SASL{
			"PasswordFile": {Mechanism: "PLAIN", User: "a", PasswordFile: file},
			"TokenFile":    {Mechanism: "OAUTHBEARER", TokenFile: file},
		} {
			if key == "TokenFile" && (name == "a tab" || name == "an empty first line") {
				continue // space around a token is cut off
			}
			_, err := LoadSASL(login)
			require.ErrorContains(t, err, "Consensus.Kafka.SASL."+key+": "+file, "%s: %s", key, name)
			require.NotContains(t, err.Error(), secret, name)
		}
	}
}

func TestSecretOfAllKindsOfLetters(t *testing.T) {
	file := filepath.Join(t.TempDir(), "password")
	for content, want := range map[string]string{"p\u00e4ss w\u00f6rd\n": "p\u00e4ss w\u00f6rd", "$%=,;\\\"'\n\n": "$%=,;\\\"'"} {
		require.NoError(t, os.WriteFile(file, []byte(content), 0o600))
		auth, err := LoadSASL(settings.SASL{Mechanism: "PLAIN", User: "a", PasswordFile: file})
		require.NoError(t, err)
		got, err := auth.Password()
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
}
