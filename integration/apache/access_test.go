package apache

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/IBM/sarama"
	"github.com/hyperledger/fabric/orderer/consensus"

	"github.com/fabric-kafka/orderer/chain/chaintest"
	"github.com/fabric-kafka/orderer/chain/pkitest"
	"github.com/fabric-kafka/orderer/network/apache"
)

// Sections of orderer.yaml.
const (
	serverTLS      = "TLS: {Enabled: true, RootCAs: [ca.pem]}\n"
	byTokenCommand = "SASL: {Mechanism: OAUTHBEARER, TokenCommand: [/bin/cat, %s]}\n"
)

func byToken(file string) string {
	return "SASL: {Mechanism: OAUTHBEARER, TokenFile: " + file + "}\n"
}

func byPassword(mechanism, file string) string {
	return "SASL: {Mechanism: " + mechanism + ", User: " + orderer + ", PasswordFile: " + file + "}\n"
}

// Every way to connect, from orderer.yaml to a block; then the error that an operator
// sees for every way that fails.
func TestAccess(t *testing.T) { onEachVersion(t, access) }

func access(t *testing.T, v apache.Version) {
	s := newSecured(t, v)
	s.Java = append(s.Java, checkRevoked...)
	s.start()
	s.file("password", password+"\n")
	s.file("wrong", "wrong\n")
	s.file("token", token(orderer, time.Now().Add(time.Hour)))
	s.file("signed", s.issuer.token(orderer, audience, time.Now().Add(time.Hour)))
	revoked := s.revokeCertificate(t)
	t.Run("open", s.open)
	t.Run("closed", s.closed)
	t.Run("again", s.again)
	t.Run("revoked", revoked)
	t.Run("rotated", s.rotated)
}

func (s *secured) open(t *testing.T) {
	ways := map[string][2]string{
		"TLS":                  {byTLS, serverTLS},
		"client certificate":   {byMTLS, identity(orderer)},
		"token over TLS":       {byBoth, serverTLS + byToken("token")},
		"token":                {bySASL, byToken("token")},
		"signed token":         {bySigned, byToken("signed")},
		"token of a command":   {byBoth, identity(orderer) + strings.ReplaceAll(byTokenCommand, "%s", s.ca.Path("token"))},
		"one mechanism":        {byScram, byPassword("SCRAM-SHA-512", "password")},
		"another name by TLS":  {elseHost, "TLS: {Enabled: true, RootCAs: [ca.pem], ServerName: kafka.example.com}\n"},
		"superfluous identity": {byTLS, identity(orderer)},
	}
	for _, mechanism := range []string{"PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"} {
		ways[mechanism] = [2]string{bySASL, byPassword(mechanism, "password")}
		ways[mechanism+" over TLS"] = [2]string{byBoth, serverTLS + byPassword(mechanism, "password")}
	}
	for name, way := range ways {
		t.Run(name, func(t *testing.T) {
			c, ledger := s.chain(t, way[0], way[1])
			order(t, c, ledger, "a")
		})
	}
}

// order submits an envelope until it is accepted, and waits until it is in a block.
func order(t *testing.T, c consensus.Chain, ledger *chaintest.Ledger, text string) {
	t.Helper()
	eventually(t, "an envelope is accepted", func() (bool, any) {
		err := c.WaitReady()
		if err == nil {
			err = c.Order(chaintest.Envelope(ledger.ChannelID(), text), ledger.Sequence())
		}
		return err == nil, err
	})
	eventually(t, "it is in a block", func() (bool, any) {
		return strings.Contains(ledger.Contents(), text), ledger.Contents()
	})
}

func eventually(t *testing.T, what string, holds func() (bool, any)) {
	t.Helper()
	for end := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
		ok, state := holds()
		if ok {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("not in time: %s; %v", what, state)
		}
	}
}

