package credentials

import (
	"crypto/tls"
	"sync"
	"time"

	"github.com/fabric-kafka/orderer/chain/fabric"
)

const (
	noticePeriod = 30 * 24 * time.Hour // before a certificate expires
	noticeEvery  = 24 * time.Hour
	readEvery    = time.Minute // from the files, in addition to every connection
)

// ClientCertificate reports when the client certificate, if there is one, expires: in a
// metric whenever it is read, and in the log when the expiry is near, once for each
// certificate and then once a day. It is safe for concurrent use.
type ClientCertificate struct {
	transport func() (*tls.Config, error) // nil: no TLS
	end       fabric.Gauge                // seconds of Unix time
	warn      func(message string, keysAndValues ...any)
	now       func() time.Time

	mu       sync.Mutex
	lastRead time.Time
	noticed  time.Time // time of the last notice
	notAfter time.Time // of the certificate in that notice
}

// NewClientCertificate returns the certificate that a transport presents, not yet read.
// transport is the function that [LoadTLS] returns; end is set to the expiry in Unix seconds; warn logs.
func NewClientCertificate(transport func() (*tls.Config, error), end fabric.Gauge, warn func(message string, keysAndValues ...any)) *ClientCertificate {
	return &ClientCertificate{transport: transport, end: end, warn: warn, now: time.Now}
}

// TLS returns the transport, which reads the certificate's expiry for each connection; nil if TLS is off.
func (c *ClientCertificate) TLS() func() (*tls.Config, error) {
	if c.transport == nil {
		return nil
	}
	return c.connect
}

// connect returns the TLS config of one connection, and reads the certificate's expiry from it.
func (c *ClientCertificate) connect() (*tls.Config, error) {
	config, err := c.transport()
	if err != nil || config.GetClientCertificate == nil {
		return config, err
	}
	pair, err := config.GetClientCertificate(nil)
	if err != nil {
		return nil, err
	}
	if pair.Leaf != nil { // always set, unless GODEBUG disables it
		c.read(pair.Leaf.NotAfter)
	}
	return config, nil
}

// Refresh reads the files again if that is due, since connections may outlast a certificate. Call it
// regularly. It ignores faults of the files: the next connection returns them.
func (c *ClientCertificate) Refresh() {
	if c.transport == nil || !c.due() {
		return
	}
	_, _ = c.connect()
}

func (c *ClientCertificate) due() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if now := c.now(); now.Sub(c.lastRead) >= readEvery {
		c.lastRead = now
		return true
	}
	return false
}

func (c *ClientCertificate) read(notAfter time.Time) {
	c.end.Set(float64(notAfter.Unix()))
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.now()
	left := notAfter.Sub(now)
	if left > noticePeriod || (notAfter.Equal(c.notAfter) && now.Sub(c.noticed) < noticeEvery) {
		return
	}
	c.noticed, c.notAfter = now, notAfter
	message := "The client certificate for the brokers expires soon; replace its files, no restart is needed"
	if left <= 0 {
		message = "The client certificate for the brokers has expired, and the brokers refuse new connections; replace its files, no restart is needed"
	}
	c.warn(message, "end", notAfter.UTC().Format(time.RFC3339), "days", int(left.Hours()/24))
}
