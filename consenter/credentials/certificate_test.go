package credentials

import (
	"crypto/tls"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/fabric-kafka/orderer/chain/checktest"
	"github.com/fabric-kafka/orderer/chain/fabric"
	"github.com/fabric-kafka/orderer/consenter/settings"
)

// notices collects what is logged about a client certificate, on a clock of its own.
type notices struct {
	*ClientCertificate
	logged []string
	time   time.Time
}

func newNotices() *notices {
	n := &notices{ClientCertificate: &ClientCertificate{end: &gauge{}}, time: time.Unix(1_000_000_000, 0)}
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
	if got := n.logged; len(got) > 0 {
		t.Fatalf("got %v, want none", got)
	}
	n.time = n.time.Add(day)
	n.read(end)
	if got, want := n.logged, []string{"The client certificate for the brokers expires soon end 2001-10-10T01:46:40Z days 30"}; !reflect.DeepEqual(got, want) {
		t.Fatalf("got %v, want %v", got, want)
	}
	n.time = n.time.Add(day - time.Second)
	n.read(end)
	if got := n.logged; len(got) != 1 {
		t.Fatalf("once a day: got %v, want %d of them", got, 1)
	}
	n.time = n.time.Add(time.Second)
	n.read(end)
	if got := n.logged; len(got) != 2 {
		t.Fatalf("got %v, want %d of them", got, 2)
	}
	n.read(end.Add(-day))
	if got := n.logged; len(got) != 3 {
		t.Fatalf("another certificate: got %v, want %d of them", got, 3)
	}
	n.read(end.Add(365 * day))
	if got := n.logged; len(got) != 3 {
		t.Fatalf("a renewed certificate: got %v, want %d of them", got, 3)
	}
	n.time = end
	n.read(end)
	if got, want := n.logged[3], "The client certificate for the brokers has expired, and the brokers refuse new connections end 2001-10-10T01:46:40Z days 0"; !reflect.DeepEqual(got, want) {
		t.Fatalf("got %v, want %v", got, want)
	}
}

// gauge is a metric that keeps its value.
type gauge struct{ value float64 }

func (g *gauge) With(...string) fabric.Gauge { return g }
func (g *gauge) Add(d float64)               { g.value += d }
func (g *gauge) Set(to float64)              { g.value = to }

// The metric follows the files: at each connection, and when they are due to be read again.
func TestExpiryOfCertificateIsMeasured(t *testing.T) {
	p := newPKI(t)
	transport, err := LoadTLS(settings.TLS{Enabled: true, Certificate: p.path("cert.pem"), PrivateKey: p.path("key.pem")})
	checktest.Must(t, err)
	end := &gauge{}
	c := NewClientCertificate(transport, end, func(string, ...any) {})
	if end.value != 0 {
		t.Fatalf("got %v, want 0 before it is read", end.value)
	}
	c.Refresh()
	if got, want := end.value, endOf(t, p); got != want {
		t.Fatalf("got %v, want %v", got, want)
	}

	in90 := time.Now().Add(90 * day)
	newPKIUntil(t, in90).replace(t, p)
	_, err = c.TLS()()
	checktest.Must(t, err)
	if got, want := end.value, float64(in90.Unix()); got != want {
		t.Fatalf("got %v, want %v", got, want)
	}

	in180 := time.Now().Add(180 * day)
	newPKIUntil(t, in180).replace(t, p)
	c.Refresh() // the files were read less than a minute ago
	if got, want := end.value, float64(in90.Unix()); got != want {
		t.Fatalf("got %v, want %v", got, want)
	}
	c.now = func() time.Time { return time.Now().Add(readEvery) }
	c.Refresh()
	if got, want := end.value, float64(in180.Unix()); got != want {
		t.Fatalf("got %v, want %v", got, want)
	}
}

func TestNoCertificateHasNoExpiry(t *testing.T) {
	for name, s := range map[string]settings.TLS{"off": {}, "without a certificate": {Enabled: true}} {
		transport, err := LoadTLS(s)
		checktest.Must(t, err)
		end := &gauge{}
		c := NewClientCertificate(transport, end, func(string, ...any) {})
		c.Refresh()
		if end.value != 0 {
			t.Errorf("%s: got %v, want 0", name, end.value)
		}
		if got, want := c.TLS() != nil, s.Enabled; !reflect.DeepEqual(got, want) {
			t.Fatalf("%v: got %v, want %v", name, got, want)
		}
	}
}

func endOf(t *testing.T, p pki) float64 {
	pair, err := tls.LoadX509KeyPair(p.path("cert.pem"), p.path("key.pem"))
	checktest.Must(t, err)
	return float64(pair.Leaf.NotAfter.Unix())
}
