package apache

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"math/big"
	"testing"
	"time"
)

// The broker accepts tokens of this issuer, for this audience.
const issuedBy, audience = "https://tokens.example.com", "kafka"

var encode = base64.RawURLEncoding.EncodeToString

// token returns an unsigned token, which Kafka's validator for tests accepts.
func token(subject string, end time.Time) string {
	return encode([]byte(`{"alg":"none"}`)) + "." + claims(subject, audience, end) + "."
}

func claims(subject, audience string, end time.Time) string {
	return encode(fmt.Appendf(nil, `{"sub":%q,"iss":%q,"aud":%q,"iat":%d,"exp":%d}`,
		subject, issuedBy, audience, end.Add(-time.Hour).Unix(), end.Unix()))
}

// issuer signs tokens (RS256).
type issuer struct {
	t   *testing.T
	key *rsa.PrivateKey
}

func newIssuer(t *testing.T) *issuer {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	return &issuer{t, key}
}

// keyID is the name of every issuer's key.
const keyID = "key-1"

// keys returns the key set (JWKS) with which a broker verifies an issuer's tokens.
func (i *issuer) keys() string {
	return fmt.Sprintf(`{"keys":[{"kty":"RSA","use":"sig","alg":"RS256","kid":%q,"n":%q,"e":%q}]}`,
		keyID, encode(i.key.N.Bytes()), encode(big.NewInt(int64(i.key.E)).Bytes()))
}

func (i *issuer) token(subject, audience string, end time.Time) string {
	i.t.Helper()
	text := encode(fmt.Appendf(nil, `{"alg":"RS256","kid":%q}`, keyID)) + "." + claims(subject, audience, end)
	digest := sha256.Sum256([]byte(text))
	signature, err := rsa.SignPKCS1v15(rand.Reader, i.key, crypto.SHA256, digest[:])
	if err != nil {
		i.t.Fatal(err)
	}
	return text + "." + encode(signature)
}

// signedTokens returns the settings of a listener that accepts tokens of the issuer
// whose keys are in a file.
func signedTokens(listener, keys string) []string {
	prefix := listenerPrefix(listener) + "oauthbearer."
	return append(login(listener, "OAUTHBEARER"),
		prefix+"sasl.server.callback.handler.class=org.apache.kafka.common.security.oauthbearer.OAuthBearerValidatorCallbackHandler",
		prefix+"sasl.oauthbearer.jwks.endpoint.url="+keys,
		prefix+"sasl.oauthbearer.expected.issuer="+issuedBy,
		prefix+"sasl.oauthbearer.expected.audience="+audience)
}
