package credentials

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A file of authorities is refused, or every certificate in it is used.
func FuzzAuthorities(f *testing.F) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(f, err)
	der, err := x509.CreateCertificate(rand.Reader, template(time.Now().Add(time.Hour)), template(time.Now().Add(time.Hour)), key.Public(), key)
	require.NoError(f, err)
	good := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	f.Add("", "", "")
	f.Add(dump, "\r\n", "-----END CERTIFICATE-----")
	f.Add("\ufeff", "----", "BEGIN CERTIFICATE-----")
	f.Fuzz(func(t *testing.T, before, between, behind string) {
		all, err := certificates([]byte(before + good + between + good + behind))
		if err == nil && len(all) < 2 {
			t.Errorf("%q, %q, %q: %d of two certificates were used", before, between, behind, len(all))
		}
	})
}
