package consenter

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/fabric-kafka/orderer/consenter/settings"
)

func TestPasswordIsTheFileWithoutItsLineEnd(t *testing.T) {
	file := filepath.Join(t.TempDir(), "password")
	put := func(content string) { must(t, os.WriteFile(file, []byte(content), 0o600)) }
	put("first")
	auth, err := loadSASL(settings.SASL{Mechanism: "SCRAM-SHA-512", User: "orderer1", PasswordFile: file})
	must(t, err)
	if auth.Mechanism != "SCRAM-SHA-512" {
		t.Fatalf("auth.Mechanism is %v, want %v", auth.Mechanism, "SCRAM-SHA-512")
	}
	if auth.User != "orderer1" {
		t.Fatalf("auth.User is %v, want %v", auth.User, "orderer1")
	}
	for content, want := range map[string]string{"secret": "secret", "secret\n": "secret", " a b \r\n": " a b "} {
		put(content)
		got, err := auth.Password()
		must(t, err)
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("got %v, want %v", got, want)
		}
	}
}

func TestSecretThatCannotBeReadIsNamed(t *testing.T) {
	file := filepath.Join(t.TempDir(), "secret")
	password := settings.SASL{Mechanism: "PLAIN", User: "orderer1", PasswordFile: file}
	token := settings.SASL{Mechanism: "OAUTHBEARER", TokenFile: file}
	_, err := loadSASL(password)
	if got := fmt.Sprint(err); got != "Consensus.Kafka.SASL.PasswordFile: open "+file+": no such file or directory" {
		t.Fatalf("got %q, want %q", got, "Consensus.Kafka.SASL.PasswordFile: open "+file+": no such file or directory")
	}
	_, err = loadSASL(token)
	if got := fmt.Sprint(err); got != "Consensus.Kafka.SASL.TokenFile: open "+file+": no such file or directory" {
		t.Fatalf("got %q, want %q", got, "Consensus.Kafka.SASL.TokenFile: open "+file+": no such file or directory")
	}

	must(t, os.WriteFile(file, []byte("secret"), 0o600))
	passwords, err := loadSASL(password)
	must(t, err)
	tokens, err := loadSASL(token)
	must(t, err)
	must(t, os.WriteFile(file, []byte("\n"), 0o600))
	_, err = passwords.Password()
	if got := fmt.Sprint(err); got != "Consensus.Kafka.SASL.PasswordFile: "+file+": it is empty" {
		t.Fatalf("and not the one of before: got %q, want %q", got, "Consensus.Kafka.SASL.PasswordFile: "+file+": it is empty")
	}
	_, err = tokens.Token(t.Context())
	if got := fmt.Sprint(err); got != "Consensus.Kafka.SASL.TokenFile: "+file+": it is empty" {
		t.Fatalf("got %q, want %q", got, "Consensus.Kafka.SASL.TokenFile: "+file+": it is empty")
	}
}

func TestTokenIsOneWord(t *testing.T) {
	file := filepath.Join(t.TempDir(), "token")
	put := func(content string) { must(t, os.WriteFile(file, []byte(content), 0o600)) }
	put("first")
	auth, err := loadSASL(settings.SASL{Mechanism: "OAUTHBEARER", TokenFile: file})
	must(t, err)
	put(" a.b.c\n")
	got, err := auth.Token(t.Context())
	must(t, err)
	if got != "a.b.c" {
		t.Fatalf("got %v, want %v", got, "a.b.c")
	}
	for _, content := range []string{"a b", "a\nb", "a\x01auth=Bearer b", "\u00e9"} {
		put(content)
		_, err = auth.Token(t.Context())
		if got := fmt.Sprint(err); got != "Consensus.Kafka.SASL.TokenFile: "+file+
			": not a token: want one line of printable ASCII characters without spaces" {
			t.Fatalf("got %q, want %q", got, "Consensus.Kafka.SASL.TokenFile: "+file+
				": not a token: want one line of printable ASCII characters without spaces")
		}
	}
	put("  \n")
	_, err = auth.Token(t.Context())
	if got := fmt.Sprint(err); got != "Consensus.Kafka.SASL.TokenFile: "+file+": no token" {
		t.Fatalf("got %q, want %q", got, "Consensus.Kafka.SASL.TokenFile: "+file+": no token")
	}
}

func TestSecretsInClearTextAreNoticed(t *testing.T) {
	for mechanism, want := range map[string]bool{"": false, "PLAIN": true, "OAUTHBEARER": true, "SCRAM-SHA-256": false, "SCRAM-SHA-512": false} {
		if got := exposed(settings.Config{SASL: settings.SASL{Mechanism: mechanism}}); !reflect.DeepEqual(got, want) {
			t.Fatalf("%v: got %v, want %v", mechanism, got, want)
		}
		if exposed(settings.Config{SASL: settings.SASL{Mechanism: mechanism}, TLS: settings.TLS{Enabled: true}}) {
			t.Fatalf("%v: exposed(settings.Config{SASL: settings.SASL{Mechanism: mechanism}, TLS: settings.TLS{Enabled: true}}) is true", mechanism)
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
		must(t, os.WriteFile(file, []byte(content), 0o600))
		for key, login := range map[string]settings.SASL{
			"PasswordFile": {Mechanism: "PLAIN", User: "a", PasswordFile: file},
			"TokenFile":    {Mechanism: "OAUTHBEARER", TokenFile: file},
		} {
			if key == "TokenFile" && (name == "a tab" || name == "an empty first line") {
				continue // space around a token is cut off
			}
			_, err := loadSASL(login)
			if want := "Consensus.Kafka.SASL." + key + ": " + file; err == nil || !strings.Contains(err.Error(), want) {
				t.Fatalf("%s: %s: got the error %v, want one with %q", key, name, err, want)
			}
			if got := err.Error(); strings.Contains(got, secret) {
				t.Fatalf("%v: %q is in %q", name, secret, got)
			}
		}
	}
}

func TestSecretOfAllKindsOfLetters(t *testing.T) {
	file := filepath.Join(t.TempDir(), "password")
	for content, want := range map[string]string{"p\u00e4ss w\u00f6rd\n": "p\u00e4ss w\u00f6rd", "$%=,;\\\"'\n\n": "$%=,;\\\"'"} {
		must(t, os.WriteFile(file, []byte(content), 0o600))
		auth, err := loadSASL(settings.SASL{Mechanism: "PLAIN", User: "a", PasswordFile: file})
		must(t, err)
		got, err := auth.Password()
		must(t, err)
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("got %v, want %v", got, want)
		}
	}
}
