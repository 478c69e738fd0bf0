package consenter

import (
	"crypto/tls"
	"fmt"
	"math"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/hyperledger/fabric/common/metrics/disabled"

	"github.com/fabric-kafka/orderer/chain/fabric"
)

// notices collects what is logged about a client certificate, on a clock of its own.
type notices struct {
	*clientCertificate
	logged []string
	time   time.Time
}

func newNotices() *notices {
	n := &notices{clientCertificate: &clientCertificate{end: (&disabled.Provider{}).NewGauge(fabric.GaugeOpts{})}, time: time.Unix(1_000_000_000, 0)}
	n.now = func() time.Time { return n.time }
	n.warn = func(message string, keysAndValues ...any) {
		n.logged = append(n.logged, strings.TrimSpace(message[:strings.Index(message, ";")]+" "+fmt.Sprintln(keysAndValues...)))
	}
	return n
}

const day = 24 * time.Hour

func TestExpiryOfCertificateIsLoggedInTime(t *testing.T) {
	n := newNotices()
	end := n.time.Add(31 * day)
	n.read(end)
	if len(n.logged) != 0 {
		t.Fatalf("got %v, want nothing", n.logged)
	}
	n.time = n.time.Add(day)
	n.read(end)
	if want := []string{"The client certificate for the brokers expires soon end 2001-10-10T01:46:40Z days 30"}; !reflect.DeepEqual(n.logged, want) {
		t.Fatalf("n.logged is %v, want %v", n.logged, want)
	}
	n.time = n.time.Add(day - time.Second)
	n.read(end)
	if len(n.logged) != 1 {
		t.Fatalf("once a day: got %v, want 1 of them", n.logged)
	}
	n.time = n.time.Add(time.Second)
	n.read(end)
	if len(n.logged) != 2 {
		t.Fatalf("got %v, want 2 of them", n.logged)
	}
	n.read(end.Add(-day))
	if len(n.logged) != 3 {
		t.Fatalf("another certificate: got %v, want 3 of them", n.logged)
	}
	n.read(end.Add(365 * day))
	if len(n.logged) != 3 {
		t.Fatalf("a renewed certificate: got %v, want 3 of them", n.logged)
	}
	n.time = end
	n.read(end)
	if want := "The client certificate for the brokers has expired, and the brokers refuse new connections end 2001-10-10T01:46:40Z days 0"; n.logged[3] != want {
		t.Fatalf("n.logged[3] is %v, want %v", n.logged[3], want)
	}
}

// The metric follows the files: at start, at each connection and at surveys.
func TestExpiryOfCertificateIsMeasured(t *testing.T) {
	p := newPKI(t)
	m := newMeter(t)
	section := map[string]any{"TLS": map[string]any{"Enabled": true, "Certificate": p.path("cert.pem"), "PrivateKey": p.path("key.pem")}}
	c := newConsenter(t, section, m)
	const name = "consensus_kafka_client_certificate_expiry_seconds{}"
	if want := endOf(t, p); !reflect.DeepEqual(m.values[name], want) {
		t.Fatalf("m.values[name] is %v, want %v", m.values[name], want)
	}
	near := func(want float64) {
		t.Helper()
		if got := m.values[name]; math.Abs(got-want) > 1 {
			t.Errorf("%s is %v, want %v", name, got, want)
		}
	}

	renewed := newPKIUntil(t, time.Now().Add(90*day))
	for _, file := range []string{"cert.pem", "key.pem"} {
		must(t, os.Rename(renewed.path(file), p.path(file)))
	}
	_, err := c.logConfig(nil, 0).TLS()
	must(t, err)
	near(float64(time.Now().Add(90 * day).Unix()))

	again := newPKIUntil(t, time.Now().Add(180*day))
	for _, file := range []string{"cert.pem", "key.pem"} {
		must(t, os.Rename(again.path(file), p.path(file)))
	}
	e := c.events(channel)
	e.Surveyed(nil, nil)
	near(float64(time.Now().Add(90 * day).Unix())) // it has looked less than a minute ago
	c.certificate.now = func() time.Time { return time.Now().Add(readEvery) }
	e.Surveyed(nil, nil)
	near(float64(time.Now().Add(180 * day).Unix()))
}

func TestNoCertificateHasNoExpiry(t *testing.T) {
	for _, section := range []map[string]any{nil, {"TLS": map[string]any{"Enabled": true}}} {
		m := newMeter(t)
		c := newConsenter(t, section, m)
		c.events(channel).Surveyed(nil, nil)
		if _, ok := m.declared["consensus_kafka_client_certificate_expiry_seconds"]; !ok {
			t.Fatalf("%q is not in %v", "consensus_kafka_client_certificate_expiry_seconds", m.declared)
		}
		if _, ok := m.values["consensus_kafka_client_certificate_expiry_seconds{}"]; ok {
			t.Fatalf("%q is in %v", "consensus_kafka_client_certificate_expiry_seconds{}", m.values)
		}
	}
}

func endOf(t *testing.T, p pki) float64 {
	pair, err := tls.LoadX509KeyPair(p.path("cert.pem"), p.path("key.pem"))
	must(t, err)
	return float64(pair.Leaf.NotAfter.Unix())
}
