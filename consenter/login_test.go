package consenter

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestPasswordIsTheFileWithoutItsLineEnd(t *testing.T) {
	file := filepath.Join(t.TempDir(), "password")
	put := func(content string) { require.NoError(t, os.WriteFile(file, []byte(content), 0o600)) }
	put("first")
	auth, err := SASL{Mechanism: "SCRAM-SHA-512", User: "orderer1", PasswordFile: file}.load()
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
	password := SASL{Mechanism: "PLAIN", User: "orderer1", PasswordFile: file}
	token := SASL{Mechanism: "OAUTHBEARER", TokenFile: file}
	_, err := password.load()
	require.EqualError(t, err, "Consensus.Kafka.SASL.PasswordFile: open "+file+": no such file or directory")
	_, err = token.load()
	require.EqualError(t, err, "Consensus.Kafka.SASL.TokenFile: open "+file+": no such file or directory")

	require.NoError(t, os.WriteFile(file, []byte("secret"), 0o600))
	passwords, err := password.load()
	require.NoError(t, err)
	tokens, err := token.load()
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(file, []byte("\n"), 0o600))
	_, err = passwords.Password()
	require.EqualError(t, err, "Consensus.Kafka.SASL.PasswordFile: "+file+" is empty", "and not the one of before")
	_, err = tokens.Token(t.Context())
	require.EqualError(t, err, "Consensus.Kafka.SASL.TokenFile: "+file+" is empty")
}

func TestTokenIsOneWord(t *testing.T) {
	file := filepath.Join(t.TempDir(), "token")
	put := func(content string) { require.NoError(t, os.WriteFile(file, []byte(content), 0o600)) }
	put("first")
	auth, err := SASL{Mechanism: "OAUTHBEARER", TokenFile: file}.load()
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
		require.Equal(t, want, Config{SASL: SASL{Mechanism: mechanism}}.exposed(), mechanism)
		require.False(t, Config{SASL: SASL{Mechanism: mechanism}, TLS: TLS{Enabled: true}}.exposed(), mechanism)
	}
}