// closed tests the ways to connect that fail, with the error that an operator sees for each.
func (s *secured) closed(t *testing.T) {
	other := pkitest.New(t)
	other.Issue(s.ca, "stranger", time.Hour)
	s.file("other.pem", string(other.Read("ca.pem")))
	s.file("wrong", "wrong")
	s.file("old-token", token(orderer, time.Now().Add(-time.Minute)))
	s.file("no-token", "nonsense")
	s.file("old-signed", s.issuer.token(orderer, audience, time.Now().Add(-time.Minute))) // brokers allow 30 s
	s.file("forged", newIssuer(t).token(orderer, audience, time.Now().Add(time.Hour)))
	s.file("misdirected", s.issuer.token(orderer, "another service", time.Now().Add(time.Hour)))
	nowhere := pkitest.Holder("nowhere", time.Hour)
	nowhere.CRLDistributionPoints = []string{"http://" + freeAddress(t) + "/revoked.crl"}
	s.ca.IssueFor(s.ca, "nowhere", nowhere)
	for name, test := range map[string]struct{ listener, section, reason string }{
		"wrong authority":      {byTLS, "TLS: {Enabled: true, RootCAs: [other.pem]}", withBroker + badCertificate + "certificate signed by unknown authority; " + awaitAuthority},
		"wrong host name":      {elseHost, serverTLS, withBroker + badCertificate + "cannot validate certificate for 127.0.0.1 because it doesn't contain any IP SANs; " + awaitName},
		"other name asked for": {byTLS, "TLS: {Enabled: true, RootCAs: [ca.pem], ServerName: kafka.example.com}", withBroker + badCertificate + "certificate is not valid for any names, but wanted to match kafka.example.com; " + awaitName},
		"expired broker":       {expired, serverTLS, withBroker + badCertificate + "certificate has expired or is not yet valid: current time TIME is after TIME; waiting for a broker's certificate that is valid now"},

		"no client certificate": {byMTLS, serverTLS, withBroker + "remote error: tls: certificate required; " + awaitIdentity},
		"expired client":        {byMTLS, identity("late"), withBroker + "remote error: tls: unknown certificate; " + awaitIdentity},
		"unknown client":        {byMTLS, identity("stranger"), withBroker + "remote error: tls: unknown certificate; " + awaitIdentity},
		"no list of revoked":    {byMTLS, identity("unlisted"), withBroker + "remote error: tls: unknown certificate; " + awaitIdentity},
		"list is down":          {byMTLS, identity("nowhere"), withBroker + "remote error: tls: unknown certificate; " + awaitIdentity},
		"plain text to TLS":     {byTLS, "", "broker 127.0.0.1:PORT expects TLS on that port, but this orderer does not use TLS; " + awaitListener},
		"TLS to plain text":     {bySASL, serverTLS, withBroker + "EOF; waiting for a TLS listener of the brokers"},
		"TLS without login":     {byBoth, serverTLS, "broker 127.0.0.1:PORT closed the connection without an answer: EOF; " + awaitListener},

		"wrong password":            {bySASL, byPassword("PLAIN", "wrong"), loginFailed + "Authentication failed: Invalid username or password; " + awaitCredentials},
		"wrong password, SCRAM 256": {byBoth, serverTLS + byPassword("SCRAM-SHA-256", "wrong"), loginFailed + invalid + "SCRAM-SHA-256; " + awaitCredentials},
		"wrong password, SCRAM 512": {byBoth, serverTLS + byPassword("SCRAM-SHA-512", "wrong"), loginFailed + invalid + "SCRAM-SHA-512; " + awaitCredentials},
		"unknown user":              {bySASL, "SASL: {Mechanism: SCRAM-SHA-512, User: nobody, PasswordFile: password}", loginFailed + invalid + "SCRAM-SHA-512; " + awaitCredentials},
		"wrong mechanism": {byScram, byPassword("PLAIN", "password"), `broker 127.0.0.1:PORT does not support the SASL mechanism PLAIN; it supports "SCRAM-SHA-512"; ` +
			"waiting for an operator to choose another mechanism (SASL.Mechanism), or to enable it at the brokers"},
		"expired token":          {bySASL, byToken("old-token"), loginFailed + invalidToken + awaitCredentials},
		"no token":               {bySASL, byToken("no-token"), loginFailed + invalidToken + awaitCredentials},
		"signed, and expired":    {bySigned, byToken("old-signed"), loginFailed + invalidToken + awaitCredentials},
		"signed by another key":  {bySigned, byToken("forged"), loginFailed + invalidToken + awaitCredentials},
		"signed, other audience": {bySigned, byToken("misdirected"), loginFailed + invalidToken + awaitCredentials},
		"not signed":             {bySigned, byToken("token"), loginFailed + invalidToken + awaitCredentials},
		"failing command": {bySASL, "SASL: {Mechanism: OAUTHBEARER, TokenCommand: [/bin/false]}",
			"Consensus.Kafka.SASL.TokenCommand: /bin/false: exit status 1; run it by hand to see its output; " + awaitReadable},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, ledger := s.chain(t, test.listener, test.section)
			s.reports(t, c, ledger, test.reason)
		})
	}
}

