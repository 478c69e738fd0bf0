package credentials

import (
	"testing"
	"time"

	"github.com/fabric-kafka/orderer/chain/pkitest"
)

// A file of authorities is refused, or every certificate in it is used.
func FuzzAuthorities(f *testing.F) {
	good := string(pkitest.NewCA(template(time.Now().Add(time.Hour))).Pair().Certificate())
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
