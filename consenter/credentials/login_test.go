package credentials

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/fabric-kafka/orderer/chain/checktest"
	"github.com/fabric-kafka/orderer/consenter/settings"
)

func TestPasswordIsTheFileWithoutItsLineEnd(t *testing.T) {
	file := filepath.Join(t.TempDir(), "password")
	put := func(content string) { checktest.Must(t, os.WriteFile(file, []byte(content), 0o600)) }
	put("first")
	auth, err := LoadSASL(settings.SASL{Mechanism: "SCRAM-SHA-512", User: "orderer1", PasswordFile: file})
	checktest.Must(t, err)
	if got, want := auth.Mechanism, "SCRAM-SHA-512"; !reflect.DeepEqual(got, want) {
		t.Fatalf("got %v, want %v", got, want)
	}
	if got, want := auth.User, "orderer1"; !reflect.DeepEqual(got, want) {
		t.Fatalf("got %v, want %v", got, want)
	}
	for content, want := range map[string]string{"secret": "secret", "secret\n": "secret", " a b \r\n": " a b "} {
		put(content)
		got, err := auth.Password()
		checktest.Must(t, err)
		if got, want := got, want; !reflect.DeepEqual(got, want) {
			t.Fatalf("got %v, want %v", got, want)
		}
	}
}

func TestSecretThatCannotBeReadIsNamed(t *testing.T) {
	file := filepath.Join(t.TempDir(), "secret")
	password := settings.SASL{Mechanism: "PLAIN", User: "orderer1", PasswordFile: file}
	token := settings.SASL{Mechanism: "OAUTHBEARER", TokenFile: file}
	_, err := LoadSASL(password)
	if got, want := err, "Consensus.Kafka.SASL.PasswordFile: open "+file+": no such file or directory"; fmt.Sprint(got) != want {
		t.Fatalf("got %q, want %q", got, want)
	}
	_, err = LoadSASL(token)
	if got, want := err, "Consensus.Kafka.SASL.TokenFile: open "+file+": no such file or directory"; fmt.Sprint(got) != want {
		t.Fatalf("got %q, want %q", got, want)
	}

	checktest.Must(t, os.WriteFile(file, []byte("secret"), 0o600))
	passwords, err := LoadSASL(password)
	checktest.Must(t, err)
	tokens, err := LoadSASL(token)
	checktest.Must(t, err)
	checktest.Must(t, os.WriteFile(file, []byte("\n"), 0o600))
	_, err = passwords.Password()
	if got, want := err, "Consensus.Kafka.SASL.PasswordFile: "+file+": it is empty"; fmt.Sprint(got) != want {
		t.Fatalf("and not the one of before: got %q, want %q", got, want)
	}
	_, err = tokens.Token(t.Context())
	if got, want := err, "Consensus.Kafka.SASL.TokenFile: "+file+": it is empty"; fmt.Sprint(got) != want {
		t.Fatalf("got %q, want %q", got, want)
	}
}

func TestTokenIsOneWord(t *testing.T) {
	file := filepath.Join(t.TempDir(), "token")
	put := func(content string) { checktest.Must(t, os.WriteFile(file, []byte(content), 0o600)) }
	put("first")
	auth, err := LoadSASL(settings.SASL{Mechanism: "OAUTHBEARER", TokenFile: file})
	checktest.Must(t, err)
	put(" a.b.c\n")
	got, err := auth.Token(t.Context())
	checktest.Must(t, err)
	if got, want := got, "a.b.c"; !reflect.DeepEqual(got, want) {
		t.Fatalf("got %v, want %v", got, want)
	}
	for _, content := range []string{"a b", "a\nb", "a\x01auth=Bearer b", "\u00e9"} {
		put(content)
		_, err = auth.Token(t.Context())
		if got, want := err, "Consensus.Kafka.SASL.TokenFile: "+file+
			": not a token: want one line of printable ASCII characters without spaces"; fmt.Sprint(got) != want {
			t.Fatalf("got %q, want %q", got, want)
		}
	}
	put("  \n")
	_, err = auth.Token(t.Context())
	if got, want := err, "Consensus.Kafka.SASL.TokenFile: "+file+": no token"; fmt.Sprint(got) != want {
		t.Fatalf("got %q, want %q", got, want)
	}
}

func TestSecretsInClearTextAreNoticed(t *testing.T) {
	for mechanism, want := range map[string]bool{"": false, "PLAIN": true, "OAUTHBEARER": true, "SCRAM-SHA-256": false, "SCRAM-SHA-512": false} {
		if got, want := Exposed(settings.TLS{}, settings.SASL{Mechanism: mechanism}), want; !reflect.DeepEqual(got, want) {
			t.Fatalf("%v: got %v, want %v", mechanism, got, want)
		}
		if Exposed(settings.TLS{Enabled: true}, settings.SASL{Mechanism: mechanism}) {
			t.Fatalf("%s over TLS is reported as exposed", mechanism)
		}
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
		checktest.Must(t, os.WriteFile(file, []byte(content), 0o600))
		for key, login := range map[string]settings.SASL{
			"PasswordFile": {Mechanism: "PLAIN", User: "a", PasswordFile: file},
			"TokenFile":    {Mechanism: "OAUTHBEARER", TokenFile: file},
		} {
			if key == "TokenFile" && (name == "a tab" || name == "an empty first line") {
				continue // space around a token is cut off
			}
			_, err := LoadSASL(login)
			checktest.Fails(t, err, "Consensus.Kafka.SASL."+key+": "+file)
			if got, part := err.Error(), secret; strings.Contains(got, part) {
				t.Fatalf("%v: %q has %q", name, got, part)
			}
		}
	}
}

func TestSecretOfAllKindsOfLetters(t *testing.T) {
	file := filepath.Join(t.TempDir(), "password")
	for content, want := range map[string]string{"p\u00e4ss w\u00f6rd\n": "p\u00e4ss w\u00f6rd", "$%=,;\\\"'\n\n": "$%=,;\\\"'"} {
		checktest.Must(t, os.WriteFile(file, []byte(content), 0o600))
		auth, err := LoadSASL(settings.SASL{Mechanism: "PLAIN", User: "a", PasswordFile: file})
		checktest.Must(t, err)
		got, err := auth.Password()
		checktest.Must(t, err)
		if got, want := got, want; !reflect.DeepEqual(got, want) {
			t.Fatalf("got %v, want %v", got, want)
		}
	}
}