// Parts of the errors.
const (
	withBroker     = "TLS with broker 127.0.0.1:PORT: "
	badCertificate = "tls: failed to verify certificate: x509: "
	loginFailed    = "kafka server: SASL Authentication failed: "
	invalid        = "Authentication failed during authentication due to invalid credentials with SASL mechanism "
	invalidToken   = invalid + "OAUTHBEARER; "

	awaitAuthority   = "waiting for the setting TLS.RootCAs to hold the authority that signed the broker's certificate"
	awaitName        = "waiting for a broker's certificate for that name, or the setting TLS.ServerName to be a name in it"
	awaitIdentity    = "waiting for a client certificate that the brokers accept (TLS.Certificate)"
	awaitListener    = "waiting for running brokers whose listener has this orderer's TLS and SASL settings"
	awaitCredentials = "waiting for an operator to correct this orderer's credentials"
	awaitReadable    = "waiting for an operator to make this orderer's broker credentials readable"
)

func identity(name string) string {
	return "TLS: {Enabled: true, RootCAs: [ca.pem], Certificate: " + name + ".pem, PrivateKey: " + name + ".key}\n"
}

// Brokers that require reauthentication every four seconds, and tokens that expire after
// fifteen, lose no envelope: the token command runs in time for the next one.
func (s *secured) again(t *testing.T) {
	s.file("get-token", `#!/bin/sh
echo ran >> "$0.runs"
encode() { base64 | tr '+/' '-_' | tr -d '=\n'; }
now=$(date +%s)
printf '%s.%s.' "$(printf '{"alg":"none"}' | encode)" "$(printf '{"sub":"orderer","iat":%s,"exp":%s}' "$now" $((now + 15)) | encode)"
`)
	for name, section := range map[string]string{
		"PLAIN": byPassword("PLAIN", "password"),
		"token": "SASL: {Mechanism: OAUTHBEARER, TokenCommand: [" + s.ca.Path("get-token") + "]}",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, ledger := s.chain(t, again, section)
			order(t, c, ledger, "first")
			// Time must pass: sessions expire four times, and tokens once.
			for i, end := 0, time.Now().Add(16*time.Second); time.Now().Before(end); i++ {
				if err := c.Order(chaintest.Envelope(ledger.ChannelID(), fmt.Sprint("envelope-", i)), ledger.Sequence()); err != nil {
					t.Fatalf("envelope %d: %v", i, err)
				}
				time.Sleep(50 * time.Millisecond)
			}
			order(t, c, ledger, "last")
		})
	}
	began := time.Now()
	t.Cleanup(func() { // when both have finished
		took := time.Since(began)
		runs := strings.Count(string(s.ca.Read("get-token.runs")), "ran")
		if most := 4 + int(took/(10*time.Second)); runs < 2 || runs > most { // one run per login would be a dozen
			t.Errorf("the program ran %d times in %v", runs, took)
		}
	})
}

