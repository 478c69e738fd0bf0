package matrix

import (
	"context"
	"crypto/x509"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hyperledger/fabric/orderer/common/types"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/sasl/plain"

	"github.com/fabric-kafka/orderer/chain"
	"github.com/fabric-kafka/orderer/chain/log/kafka"
	"github.com/fabric-kafka/orderer/chain/log/kafka/conn"
	"github.com/fabric-kafka/orderer/chain/log/kafka/kafkatest"
	"github.com/fabric-kafka/orderer/chain/pkitest"
	"github.com/fabric-kafka/orderer/chain/status"
)

// secured returns a cluster that requires client certificates, and an orderer that has
// one. Its long CheckInterval keeps it from opening new connections.
func secured(t *testing.T) (*world, *pkitest.Authority, *orderer) {
	t.Helper()
	ca := pkitest.New(t)
	ca.Issue(ca, "broker", time.Hour)
	ca.Issue(ca, "orderer", time.Hour)
	w := newWorld(t, kafkatest.Options{TLS: &kafkatest.TLS{
		Certificate: ca.Path("broker.pem"), Key: ca.Path("broker.key"), ClientCA: ca.Path("ca.pem"),
	}})
	w.access = func(c *kafka.Config) { c.TLS = client(ca) }
	o := w.orderer(w.ledger(channel), func(o *chain.Options) { o.CheckInterval = time.Minute }).ready()
	o.order("a", "b")
	o.holds("a b @2")
	return w, ca, o
}

// certificates replaces a certificate with an invalid one: open connections continue,
// new ones fail with the reason and the remedy, and a valid certificate is used
// without a restart.
func certificates(t *testing.T, name string, bad func(ca *pkitest.Authority), texts ...string) {
	w, ca, o := secured(t)
	bad(ca)
	o.order("c", "d")
	o.holds("a b @2; c d @4")
	w.cluster.Cut()
	o.is(types.StatusInactive)
	o.reports(texts...)
	ca.Issue(ca, name, time.Hour)
	o.is(types.StatusActive)
	o.accepts("e")
}

// reports waits until clients and the log get the reason.
func (o *orderer) reports(texts ...string) {
	o.w.Helper()
	var last string
	defer func() {
		if o.w.Failed() {
			o.w.Logf("clients got: %s", last)
		}
	}()
	o.w.eventually("clients get the reason", func() bool {
		err := o.WaitReady()
		if err == nil {
			return false
		}
		last = err.Error()
		return !slices.ContainsFunc(texts, func(s string) bool { return !strings.Contains(last, s) })
	})
	o.w.eventually("the log gets the reason", func() bool {
		return slices.ContainsFunc(o.seen.now().unavailable, func(err error) bool {
			return !slices.ContainsFunc(texts, func(s string) bool { return !strings.Contains(err.Error(), s) })
		})
	})
}

func TestRow49BrokerCertificate(t *testing.T) {
	for what, test := range map[string]struct {
		bad   func(ca *pkitest.Authority)
		texts []string
	}{
		"expired": {func(ca *pkitest.Authority) { ca.Issue(ca, "broker", -time.Hour) },
			[]string{"TLS with broker 127.0.0.1:", ": tls: failed to verify certificate: x509: certificate has expired or is not yet valid: current time ",
				"; waiting for a broker's certificate that is valid now"}},
		"wrong authority": {func(ca *pkitest.Authority) { pkitest.New(t).Issue(ca, "broker", time.Hour) },
			[]string{": tls: failed to verify certificate: x509: certificate signed by unknown authority",
				"; waiting for the setting TLS.RootCAs to hold the authority that signed the broker's certificate"}},
		"wrong host": {func(ca *pkitest.Authority) { ca.IssueFor(ca, "broker", hosted("kafka.example.com")) },
			[]string{": tls: failed to verify certificate: x509: cannot validate certificate for 127.0.0.1 because it doesn't contain any IP SANs",
				"; waiting for a broker's certificate for that name, or the setting TLS.ServerName to be a name in it"}},
	} {
		t.Run(what, func(t *testing.T) { certificates(t, "broker", test.bad, test.texts...) })
	}
}

// hosted returns a certificate template with a DNS name and no address.
func hosted(name string) *x509.Certificate {
	c := pkitest.Holder(name, time.Hour)
	c.IPAddresses, c.DNSNames = nil, []string{name}
	return c
}

