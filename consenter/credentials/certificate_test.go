package credentials

import (
	"crypto/tls"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

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
	require.Empty(t, n.logged)
	n.time = n.time.Add(day)
	n.read(end)
	require.Equal(t, []string{"The client certificate for the brokers expires soon end 2001-10-10T01:46:40Z days 30"}, n.logged)
	n.time = n.time.Add(day - time.Second)
	n.read(end)
	require.Len(t, n.logged, 1, "once a day")
	n.time = n.time.Add(time.Second)
	n.read(end)
	require.Len(t, n.logged, 2)
	n.read(end.Add(-day))
	require.Len(t, n.logged, 3, "another certificate")
	n.read(end.Add(365 * day))
	require.Len(t, n.logged, 3, "a renewed certificate")
	n.time = end
	n.read(end)
	require.Equal(t, "The client certificate for the brokers has expired, and the brokers refuse new connections end 2001-10-10T01:46:40Z days 0", n.logged[3])
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
	require.NoError(t, err)
	end := &gauge{}
	c := NewClientCertificate(transport, end, func(string, ...any) {})
	require.Zero(t, end.value)
	c.Refresh()
	require.Equal(t, endOf(t, p), end.value)

	in90 := time.Now().Add(90 * day)
	newPKIUntil(t, in90).replace(t, p)
	_, err = c.TLS()()
	require.NoError(t, err)
	require.EqualValues(t, in90.Unix(), end.value)

	in180 := time.Now().Add(180 * day)
	newPKIUntil(t, in180).replace(t, p)
	c.Refresh() // it has looked less than a minute ago
	require.EqualValues(t, in90.Unix(), end.value)
	c.now = func() time.Time { return time.Now().Add(readEvery) }
	c.Refresh()
	require.EqualValues(t, in180.Unix(), end.value)
}

func TestNoCertificateHasNoExpiry(t *testing.T) {
	for name, s := range map[string]settings.TLS{"off": {}, "without a certificate": {Enabled: true}} {
		transport, err := LoadTLS(s)
		require.NoError(t, err)
		end := &gauge{}
		c := NewClientCertificate(transport, end, func(string, ...any) {})
		c.Refresh()
		require.Zero(t, end.value, name)
		require.Equal(t, s.Enabled, c.TLS() != nil, name)
	}
}

func endOf(t *testing.T, p pki) float64 {
	pair, err := tls.LoadX509KeyPair(p.path("cert.pem"), p.path("key.pem"))
	require.NoError(t, err)
	return float64(pair.Leaf.NotAfter.Unix())
}