// Credentials of a running orderer are revoked and renewed: it reports the error once it
// has to reconnect, and needs no restart.
func (s *secured) rotated(t *testing.T) {
	s.ca.Issue(s.ca, "mine", time.Hour)
	s.ca.Issue(s.ca, "listed", time.Hour)
	s.file("my-password", password)
	s.file("my-token", token(orderer, time.Now().Add(time.Hour)))
	s.file("my-signed", s.issuer.token(orderer, audience, time.Now().Add(time.Hour)))
	ways := []struct {
		listener, section, reason string
		revoke, renew             func()
	}{
		{byBoth, serverTLS + byPassword("SCRAM-SHA-512", "my-password"), loginFailed + invalid + "SCRAM-SHA-512; " + awaitCredentials,
			func() { s.setPassword("changed") }, func() { s.file("my-password", "changed") }},
		{bySASL, byToken("my-token"), "Consensus.Kafka.SASL.TokenFile: open " + s.ca.Path("my-token") +
			": no such file or directory; " + awaitReadable,
			func() { s.ca.Remove("my-token") }, func() { s.file("my-token", token(orderer, time.Now().Add(time.Hour))) }},
		{bySigned, byToken("my-signed"), loginFailed + invalidToken + awaitCredentials,
			func() { s.file("my-signed", s.issuer.token(orderer, audience, time.Now().Add(-time.Minute))) },
			func() { s.file("my-signed", s.issuer.token(orderer, audience, time.Now().Add(time.Hour))) }},
		{byMTLS, identity("mine"), withBroker + "remote error: tls: unknown certificate; " + awaitIdentity,
			func() { s.ca.Issue(s.ca, "mine", -time.Minute) }, func() { s.ca.Issue(s.ca, "mine", time.Hour) }},
		{byMTLS, identity("listed"), withBroker + "remote error: tls: unknown certificate; " + awaitIdentity,
			func() { s.ca.Revoke("listed") }, func() { s.ca.Issue(s.ca, "listed", time.Hour) }},
	}
	chains, ledgers := make([]consensus.Chain, len(ways)), make([]*chaintest.Ledger, len(ways))
	for i, way := range ways {
		chains[i], ledgers[i] = s.chain(t, way.listener, way.section)
		order(t, chains[i], ledgers[i], "before")
		way.revoke()
	}
	s.stop()
	s.start()
	for i, way := range ways {
		s.reports(t, chains[i], ledgers[i], way.reason)
		way.renew()
		order(t, chains[i], ledgers[i], "after")
	}
}

// checkRevoked makes the broker's JVM check the revocation lists that client certificates
// name. It caches each for 30 seconds.
var checkRevoked = []string{"-Dcom.sun.net.ssl.checkRevocation=true", "-Dcom.sun.security.enableCRLDP=true"}

// revokeCertificate revokes the certificate of a running orderer. The function that it returns checks
// that this orderer is cut off at its next check of the topic once the broker has reloaded
// the list, that an orderer started then is refused as well, and that both continue with
// another certificate. Neither broker nor orderer is restarted.
func (s *secured) revokeCertificate(t *testing.T) func(*testing.T) {
	s.ca.Issue(s.ca, "revoked", time.Hour)
	section := identity("revoked") + "CheckInterval: 1s\n"
	runs, ledger := s.chain(t, byMTLS, section)
	order(t, runs, ledger, "before")
	s.ca.Revoke("revoked")
	return func(t *testing.T) {
		eventually(t, "it is cut off", func() (bool, any) { return runs.WaitReady() != nil, "it is ready" })
		starts, of := s.chain(t, byMTLS, section)
		s.reports(t, runs, ledger, withBroker+"remote error: tls: unknown certificate; "+awaitIdentity)
		s.reports(t, starts, of, withBroker+"remote error: tls: unknown certificate; "+awaitIdentity)
		s.ca.Issue(s.ca, "revoked", time.Hour)
		order(t, runs, ledger, "after")
		order(t, starts, of, "after")
	}
}

func (s *secured) setPassword(to string) {
	s.admin("change the password", func(a sarama.ClusterAdmin) error {
		_, err := a.UpsertUserScramCredentials([]sarama.AlterUserScramCredentialsUpsert{{Name: orderer,
			Mechanism: sarama.SCRAM_MECHANISM_SHA_512, Iterations: 8192, Salt: []byte("salt of a test"), Password: []byte(to)}})
		return err
	})
}