func TestRow50OrdererCertificate(t *testing.T) {
	const waiting = "; waiting for a client certificate that the brokers accept (TLS.Certificate)"
	for what, test := range map[string]struct {
		bad   func(ca *pkitest.Authority)
		texts []string
	}{
		"expired": {func(ca *pkitest.Authority) { ca.Issue(ca, "orderer", -time.Hour) },
			[]string{"TLS with broker 127.0.0.1:", ": remote error: tls: expired certificate", waiting}},
		"wrong authority": {func(ca *pkitest.Authority) { pkitest.New(t).Issue(ca, "orderer", time.Hour) },
			[]string{": remote error: tls: unknown certificate authority", waiting}},
		"gone": {func(ca *pkitest.Authority) { ca.Remove("orderer.pem") },
			[]string{"open ", "/orderer.pem: no such file or directory", "; waiting for an operator to fix the files that the TLS settings name"}},
		"without its key": {func(ca *pkitest.Authority) {
			ca.IssueFor(ca, "other", pkitest.Holder("orderer", time.Hour))
			ca.Rename("other.pem", "orderer.pem")
		},
			[]string{"tls: private key does not match public key", "; waiting for an operator to fix the files that the TLS settings name"}},
	} {
		t.Run(what, func(t *testing.T) { certificates(t, "orderer", test.bad, test.texts...) })
	}
}

// The brokers get certificates of another authority, which the orderer learns too
// late, next to the old one. It needs no restart.
func TestRow49AuthorityIsReplaced(t *testing.T) {
	w, ca, o := secured(t)
	next := pkitest.New(t)
	next.Issue(ca, "broker", time.Hour)
	w.cluster.Cut()
	o.reports("certificate signed by unknown authority")
	both := slices.Concat(ca.Read("ca.pem"), next.Read("ca.pem"))
	if err := os.WriteFile(ca.Path("ca.pem"), both, 0o600); err != nil {
		t.Fatal(err)
	}
	o.is(types.StatusActive)
	o.accepts("c")
}

const user, password = "orderer", "orderer-password"

// named returns a cluster with users, and the orderers' credentials set.
func named(t *testing.T, acls bool) *world {
	t.Helper()
	w := newWorld(t, kafkatest.Options{Users: map[string]string{user: password}, ACLs: acls})
	w.access = func(c *kafka.Config) { c.SASL = as(user, password) }
	return w
}

func as(user, password string) *conn.SASL {
	return &conn.SASL{Mechanism: conn.Plain, User: user, Password: func() (string, error) { return password, nil }}
}

// The broker gets another password for the orderer, before or while the orderer
// runs, then the right one. Login attempts are limited by the backoff.
func TestRow51Password(t *testing.T) {
	const saslAuthenticate int16 = 36
	w := named(t, false)
	o := w.orderer(w.ledger(channel)).ready()
	o.order("a", "b")
	o.holds("a b @2")
	w.changes("another-password")
	o.is(types.StatusInactive)
	o.refuses(status.ErrNotReady, refusedLogIn...)

	observed := w.cluster.Fault(kafkatest.Fault{Key: saslAuthenticate, Observe: true})
	attempts := len(o.seen.now().unavailable)
	w.eventually("the orderer tries ten times", func() bool { return len(o.seen.now().unavailable) >= attempts+10 })
	if n := observed.Hits(); n > 120 {
		t.Errorf("%d logins in ten attempts", n)
	}
	fresh := w.orderer(w.ledger(another))
	fresh.refuses(status.ErrNotReady)

	w.changes(password)
	o.is(types.StatusActive)
	o.accepts("c")
	fresh.accepts("d")
}

// refusedLogIn has the parts of the error when the embedded broker rejects a password.
var refusedLogIn = []string{" closed the connection during login: EOF",
	"; waiting for an operator to check this orderer's user and password, and the broker's log"}

// The password is changed at the brokers, then in the file. In between, and while the
// file cannot be read, the reason is reported. Nothing is restarted.
func TestRow51PasswordIsRotated(t *testing.T) {
	for _, mechanism := range []string{conn.Plain, conn.ScramSHA256, conn.ScramSHA512} {
		t.Run(mechanism, func(t *testing.T) {
			w := newWorld(t, kafkatest.Options{Users: map[string]string{user: password}, Mechanism: mechanism})
			file := filepath.Join(t.TempDir(), "password")
			put := func(content string) {
				if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			put(password)
			read := func() (string, error) { content, err := os.ReadFile(file); return string(content), err }
			w.access = func(c *kafka.Config) { c.SASL = &conn.SASL{Mechanism: mechanism, User: user, Password: read} }
			o := w.orderer(w.ledger(channel)).ready()
			o.order("a", "b")
			o.holds("a b @2")
			w.changes("another")
			o.reports(refusedLogIn...)
			if err := os.Remove(file); err != nil {
				t.Fatal(err)
			}
			o.reports("open "+file+": no such file or directory",
				"; waiting for an operator to make this orderer's broker credentials readable")
			put("another")
			o.is(types.StatusActive)
			o.accepts("c")
		})
	}
}

func TestRow51WrongMechanism(t *testing.T) {
	w := named(t, false)
	w.access = func(c *kafka.Config) {
		c.SASL = &conn.SASL{Mechanism: conn.OAuthBearer, Token: func(context.Context) (string, error) { return "token", nil }}
	}
	w.orderer(w.ledger(channel)).reports("broker 127.0.0.1:",
		` does not support the SASL mechanism OAUTHBEARER; it supports "PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"`,
		"; waiting for an operator to choose another mechanism (SASL.Mechanism), or to enable it at the brokers")
}

// changes sets the password of the orderer's user and closes all connections.
func (w *world) changes(password string) {
	w.Helper()
	w.cluster.Stop()
	w.cluster.Users[user] = password
	w.cluster.Resume()
}

// rights grants the orderer's user rights on the topic, or revokes them.
func (w *world) rights(give bool, operations ...kmsg.ACLOperation) {
	w.Helper()
	c := w.client(kgo.SASL(plain.Auth{User: kafkatest.SuperUser, Pass: kafkatest.SuperPassword}.AsMechanism()))
	defer c.Close()
	principal, name := "User:"+user, ""
	create, remove := kmsg.NewPtrCreateACLsRequest(), kmsg.NewPtrDeleteACLsRequest()
	for _, operation := range operations {
		create.Creations = append(create.Creations, kmsg.CreateACLsRequestCreation{
			ResourceType: kmsg.ACLResourceTypeTopic, ResourceName: channel, ResourcePatternType: kmsg.ACLResourcePatternTypeLiteral,
			Principal: principal, Host: "*", Operation: operation, PermissionType: kmsg.ACLPermissionTypeAllow,
		})
		name = channel
		remove.Filters = append(remove.Filters, kmsg.DeleteACLsRequestFilter{
			ResourceType: kmsg.ACLResourceTypeTopic, ResourceName: &name, ResourcePatternType: kmsg.ACLResourcePatternTypeLiteral,
			Principal: &principal, Operation: operation, PermissionType: kmsg.ACLPermissionTypeAllow,
		})
	}
	if give {
		if answer, err := create.RequestWith(w.Context(), c); err != nil || answer.Results[0].ErrorCode != 0 {
			w.Fatalf("grant rights: %+v, %v", answer, err)
		}
		return
	}
	if answer, err := remove.RequestWith(w.Context(), c); err != nil || answer.Results[0].ErrorCode != 0 || len(answer.Results[0].MatchingACLs) == 0 {
		w.Fatalf("revoke rights: %+v, %v", answer, err)
	}
}

// Without the right Write nothing is acknowledged; without the right Read nothing is
// ordered. Both errors name the remedy, and end once the right is granted.
func TestRow52RightsRemoved(t *testing.T) {
	w := named(t, true)
	all := []kmsg.ACLOperation{kmsg.ACLOperationRead, kmsg.ACLOperationWrite, kmsg.ACLOperationDescribe, kmsg.ACLOperationCreate}
	w.rights(true, all...)
	o := w.orderer(w.ledger(channel)).ready()
	o.order("a", "b")
	o.holds("a b @2")

	w.rights(false, kmsg.ACLOperationWrite)
	w.fails("order", o.submit("refused"), status.ErrNotReady, "the envelope is not ordered", "append topic", "; waiting for an operator to grant this orderer's principal the right Write on the topic")
	w.rights(true, kmsg.ACLOperationWrite)
	o.accepts("c")

	w.rights(false, kmsg.ACLOperationRead)
	o.is(types.StatusInactive)
	o.refuses(status.ErrNotReady, "read topic", "; waiting for an operator to grant this orderer's principal the right Read on the topic")
	w.rights(true, kmsg.ACLOperationRead)
	o.is(types.StatusActive)
	o.accepts("d")
	if o.count("refused") > 0 {
		t.Error("a refused envelope is ordered")
	}
}

// One of two orderers can append but not fetch, or fetch but not append. The other
// cuts blocks for it, and it never accepts envelopes that it cannot order.
func TestRow29OneWay(t *testing.T) {
	w := named(t, true)
	w.rights(true, kmsg.ACLOperationRead, kmsg.ACLOperationWrite, kmsg.ACLOperationDescribe, kmsg.ACLOperationCreate)
	half := w.orderer(w.ledger(channel)).ready()
	w.access = func(c *kafka.Config) {
		c.SASL = as(kafkatest.SuperUser, kafkatest.SuperPassword)
	}
	whole := w.orderer(w.ledger(channel)).ready()
	half.order("a", "b")

	w.rights(false, kmsg.ACLOperationWrite)
	w.fails("order", half.submit("refused"), status.ErrNotReady, "the envelope is not ordered")
	whole.order("c") // alone in its batch until the batch timeout
	for _, o := range []*orderer{half, whole} {
		w.eventually("the other's time-to-cut ends the block", func() bool { return o.count("c") == 1 })
	}
	if n := half.seen.now().cutPosted; n > 0 {
		t.Errorf("it posted %d time-to-cuts without the right to", n)
	}
	w.rights(true, kmsg.ACLOperationWrite)
	half.accepts("d")

	w.rights(false, kmsg.ACLOperationRead)
	half.is(types.StatusInactive)
	half.refuses(status.ErrNotReady, "the right Read on the topic")
	whole.accepts("e")
	if half.count("e") > 0 {
		t.Error("the orderer has a block with a record that it may not read")
	}
	w.rights(true, kmsg.ACLOperationRead)
	w.same(half, whole)
	if whole.count("refused") > 0 {
		t.Error("a refused envelope is ordered")
	}
}
